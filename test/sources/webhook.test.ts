import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isCode } from '../../src/kernel/errors.ts';
import { incomingEvent } from '../../src/model/event.ts';
import source from '../../src/sources/webhook/index.ts';
import {
  alertsOf,
  delivery,
  normalise,
  now,
  payload,
  refusal,
  refusesAtMost,
  vectors,
  verifyVector,
} from './helpers.ts';

const map = { fingerprint: 'body.id', state: 'body.state', title: 'body.title' };

function made(body: object, more: object = {}) {
  const { events } = normalise(source, JSON.stringify({ id: 'x', state: 'firing', title: 't', ...body }), {
    map: { ...map, ...more },
  });
  return events[0];
}

/** What zod says of the options, `path: message`. */
function problems(options: object): string[] {
  const parsed = source.options.safeParse(options);
  return parsed.success ? [] : parsed.error.issues.map(issue => `${issue.path.join('.')}: ${issue.message}`);
}

describe('the ways senders sign, as options', () => {
  const ways: Record<string, (vector: { secret: string; timestampHeader?: string }) => object> = {
    github: ({ secret }) => ({ secret, header: 'X-Hub-Signature-256', prefix: 'sha256=' }),
    sentry: ({ secret }) => ({ secret, header: 'Sentry-Hook-Signature' }),
    grafana: ({ secret, timestampHeader }) => ({ secret, header: 'X-Grafana-Alerting-Signature', timestampHeader }),
    'standard-webhooks': ({ secret }) => ({
      secret,
      secretEncoding: 'base64',
      header: 'webhook-signature',
      prefix: 'v1,',
      encoding: 'base64',
      timestampHeader: 'webhook-timestamp',
      signed: '{webhook-id}.{webhook-timestamp}.{body}',
    }),
  };
  const all = Object.keys(ways).flatMap(sender => vectors(sender).map(vector => ({ ...vector, way: ways[sender] })));

  test.each(all)('$source $expect: $file $why', vector => {
    const options = (secret: string) => ({ auth: { hmac: vector.way?.({ ...vector, secret }) }, map });
    expect(verifyVector(source, options(vector.secret), vector)).toBe(vector.expect.startsWith('accept'));
    expect(verifyVector(source, options('whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'), vector)).toBe(false);
  });

  test('there are vectors of every way', () => {
    for (const sender of Object.keys(ways)) expect(vectors(sender).length, sender).toBeGreaterThan(0);
  });
});

describe('a signed time', () => {
  const hmac = { secret: 's', header: 'x-sig', timestampHeader: 'x-time', signed: 'v0:{X-Time}:{body}' };
  const signed = (seconds: string, headers: Record<string, string> = {}) =>
    delivery('{}', {
      'x-time': seconds,
      'x-sig': createHmac('sha256', 's').update(`v0:${seconds}:{}`).digest('hex'),
      ...headers,
    });
  const holds = (given: ReturnType<typeof delivery>) =>
    source.verify(given, source.options.parse({ auth: { hmac }, map })).ok;

  test('holds within five minutes both ways, and not beyond', () => {
    for (const off of [0, 300, -300]) expect(holds(signed(String(now / 1000 + off))), String(off)).toBe(true);
    for (const off of [301, -301]) expect(holds(signed(String(now / 1000 + off))), String(off)).toBe(false);
  });

  test('is digits, is there, and is what was signed', () => {
    for (const text of ['abc', '', '1e9', `${now / 1000}.0`, ` ${now / 1000}`, String(now)])
      expect(holds(signed(text)), text).toBe(false);
    const { 'x-time': _gone, ...rest } = signed(String(now / 1000)).headers;
    expect(holds({ ...signed(String(now / 1000)), headers: rest })).toBe(false);
    expect(holds(signed(String(now / 1000), { 'x-time': String(now / 1000 + 1) }))).toBe(false);
  });
});

