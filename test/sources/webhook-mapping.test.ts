import { describe, expect, test } from 'vitest';
import source from '../../src/sources/webhook/index.ts';
import { normalise, now, refusal } from './helpers.ts';

/** What mappings make of senders' times, words, lists and empty fields. */

const map = { fingerprint: 'body.id', state: 'body.state', title: 'body.title' };

function made(body: object, more: object = {}) {
  const { events } = normalise(source, JSON.stringify({ id: 'x', state: 'firing', title: 't', ...body }), {
    map: { ...map, ...more },
  });
  return events[0];
}

describe('times', () => {
  const began = (at: unknown, expression = 'body.at') => made({ at }, { startsAt: expression });

  test.each<[unknown, number]>([
    [1_795_604_400, 1_795_604_400_000],
    [1_795_604_400.5, 1_795_604_400_500],
    [1_795_604_400_123, 1_795_604_400_123],
    [1_795_604_400_123_456, 1_795_604_400_123],
    ['1795604400', 1_795_604_400_000],
    ['1795604400.25', 1_795_604_400_250],
    ['1795604400123', 1_795_604_400_123],
    ['1795604400123456789', 1_795_604_400_123],
    ['2026-11-25T11:00:00.123456789+01:00', Date.UTC(2026, 10, 25, 10, 0, 0, 123)],
    [' 2026-11-25 10:00:00Z ', Date.UTC(2026, 10, 25, 10)],
    ['Wed, 25 Nov 2026 10:00:00 GMT', Date.UTC(2026, 10, 25, 10)],
    ['25 Nov 2026 05:00:01 -0500', Date.UTC(2026, 10, 25, 10, 0, 1)],
    ['Wed, 25 Nov 2026 11:30 +0130', Date.UTC(2026, 10, 25, 10)],
  ])('%j is read', (at, expected) => {
    expect(began(at)).toMatchObject({ startsAt: expected, occurredAt: expected, labels: {} });
  });

  test.each([
    ['CANARY', '(CANARY)'],
    ['Wed, 25 Nov 2026 10:00:00', 'no time with a zone'],
    ['2026-11-25T10:00:00', 'no time with a zone'],
    ['31 Feb 2026 10:00:00 GMT', 'no time with a zone'],
    ['20261125', 'no time with a zone'],
    ['{EVENT.TIMESTAMP}', 'no time with a zone'],
    [1e300, 'no time with a zone'],
    [-5, 'no time with a zone (-5)'],
    [17, 'no time with a zone'],
    [true, 'no time with a zone'],
    [{ a: 1 }, 'no time with a zone'],
    [now / 1000 + 90_000, 'more than five minutes ahead'],
    ['9999-12-31T23:59:59Z', 'more than five minutes ahead'],
  ])('%j becomes the arrival, and the alert says so', (at, word) => {
    const event = made({ at }, { startsAt: 'body.at', labels: { id: 'body.id' } });
    expect(event).toMatchObject({ state: 'firing', startsAt: now, labels: { id: 'x' } });
    expect(event?.labels['tocsin_note']).toMatch(/^map\.startsAt is .*; the arrival stands for it\.$/);
    expect(event?.labels['tocsin_note']).toContain(word);
  });

  test.each([null, '', 0, '0', '0001-01-01T00:00:00Z'])('%j counts as left out, without a word', at => {
    expect(began(at)).toMatchObject({ startsAt: now, labels: {} });
  });

  test('at is the time of the news: it orders, ends, and stands for a start that is left out', () => {
    const map = { at: 'body.at' };
    const at = now - 60_000;
    expect(made({ at }, map)).toMatchObject({ newsAt: at, startsAt: at, occurredAt: at, endsAt: null });
    expect(made({ at, state: 'resolved' }, map)).toMatchObject({ newsAt: at, endsAt: at, occurredAt: at });
    expect(made({ at, s: at - 5000 }, { ...map, startsAt: 'body.s' })).toMatchObject({
      startsAt: at - 5000,
      newsAt: at,
    });
    expect(made({ at, s: 'x' }, { ...map, startsAt: 'body.s' })).toMatchObject({
      startsAt: at,
      labels: { tocsin_note: 'map.startsAt is no time with a zone (x); map.at stands for it.' },
    });
  });

  test.each([['x'], [now + 90_000_000], [undefined], [[1]]])('at %j loses no alert: it is left out with a word', at => {
    const event = made({ at }, { at: 'body.at' });
    expect(event).toMatchObject({ state: 'firing', startsAt: now });
    expect(event).not.toHaveProperty('newsAt');
    expect(event?.labels['tocsin_note']).toMatch(/^map\.at is .*; it is left out\.$/);
    expect(made({ at: null }, { at: 'body.at' })?.labels).toEqual({});
  });
});

