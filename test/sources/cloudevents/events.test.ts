import { describe, expect, it } from 'vitest';
import { type Alert, effectOf, foldAlert } from '../../../src/model/alert.ts';
import { type IncomingEvent, incomingEvent } from '../../../src/model/event.ts';
import { timingOf } from '../../../src/ports/source.ts';
import { check } from '../../../src/sources/cloudevents/check.ts';
import source from '../../../src/sources/cloudevents/index.ts';
import { delivery, now, refusal, take } from '../helpers.ts';

const types = { 'a.disk.full': 'firing', 'a.disk.well': 'resolved', 'a.disk.seen': 'acknowledged' };
const plain = { specversion: '1.0', id: '1', source: '/s', type: 'a.disk.full', subject: 'db-1' };
const json = { 'Content-Type': 'application/cloudevents+json' };

function one(more: object, options: object = { types }): IncomingEvent {
  const { events } = take(source, delivery(JSON.stringify({ ...plain, ...more }), json), options);
  expect(events.map(event => incomingEvent.parse(event))).toEqual(events);
  return events[0] as IncomingEvent;
}
const alertOf = (more: object, options: object = { types }) => {
  const event = one(more, options);
  if (event.kind !== 'alert') throw new Error(`it is a ${event.kind}`);
  return event;
};
const refused = (act: () => unknown) => {
  const { code, at } = refusal(act);
  return [code, at];
};

describe('what a type says', () => {
  it('is as types has it, exactly; every other one is a notice with its words, about the same condition', () => {
    expect(Object.keys(types).map(type => alertOf({ type }).state)).toEqual(['firing', 'resolved', 'acknowledged']);
    for (const type of ['a.disk.Full', 'a.disk.full ', 'a.disk.cleaned', 'constructor', '__proto__']) {
      expect(one({ type })).toMatchObject({ kind: 'notice', type, title: `${type}: db-1` });
    }
    expect(one({ type: 'a.disk.cleaned' })).toMatchObject({ about: alertOf({}).fingerprint });
  });

  it('may be said by map.state where types does not, in words that mean one', () => {
    const given = { types, map: { state: 'event.type == "a.job" ? data.state : "notice"' } };
    expect(alertOf({ data: { state: 'firing' }, type: 'a.disk.well' }, given).state).toBe('resolved');
    expect(alertOf({ type: 'a.job', data: { state: 'OK' } }, given).state).toBe('resolved');
    expect(one({ type: 'a.other' }, given).kind).toBe('notice');
    expect(refused(() => one({ type: 'a.job', data: { state: 'odd' } }, given))).toEqual(['bad-body', 'map.state']);
    expect(refused(() => one({ type: 'a.job' }, given))).toEqual(['bad-body', 'map.state']);
  });

  it('of a type that nobody named, an event is kept whatever the mappings make of it', () => {
    const map = { fingerprint: 'data.host', title: 'data.title', labels: { host: 'data.host', t: 'event.type' } };
    expect(one({ type: 'a.other' }, { types, map })).toEqual({
      kind: 'notice',
      type: 'a.other',
      title: 'a.other: db-1',
      labels: { type: 'a.other', source: '/s', subject: 'db-1', t: 'a.other' },
      links: [],
      occurredAt: now,
    });
    expect(refused(() => one({}, { types, map }))).toEqual(['bad-body', 'map.title']);
  });
});