describe('several signatures in one header', () => {
  const good = createHmac('sha256', 's').update('{}').digest('hex');
  const bad = 'f'.repeat(64);
  test.each([
    [`v1=${bad},v1=${good}`, 'v1=', true],
    [`v1=${bad}, v1=${good}`, 'v1=', true],
    [`t=12,v1=${good},v0=${bad}`, 'v1=', true],
    [`v2=${good}`, 'v1=', false],
    [good, 'v1=', false],
    [`xv1=${good}`, 'v1=', false],
    [`${bad} ${good}`, '', true],
    [`.*${good}`, '.*', true],
    [`ab${good}`, '.*', false],
  ])('%s with prefix %j: %s', (header, prefix, expected) => {
    const options = source.options.parse({ auth: { hmac: { secret: 's', header: 'X-Sig', prefix } }, map });
    expect(source.verify(delivery('{}', { 'x-sig': header }), options).ok).toBe(expected);
  });
});

describe('other proofs', () => {
  test.each([
    [undefined, undefined, 'none'],
    [{ bearer: 't' }, 'Bearer t', 'bearer'],
    [{ bearer: 't' }, 'Bearer u', false],
    [{ bearer: 't' }, undefined, false],
    [{ basic: { user: 'u', password: 'p' } }, `Basic ${Buffer.from('u:p').toString('base64')}`, 'basic'],
    [{ hmac: { secret: 's', header: 'x-sig' } }, undefined, false],
  ])('%j with %j: %s', (auth, authorization, expected) => {
    const verified = source.verify(
      delivery('{}', authorization === undefined ? {} : { authorization }),
      source.options.parse(auth === undefined ? { map } : { auth, map }),
    );
    expect(verified.ok ? verified.by : false).toBe(expected);
  });
});