describe('stretch: startsAt', () => {
  const event = (s: unknown, state = 'firing') =>
    normalise(source, JSON.stringify({ id: 'x', title: 't', state, s }), {
      stretch: 'startsAt',
      map: { ...map, startsAt: 'body.s' },
    }).events[0];

  test('is on events whose start was told', () => {
    for (const state of ['firing', 'resolved', 'acknowledged'])
      expect(event(now - 1000, state)).toMatchObject({ stretch: 'startsAt', startsAt: now - 1000 });
  });

  test.each([null, '', 'x', now + 90_000_000])('is not on an arrival: %j', s => {
    expect(event(s)).toMatchObject({ startsAt: now });
    expect(event(s)).not.toHaveProperty('stretch');
  });

  test('is not there without the option', () => {
    expect(made({ s: now }, { startsAt: 'body.s' })).not.toHaveProperty('stretch');
  });
});

describe('words', () => {
  const state = (word: unknown, states: object = {}) => {
    const { events } = normalise(source, JSON.stringify({ id: 'x', state: word, title: 't' }), { states, map });
    return events[0]?.kind === 'alert' ? events[0].state : events[0]?.kind;
  };

  test.each([
    ['PROBLEM', 'firing'],
    ['Recovery', 'resolved'],
    ['ACKNOWLEDGEMENT', 'acknowledged'],
    ['unacknowledged', 'unacknowledged'],
    ['DowntimeStart', 'notice'],
    ['FLAPPINGSTOP', 'notice'],
    ['CUSTOM', 'notice'],
    ['DOWN', 'firing'],
    [' UP ', 'resolved'],
    ['OKAY', 'resolved'],
    ['FAILURE', 'firing'],
  ])('%s is %s', (word, expected) => {
    expect(state(word)).toBe(expected);
  });

  test('words of the options come first, in any case', () => {
    expect(state('cleared', { CLEARED: 'resolved' })).toBe('resolved');
    expect(state('Unknown', { unknown: 'notice' })).toBe('notice');
    expect(state(2, { 2: 'firing' })).toBe('firing');
    expect(refusal(() => state('cleared'))).toMatchObject({
      at: 'map.state',
      allowed: expect.stringContaining('states'),
    });
  });

  test('severities of the options come first, in any case', () => {
    const severity = (word: unknown) =>
      normalise(source, JSON.stringify({ id: 'x', state: 'firing', title: 't', s: word }), {
        severities: { Down: 'info', 3: 'error', 'a word of more than twenty letters': 'critical' },
        map: { ...map, severity: 'body.s' },
      }).events[0];
    expect(severity('DOWN')).toMatchObject({ severity: 'info' });
    expect(severity(3)).toMatchObject({ severity: 'error' });
    expect(severity('A Word of more than twenty letters')).toMatchObject({ severity: 'critical' });
    expect(severity('Disaster')).toMatchObject({ severity: 'critical' });
    expect(severity(null)).toMatchObject({ severity: 'warning' });
  });

  test('who acknowledged is on acknowledgements alone, and none is no fault', () => {
    const by = (body: object) => made(body, { by: 'body.who' });
    expect(by({ state: 'acknowledged', who: ' alice ' })).toMatchObject({ by: 'alice' });
    expect(by({ state: 'unacknowledged', who: 7 })).toMatchObject({ by: '7' });
    expect(by({ state: 'acknowledged', who: 'x'.repeat(300) })).toMatchObject({ by: expect.stringMatching(/^x+…/) });
    for (const body of [{ who: 'alice' }, { state: 'acknowledged' }, { state: 'acknowledged', who: null }])
      expect(by(body)).not.toHaveProperty('by');
  });
});