describe('the identity', () => {
  const printOf = (more: object, options?: object) => alertOf(more, options).fingerprint;

  it('is source, type without its last word and version, and subject', () => {
    expect(printOf({})).toBe('/s a.disk db-1');
    expect(printOf({ type: 'a.disk.well' })).toBe(printOf({}));
    const versions = { 'a.disk.full.v1': 'firing', 'a.disk.well.V1.2': 'resolved', 'a.disk.bad.0.2.0': 'firing' };
    for (const type of Object.keys(versions)) expect(printOf({ type }, { types: versions })).toBe(printOf({}));
    expect(printOf({ subject: null })).toBe('/s a.disk');
    expect(printOf({ type: 'full' }, { types: { full: 'firing' } })).toBe('/s db-1');
  });

  it('never takes a part of one attribute for another', () => {
    const odd = { 'a b.full': 'firing', 'a.full': 'firing', 'a%20b.full': 'firing' };
    const prints = [
      { type: 'a b.full', subject: 'c' },
      { type: 'a.full', subject: 'b c' },
      { type: 'a%20b.full', subject: 'c' },
      { type: 'a.full', subject: 'b%20c' },
    ].map(more => printOf(more, { types: odd }));
    expect(new Set(prints).size).toBe(4);
  });

  it('is what map.fingerprint says, which may not be empty', () => {
    const map = { fingerprint: 'event.host + "/" + data.mount' };
    expect(printOf({ host: 'db-1', data: { mount: 'var' } }, { types, map })).toBe('db-1/var');
    expect(refused(() => one({}, { types, map: { fingerprint: 'event.host' } }))).toEqual([
      'bad-body',
      'map.fingerprint',
    ]);
  });
});

describe('what an alert is made of', () => {
  it('severity: the extension attribute, in any word that is known; else a warning', () => {
    expect(alertOf({ severity: 'Sev1' }).severity).toBe('critical');
    expect(alertOf({ severity: 'odd' }).severity).toBe('warning');
    expect(alertOf({}).severity).toBe('warning');
    const given = { types, severities: { ODD: 'info' }, map: { severity: 'data.level' } };
    expect(alertOf({ severity: 'critical', data: { level: 'odd' } }, given).severity).toBe('info');
  });

  it('labels: type, source, subject and extensions, not what is of the single event; and what the mapping adds', () => {
    const more = {
      time: '2026-11-20T11:00:03Z',
      datacontenttype: 'application/json',
      dataschema: 'https://x/1',
      traceparent: '00-1-2-01',
      tracestate: 'a=b',
      region: 'eu',
      source: 'https://ci.example/job/7',
      data: { host: 'h', url: 'https://wiki.example/disk' },
    };
    const map = {
      labels: { host: 'data.host', region: '"all"', none: 'event.nothing' },
      annotations: { description: '"used " + data.host' },
      links: { Runbook: 'data.url', Bad: '"javascript:1"' },
    };
    expect(alertOf(more, { types, map })).toMatchObject({
      title: 'a.disk.full: db-1',
      labels: { type: 'a.disk.full', source: more.source, subject: 'db-1', region: 'all', host: 'h' },
      annotations: { description: 'used h' },
      links: [
        { label: 'Source', url: more.source },
        { label: 'Runbook', url: 'https://wiki.example/disk' },
      ],
    });
    expect(Object.keys(alertOf(more, { types, map }).labels)).toHaveLength(5);
  });

  it('times: time is when the news was made and the condition began; one far ahead is left out and told', () => {
    const at = Date.UTC(2026, 10, 20, 11, 0, 3);
    const time = '2026-11-20T12:00:03.1234567+01:00';
    expect(alertOf({ time })).toMatchObject({
      startsAt: at + 123,
      newsAt: at + 123,
      occurredAt: at + 123,
      endsAt: null,
    });
    expect(alertOf({ time, type: 'a.disk.well' })).toMatchObject({ endsAt: at + 123 });
    const given = { types, map: { startsAt: 'data.since' } };
    expect(alertOf({ time, data: { since: '2026-11-20T10:00:00Z' } }, given).startsAt).toBe(at - 3_603_000);
    const bare = alertOf({});
    expect([bare.startsAt, bare.newsAt]).toEqual([now, undefined]);
    const ahead = alertOf({ time: '2030-01-01T00:00:00Z' });
    expect([ahead.startsAt, ahead.newsAt]).toEqual([now, undefined]);
    expect(ahead.labels['tocsin_note']).toBe(
      'time is more than five minutes ahead (2030-01-01T00:00:00Z); it is left out.',
    );
    expect(alertOf({ time: '0001-01-01T00:00:00Z' }).labels['tocsin_note']).toBeUndefined();
  });

  it('an acknowledgement with who gave it', () => {
    const given = { types, map: { by: 'data.by' } };
    expect(alertOf({ type: 'a.disk.seen', data: { by: 'alice' } }, given).by).toBe('alice');
    expect(alertOf({ type: 'a.disk.seen' }, given)).not.toHaveProperty('by');
  });

  it('late news changes nothing: a firing that its resolve overtook', () => {
    const told = [
      alertOf({ time: '2026-11-20T11:30:00Z', type: 'a.disk.well' }),
      alertOf({ time: '2026-11-20T11:00:00Z' }),
      alertOf({ time: '2026-11-20T12:00:00Z' }),
    ];
    let alert: Alert | null = null;
    const effects = told.map(body => {
      const effect = effectOf(alert, body);
      alert = foldAlert(
        alert,
        { id: 'e', source: 's', receivedAt: now, raw: null, trusted: true, body },
        effect,
        'a',
        {},
      );
      return effect;
    });
    expect(effects).toEqual(['unseen', 'stale', 'opened']);
  });
});