describe('mappings', () => {
  test('everything that an event has can be mapped', () => {
    const event = made(
      { n: 3, at: '2026-11-25T10:00:00+01:00', url: 'https://x.example/a', list: ['a', 'b'] },
      {
        severity: '"sev1"',
        labels: { count: 'body.n', first: 'body.list[0]', fixed: '"prod"', twice: 'body.n * 2' },
        annotations: { note: 'has(body.note) ? body.note : "none"' },
        links: { Check: 'body.url', Evil: '"javascript:alert(1)"' },
        startsAt: 'body.at',
      },
    );
    expect(incomingEvent.parse(event)).toEqual({
      kind: 'alert',
      state: 'firing',
      fingerprint: 'x',
      title: 't',
      severity: 'critical',
      labels: { count: '3', first: 'a', fixed: 'prod', twice: '6' },
      annotations: { note: 'none' },
      links: [{ label: 'Check', url: 'https://x.example/a' }],
      startsAt: Date.parse('2026-11-25T09:00:00Z'),
      endsAt: null,
      occurredAt: Date.parse('2026-11-25T09:00:00Z'),
    });
  });

  test('resolved, acknowledged and notice', () => {
    expect(made({ state: 'Resolved' })).toMatchObject({ state: 'resolved', endsAt: now, occurredAt: now });
    expect(made({ state: 'acknowledged' })).toMatchObject({ state: 'acknowledged', endsAt: null });
    expect(made({ state: 'notice' })).toMatchObject({ kind: 'notice', title: 't' });
  });

  test('headers can be read; a header that is not there is empty', () => {
    const options = source.options.parse({
      map: { ...map, state: 'headers["x-state"]', title: 'headers["x-none"] + "!"' },
    });
    const given = delivery('{}', { 'X-State': 'firing' });
    expect(source.normalise({ id: 'x' }, given, options).events[0]).toMatchObject({ state: 'firing', title: '!' });
  });

  test.each([
    [{}, { title: 'body.nothing' }, 'map.title'],
    [{}, { labels: { env: 'body.a.b' } }, 'map.labels.env'],
    [{}, { fingerprint: 'body.title.size() > 5 ? "a" : ""' }, 'map.fingerprint'],
    [{ state: 'CANARY' }, {}, 'map.state'],
    [{ state: null }, {}, 'map.state'],
    [{ title: { CANARY: 1 } }, {}, 'map.title'],
    [{}, { startsAt: 'body.at' }, 'map.startsAt'],
    [{ n: 'CANARY' }, { labels: { n: 'string(int(body.n))' } }, 'map.labels.n'],
    [{ list: 'CANARY' }, { each: 'body.list' }, 'map.each'],
    [{ list: Array.from({ length: 1001 }, () => 0) }, { each: 'body.list' }, 'map.each'],
  ])('%j with %j is refused and names %s', (body, more, where) => {
    const found = refusal(() => made(body, more));
    expect(found).toMatchObject({ code: 'bad-body', at: where });
    expect(JSON.stringify(found)).not.toContain('CANARY');
  });

  test('keys with awkward names are keys', () => {
    const body = payload('hostile/prototype-pollution.json');
    const options = {
      map: {
        each: 'body.alerts',
        fingerprint: 'item.fingerprint',
        state: 'item.status',
        title: 'item.annotations["constructor"]',
        labels: { a: 'item.labels["toString"]', b: 'item.labels["__proto__"]', c: 'body["__proto__"].isAdmin' },
      },
    };
    expect(alertsOf(normalise(source, body, options).events)[0]).toMatchObject({
      fingerprint: '__proto__',
      title: 'q',
      labels: { a: 'y', b: 'x', c: 'true' },
    });
  });

  test('the id of the delivery is text, and none when it is empty', () => {
    const idOf = (deliveryId: string) =>
      normalise(source, '{"n":7,"e":""}', {
        deliveryId,
        map: { ...map, fingerprint: '"f"', state: '"firing"', title: '"t"' },
      }).deliveryId;
    expect(idOf('body.n')).toBe('7');
    expect(idOf('body.e')).toBeNull();
    expect(refusal(() => idOf('body.none'))).toMatchObject({ code: 'bad-body', at: 'deliveryId' });
  });

  test('an id too large for a number keeps all its digits', () => {
    const { events } = normalise(source, '{"id":1795604410123456789,"state":"firing","title":"t"}', { map });
    expect(events[0]).toMatchObject({ fingerprint: '1795604410123456789' });
  });

  test('any JSON is mapped or refused', () => {
    const options = source.options.parse({
      deliveryId: 'has(body.d) ? body.d : ""',
      map: {
        ...map,
        each: 'has(body.l) ? body.l : [body]',
        severity: 'item.s',
        startsAt: 'item.t',
        labels: { a: 'item.a' },
        links: { b: 'item.b' },
      },
    });
    const item = fc.record(
      { s: fc.anything(), t: fc.anything(), a: fc.anything(), b: fc.anything() },
      { requiredKeys: [] },
    );
    const body = fc.record(
      {
        id: fc.anything(),
        state: fc.constantFrom('firing', 'resolved', 'x'),
        title: fc.anything(),
        l: fc.oneof(fc.array(item), fc.anything()),
        d: fc.anything(),
      },
      { requiredKeys: ['state'] },
    );
    fc.assert(
      fc.property(fc.oneof(body, fc.jsonValue()), value => {
        const text =
          JSON.stringify(value, (_key, member) => (typeof member === 'bigint' ? String(member) : member)) ?? 'null';
        refusesAtMost(() => {
          const given = delivery(text);
          for (const one of source.normalise(JSON.parse(text), given, options).events) incomingEvent.parse(one);
        });
      }),
      { numRuns: 1000 },
    );
  });
});

test('header names ignore case, also in `in`', () => {
  const options = source.options.parse({
    map: {
      ...map,
      state: '"firing"',
      title: 'headers["X-GitHub-Event"] + headers["x-github-event"] + headers["X-No"]',
      labels: { there: '"X-GITHUB-EVENT" in headers', not: '"x-no" in headers' },
    },
  });
  const given = delivery('{}', { 'X-GitHub-Event': 'push' });
  expect(source.normalise({ id: 'x' }, given, options).events[0]).toMatchObject({
    title: 'pushpush',
    labels: { there: 'true', not: 'false' },
  });
});

