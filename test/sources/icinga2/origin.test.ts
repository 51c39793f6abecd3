import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { isCode } from '../../../src/kernel/errors.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import { permissionsOf } from '../../../src/sources/icinga2/check.ts';
import source from '../../../src/sources/icinga2/index.ts';
import { sampleAlert } from '../../contracts/samples.ts';
import { type IcingaDouble, startIcingaDouble } from '../../doubles/icinga2.ts';
import { delivery, take } from '../helpers.ts';

const disk = 'web-1!disk /';
let icinga: IcingaDouble;
beforeEach(async () => {
  icinga = await startIcingaDouble();
  icinga.objects.set(disk, { state: 2, acknowledgement: 0, comments: [] });
  icinga.objects.set('web-1', { state: 1, acknowledgement: 0, comments: [] });
});
afterEach(() => icinga.close());

const now = Date.UTC(2026, 10, 20);
const given = (api: object = {}) =>
  source.options.parse({
    token: 't',
    api: { url: icinga.url, user: icinga.user, password: icinga.password, ...api },
  });
const open = (api: object = {}) =>
  source.origin?.(given(api), { clock: { ...systemClock, now: () => now }, log: silentLog, reach: () => fetch });
const alert = (fingerprint = disk) => sampleAlert({ id: 'alt_1', episode: 2, fingerprint });
const note = { text: 'Tocsin: Fix failed', marker: 'note/run_1/7' };
const object = (name = disk) => icinga.objects.get(name);
const wrote = () => icinga.requests.filter(one => one.startsWith('POST /v1/actions'));
const isDown = (error: unknown) => isCode(error, 'origin-down');

describe('the way back to Icinga', () => {
  test('is there only with api, and without acknowledgements where they are not wanted', () => {
    expect(
      source.origin?.(source.options.parse({ token: 't' }), { clock: systemClock, log: silentLog, reach: () => fetch }),
    ).toBeNull();
    expect(Object.keys(open() ?? {}).sort()).toEqual(['acknowledge', 'note', 'notifiesLater', 'perMinute', 'recall']);
    expect(open({ acknowledge: false })).not.toHaveProperty('acknowledge');
    expect(source.options.safeParse({ api: { ...given().api, url: 'http://icinga.example.com:5665' } }).success).toBe(
      false,
    );
    expect(source.options.safeParse({ api: { ...given().api, ca: 'no certificate' } }).success).toBe(false);
    expect(source.options.safeParse({ api: { ...given().api, password: '' } }).success).toBe(false);
  });

  test('reaches the address of the options alone, by the authority of the options', () => {
    const reached: unknown[] = [];
    const reach = (...all: unknown[]) => {
      reached.push(...all);
      return fetch;
    };
    source.origin?.(given(), { clock: systemClock, log: silentLog, reach });
    expect(reached).toEqual([[icinga.url], undefined]);
  });

  test.each([disk, 'web-1'])('acknowledges %s once, so that a problem that gets worse is told of again', async name => {
    expect(await open()?.acknowledge?.(alert(name))).toBe('Acknowledged the problem in Icinga');
    expect(await open()?.acknowledge?.(alert(name))).toBe('The problem is acknowledged in Icinga already');
    expect(object(name)).toMatchObject({ acknowledgement: 1, comments: [{ author: 'tocsin', entry_type: 4 }] });
    expect(icinga.notified).toHaveLength(1);
  });

  test('finds its acknowledgement after the answer was lost, and leaves what is over', async () => {
    icinga.faults.push('lost');
    await expect(open()?.acknowledge?.(alert())).rejects.toSatisfy(isDown);
    expect(await open()?.acknowledge?.(alert())).toContain('already');
    expect(icinga.notified).toHaveLength(1);
    icinga.objects.set(disk, { state: 0, acknowledgement: 0, comments: [] });
    expect(await open()?.acknowledge?.(alert())).toBe('The problem is over in Icinga already');
    expect(await open()?.recall?.(alert())).toBe('The problem is over in Icinga already');
  });

  test('takes back its own acknowledgement and nobody else’s', async () => {
    await open()?.acknowledge?.(alert());
    icinga.faults.push('none', 'none', 'lost');
    await expect(open()?.recall?.(alert())).rejects.toSatisfy(isDown);
    expect(await open()?.recall?.(alert())).toBe('The problem is not acknowledged in Icinga already');
    expect(object()?.acknowledgement).toBe(0);
    const [text] = ['on it [tocsin acknowledge/alt_9/2 0123456789abcdef]'];
    icinga.objects.set(disk, {
      state: 2,
      acknowledgement: 1,
      comments: [{ author: 'mina', text: text ?? '', entry_type: 4 }],
    });
    expect(await open()?.recall?.(alert())).toContain('Somebody else acknowledged');
    expect(object()?.acknowledgement).toBe(1);
  });

  test('writes a comment once, which ends after a month', async () => {
    icinga.faults.push('none', 'lost');
    await expect(open()?.note?.(alert(), note)).rejects.toSatisfy(isDown);
    expect(await open()?.note?.(alert(), note)).toBe('The comment is in Icinga already');
    expect(await open({ password: icinga.password })?.note?.(alert(), { ...note, marker: 'note/run_1/8' })).toContain(
      'Wrote',
    );
    expect(object()?.comments.map(one => one.text)).toEqual([
      expect.stringMatching(/^Tocsin: Fix failed\n\[tocsin note\/run_1\/7 [0-9a-f]{16}\]$/),
      expect.stringContaining('note/run_1/8'),
    ]);
    expect(object()?.comments[0]?.expiry).toBe((now + 30 * 86_400_000) / 1000);
    expect(wrote()).toHaveLength(2);
  });

  test('keeps the mark behind a long text', async () => {
    await open()?.note?.(alert(), { ...note, text: 'x'.repeat(20_000) });
    expect(object()?.comments[0]?.text.length).toBeLessThanOrEqual(8000);
    expect(await open()?.note?.(alert(), note)).toContain('already');
  });

  test.each([
    [{ status: 401, body: { error: 401, status: 'Unauthorized.' } }, 'origin-down', 'Unauthorized'],
    [{ status: 404, body: { error: 404, status: 'No objects found.' } }, 'origin-refused', 'No objects found.'],
    [{ status: 409, body: { results: [{ code: 409, status: 'It is locked' }] } }, 'origin-refused', 'It is locked'],
    [{ status: 503, body: { error: 503, status: 'Icinga is reloading' } }, 'origin-down', 'Icinga is reloading'],
    [{ status: 429 }, 'origin-limited', '429'],
  ])('%j is %s', async (fault, code, words) => {
    icinga.faults.push(fault);
    await expect(open()?.note?.(alert(), note)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(words),
    });
    expect(wrote()).toEqual([]);
  });
});