describe('lists', () => {
  const list = (items: unknown[], more: object = {}) =>
    normalise(source, JSON.stringify({ items }), {
      map: {
        each: 'body.items',
        fingerprint: 'item.id',
        state: '"firing"',
        title: 'item.id',
        startsAt: 'item.s',
        ...more,
      },
    }).events;

  test('a bad element is told by its index and mapping, and its neighbours are taken', () => {
    const events = list([{ id: 'a', s: null }, { id: 'b' }, 'x', { id: 'd', s: 'CANARY' }]);
    expect(events.map(event => event.title)).toEqual([
      'a',
      'd',
      '2 of 4 elements could not be taken: map.startsAt of element 1, map.title of element 2',
    ]);
    expect(events[2]).toMatchObject({ kind: 'notice', type: 'left-out' });
  });

  test('of many bad ones ten are named and the rest is counted', () => {
    const events = list([{ id: 'a', s: null }, ...Array.from({ length: 30 }, () => ({}))]);
    expect(events).toHaveLength(2);
    expect(events[1]?.title).toMatch(/^30 of 31 .* of element 10 and 20 more$/);
  });

  test('without a good element it is refused, without an element nothing happens', () => {
    expect(refusal(() => list([{ id: 'a' }, {}]))).toMatchObject({ code: 'bad-body', at: 'map.startsAt of element 0' });
    expect(list([])).toEqual([]);
  });
});

test('null and empty fields are left out of labels, annotations and links', () => {
  const more = {
    labels: { a: 'body.n', b: 'body.e', c: 'body.id' },
    annotations: { a: 'body.n' },
    links: { a: 'body.n' },
  };
  expect(made({ n: null, e: '' }, more)).toMatchObject({ labels: { c: 'x' }, annotations: {}, links: [] });
});

describe('the mappings of one delivery have one budget of work', () => {
  const listed = (body: object, more: object) => () =>
    normalise(source, JSON.stringify(body), {
      map: { each: 'body.checks', fingerprint: 'item.id', state: '"firing"', title: 'item.id', ...more },
    }).events;
  const checks = (count: number, more: object = {}) =>
    Array.from({ length: count }, (_, n) => ({ id: `check ${n}`, host: `web-${n}`, ...more }));

  test('what is within the bound of each evaluation is not within that of the delivery', () => {
    const bad = Array.from({ length: 30_000 }, (_, n) => n);
    const state = 'body.bad.exists(b, b == item.host) ? "resolved" : "firing"';
    expect(listed({ checks: checks(3), bad }, { state })()).toHaveLength(3);
    const events = listed({ checks: checks(60), bad }, { state })();
    expect(events.length).toBeLessThan(12);
    expect(events.at(-1)?.title).toMatch(/of 60 elements could not be taken: map\.state of element \d+/);
  });

  test('long texts that are searched or converted for each element count too', () => {
    const message = 'a'.repeat(60_000);
    for (const labels of [
      { found: 'body.message.contains("needle") ? "y" : "n"' },
      { found: 'string(re(body.message, "need(le)+"))' },
      { found: 'string(size(body.message + item.id))' },
      { found: 'body.message' },
    ]) {
      expect(listed({ checks: checks(5), message }, { labels })()).toHaveLength(5);
      expect(listed({ checks: checks(1000), message }, { labels })().length).toBeLessThan(900);
    }
  });

  test('a delivery begins with a fresh budget, and one mapping alone may be over', () => {
    const body = { hosts: Array.from({ length: 4000 }, () => 'ab'), message: 'a'.repeat(65_000) };
    const label = 'body.hosts.exists(h, body.message.contains(h)) ? "y" : "n"';
    expect(() => made(body, { labels: { label } })).toThrow(/does not fit a mapping/);
    expect(made({ ...body, message: 'a ab' }, { labels: { label } })?.labels).toEqual({ label: 'y' });
  });

  test('a thousand alerts with many labels and a condition each are far within it', () => {
    const items = checks(1000, { message: 'disk /var/lib/data is 93.5 % full on '.repeat(5), used: 95, total: 100 });
    const more = {
      severity: 'item.used / item.total > 0.9 ? "critical" : item.used / item.total > 0.8 ? "error" : "warning"',
      labels: Object.fromEntries(
        Array.from({ length: 20 }, (_, n) => [
          `label_${n}`,
          n % 2 === 0 ? 'item.host' : 'item.message.substring(0, 20)',
        ]),
      ),
      annotations: {
        text: 'item.message + " (" + item.host + ")"',
        disk: 're(item.message, "disk /[a-z/]+ is [0-9]{1,3}") ? "disk" : "other"',
        one: '["disk", "cpu"].exists(word, item.message.contains(word)) ? "known" : ""',
      },
    };
    expect(listed({ checks: items }, more)()).toHaveLength(1000);
    expect(listed({ checks: items }, { ...more, title: 'item.message.lowerAscii()' })()).toHaveLength(1000);
  });
});