test("a token in a header of one's choice", () => {
  const options = source.options.parse({ auth: { header: { name: 'X-Api-Key', value: ['old', 'new'] } }, map });
  for (const key of ['old', 'new'])
    expect(source.verify(delivery('{}', { 'x-api-key': key }), options)).toEqual({ ok: true, by: 'header' });
  for (const headers of [{ 'x-api-key': 'ne' }, { 'x-api-key': '' }, { authorization: 'Bearer new' }, {}] as Record<
    string,
    string
  >[])
    expect(source.verify(delivery('{}', headers), options).ok).toBe(false);
});

test('a repeat takes four hours and a reopening fifteen seconds, where nothing is said', () => {
  expect(source.options.parse({ map })).toMatchObject({ repeatInterval: 4 * 3_600_000, reopenAfter: 15_000 });
});

describe('options that cannot work are refused where they stand', () => {
  test.each([
    [{ map: { ...map, title: 'body.' } }, 'map.title: '],
    [{ map: { ...map, title: 'bdy.title' } }, 'map.title: '],
    [{ map: { ...map, title: 'body.title.matches("a")' } }, 'map.title: '],
    [{ map: { state: '"firing"', title: '"t"' } }, 'map.fingerprint: '],
    [{ map: { ...map, titel: 'x' } }, 'map: '],
    [{ map, auth: {} }, 'auth: give one of'],
    [{ map, auth: { bearer: 'a', basic: { user: 'u', password: 'p' } } }, 'auth: give one of'],
    [{ map, auth: { bearer: '' } }, 'auth.bearer: a secret must not be empty'],
    [{ map, auth: { hmac: { secret: 's', header: 'x y' } } }, 'auth.hmac.header: '],
    [{ map, auth: { hmac: { secret: 's', header: 'x', signed: '{x}' } } }, 'auth.hmac.signed: must hold {body}'],
    [
      { map, auth: { hmac: { secret: 's', header: 'x', timestampHeader: 'X-T', signed: '{body}' } } },
      'auth.hmac.signed: must hold {x-t}',
    ],
    [{ map, auth: { header: { name: 'X-Api-Key', value: '' } } }, 'auth.header.value: a secret must not be empty'],
    [{ map, auth: { header: { name: 'X Api', value: 'a' } } }, 'auth.header.name: not the name of a header'],
    [{ map, stretch: 'startsAt' }, 'stretch: needs map.startsAt'],
    [{ map, reopenAfter: '2h', repeatInterval: '1h' }, 'reopenAfter: must not be longer than repeatInterval'],
    [{ map: { ...map, at: '"yesterday"' } }, 'map.at: is always the same, and no time'],
    [{ map: { ...map, startsAt: '1 / 0' } }, 'map.startsAt: is always the same, and no time'],
    [{ map: { ...map, state: '"fireing"' } }, 'map.state: is always the same, and no state'],
    [{ map, states: { DOWN: 'broken' } }, 'states.DOWN: '],
    [{ map, states: { DOWN: 'firing', down: 'notice' } }, 'states: "down" is there twice'],
    [{ map, severities: { DOWN: 'firing' } }, 'severities.DOWN: '],
    [{ map, format: 'xml' }, 'format: '],
    [{ map, auth: { hmac: { secret: 'short', secretEncoding: 'base64', header: 'x' } } }, 'auth.hmac.secret: '],
  ])('%j', (options, expected) => {
    expect(problems(options).join('\n')).toContain(expected);
  });

  test('matches is refused because it is not linear; re() is there', () => {
    expect(problems({ map: { ...map, title: 're(body.title, "a+") ? "y" : "n"' } })).toEqual([]);
  });
});

test('a code that the door knows', () =>
  expect(
    isCode(
      refusal(() => made({ state: 'x' })),
      'bad-body',
    ),
  ).toBe(true));