describe('its own acknowledgement', () => {
  const hear = (comment: string, more: object = {}) => {
    const fields = {
      type: 'ACKNOWLEDGEMENT',
      host: 'web-1',
      service: 'disk /',
      state: 'CRITICAL',
      author: 'tocsin',
      ...more,
    };
    const form = new URLSearchParams({ ...fields, comment }).toString();
    return take(source, delivery(form, { 'content-type': 'application/x-www-form-urlencoded' }), {
      token: 't',
      api: { url: icinga.url, user: icinga.user, password: icinga.password },
    });
  };

  test('is no news when Icinga notifies of it', async () => {
    await open()?.acknowledge?.(alert());
    const [{ comment = '' } = {}] = icinga.notified;
    expect(hear(comment)).toMatchObject({ events: [], echo: 'acknowledge' });
    // Of another kind, with another mark, with words behind it, or with a mark that somebody made up, it is news.
    expect(hear(comment, { type: 'PROBLEM' }).events).toHaveLength(1);
    for (const other of [
      comment.replace('alt_1', 'alt_2'),
      `${comment} I too`,
      'x [tocsin a 0123456789abcdef]',
      'mine',
    ])
      expect(hear(other).events, other).toHaveLength(2);
  });
});

describe('tocsin doctor', () => {
  const found = (api: object = {}) => {
    const tools = { clock: systemClock, fetch, signal: AbortSignal.timeout(5000), env: () => undefined, url: null };
    return source.check?.(given(api), { ...tools, name: 'icinga2', channels: [], groups: [], accounts: {} });
  };
  test('says what the ApiUser lacks, and what it has too much', async () => {
    expect(await found()).toEqual([{ what: 'the API of Icinga', state: 'ok' }]);
    icinga.permissions = ['actions/*', 'objects/query/Host', 'objects/query/service'];
    expect(await found()).toMatchObject([{ state: 'bad', because: 'the ApiUser tocsin lacks objects/query/Comment' }]);
    icinga.permissions = ['*'];
    expect(await found()).toMatchObject([{ state: 'warning', because: expect.stringContaining('more than') }]);
    expect(await found({ password: 'another' })).toMatchObject([
      { state: 'bad', because: expect.stringContaining('401') },
    ]);
  });
  test('asks for what the event stream needs, and for nothing to write where nothing is written', async () => {
    const reading = { stream: true, write: false };
    icinga.permissions = ['events/*', 'objects/query/*', 'filter-expression'];
    expect(await found(reading)).toMatchObject([{ state: 'warning', because: expect.stringContaining('more than') }]);
    icinga.permissions = [...permissionsOf(reading), 'filter-expression'];
    expect(await found(reading)).toEqual([{ what: 'the API of Icinga', state: 'ok' }]);
    icinga.permissions = icinga.permissions.filter(name => name !== 'events/StateChange');
    expect(await found(reading)).toMatchObject([
      { state: 'bad', because: expect.stringMatching(/events.StateChange$/) },
    ]);
    expect(await found({ stream: true })).toMatchObject([
      { because: expect.stringContaining('lacks actions/acknowledge-problem') },
    ]);
  });
  test('has nothing to say without api', async () => {
    expect(await source.check?.(source.options.parse({}), {} as never)).toEqual([]);
  });
});