describe('options', () => {
  const problems = (given: object) => source.options.safeParse(given).error?.issues.map(issue => issue.message) ?? [];

  it('are refused where they say nothing that can be', () => {
    expect(problems({ types: { a: 'on fire' } })).toHaveLength(1);
    expect(problems({ map: { title: 'evnt.type' } })).toHaveLength(1);
    expect(problems({ origins: ['https://a.example'] })).toEqual(['is not a DNS name']);
    expect(problems({ origins: ['*'] })).toEqual(['is not a DNS name']);
    expect(problems({ rate: 0 })).toHaveLength(1);
    expect(problems({ repeatInterval: '10s', reopenAfter: '20s' })).toEqual(['must not be longer than repeatInterval']);
    expect(problems({})).toEqual([]);
  });

  it('a sender tells changes only, unless its interval is named', () => {
    const timing = (given: object) => timingOf({ driver: source as never, options: source.options.parse(given) });
    expect(timing({})).toEqual({ reopenAfter: 15_000, repeatInterval: Number.POSITIVE_INFINITY });
    expect(timing({ repeatInterval: '5m' }).repeatInterval).toBe(300_000);
  });

  it('are checked: nothing fires, or what fires never ends', async () => {
    const found = async (given: object) => {
      const all = await check(source.options.parse(given));
      return all.map(({ state, because }) => [state, because]);
    };
    expect(await found({ types })).toEqual([['ok', undefined]]);
    expect(await found({ map: { state: '"notice"' } })).toEqual([['ok', undefined]]);
    expect(await found({})).toEqual([['warning', expect.stringContaining('every event is a notice')]]);
    const endless = { 'a.disk.full': 'firing', 'a.cpu.well': 'resolved' };
    expect(await found({ types: endless })).toEqual([['warning', 'nothing resolves what these open: a.disk.full']]);
    expect(await found({ types: endless, map: { fingerprint: 'event.subject' } })).toEqual([['ok', undefined]]);
  });

  it('consent to the origins that are named and to no other, with the rate', () => {
    const ask = (origin: string | undefined, given: object) =>
      source.consent?.({ 'webhook-request-origin': origin }, source.options.parse(given));
    const given = { origins: ['EventGrid.azure.net'] };
    expect(ask('eventgrid.azure.net', given)).toEqual({
      'webhook-allowed-origin': 'eventgrid.azure.net',
      'webhook-allowed-rate': '*',
    });
    expect(ask('EVENTGRID.azure.net', { ...given, rate: 100 })).toEqual({
      'webhook-allowed-origin': 'EVENTGRID.azure.net',
      'webhook-allowed-rate': '100',
    });
    for (const other of ['', undefined, '*', 'azure.net', 'x.eventgrid.azure.net', 'eventgrid.azure.net, b.example'])
      expect(ask(other, given)).toBeNull();
    expect(ask('', {})).toBeNull();
  });

  it('with a signature, attributes in headers are not taken: it does not cover them', () => {
    const hmac = { auth: { hmac: { secret: 's', header: 'X-Sig' } } };
    const headers = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't' };
    expect(refused(() => take(source, delivery('{}', headers), hmac))[0]).toBe('wrong-content-type');
    expect(take(source, delivery(JSON.stringify(plain), json), hmac).events).toHaveLength(1);
  });
});
