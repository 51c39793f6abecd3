import { describe, expect, it } from 'vitest';
import { timingOf } from '../../src/ports/source.ts';
import falco from '../../src/sources/falco/index.ts';
import graylog from '../../src/sources/graylog/index.ts';
import sensu from '../../src/sources/sensu-go/index.ts';
import { foldEvents } from './captured.ts';
import { normalise, now } from './helpers.ts';

const exampleOf = (source: { examples: readonly { body: string }[] }, index = 0) =>
  JSON.parse(source.examples[index]?.body ?? '');
const first = (...all: Parameters<typeof normalise<never>>) => normalise(...all).events[0];

describe('Falco', () => {
  const example = exampleOf(falco);
  const event = (change: object, options: object = {}) =>
    first(falco as never, JSON.stringify({ ...example, ...change }), options);

  it.each([
    ['Emergency', 'critical'],
    ['Alert', 'critical'],
    ['Critical', 'critical'],
    ['Error', 'error'],
    ['Warning', 'warning'],
    ['Notice', 'info'],
    ['something else', 'warning'],
    [null, 'warning'],
  ])('priority %s is %s', (priority, severity) => {
    expect(event({ priority })).toMatchObject({ kind: 'alert', severity });
  });

  it.each([
    ['Informational', 'notice', 'notice'],
    ['Info', 'notice', 'notice'],
    ['Debug', 'notice', 'notice'],
    ['Debug', 'debug', 'alert'],
    ['Notice', 'warning', 'notice'],
    ['Warning', 'warning', 'alert'],
    ['Error', 'warning', 'alert'],
  ])('priority %s with from: %s is: %s', (priority, from, kind) => {
    expect(event({ priority }, { from })?.kind).toBe(kind);
  });

  it('is one alert for all events of one pod, and another for another pod, host or rule', () => {
    const again = event({ time: '2026-11-25T11:00:05.1Z', output: 'another' });
    expect(foldEvents([event({}), again].flatMap(one => one ?? [])).effects).toEqual(['opened', 'refreshed']);
    const fields = example.output_fields;
    const prints = [
      {},
      { hostname: 'node-8' },
      { rule: 'Another rule' },
      { output_fields: { ...fields, 'k8s.pod.name': 'pay-x' } },
      { output_fields: { ...fields, 'k8s.ns.name': 'shop/pay-5f9c', 'k8s.pod.name': '' } },
      { output_fields: null },
    ].map(change => (event(change) as { fingerprint: string }).fingerprint);
    expect(new Set(prints).size).toBe(prints.length);
  });

  it('ends after an hour without news, or after the time of the options', () => {
    const timing = (given: object) => timingOf({ driver: falco as never, options: falco.options.parse(given) });
    expect(timing({}).endsAfter).toBe(3_600_000);
    expect(timing({ quiet: '15m' }).endsAfter).toBe(900_000);
    expect(() => timing({ quiet: '5s' })).toThrow('at least a minute');
  });
});

describe('Graylog', () => {
  const example = exampleOf(graylog);
  const event = (change: object, inner: object = {}, options: object = {}) =>
    first(graylog as never, JSON.stringify({ ...example, ...change, event: { ...example.event, ...inner } }), options);

  it.each([
    [1, 'info'],
    [2, 'warning'],
    [3, 'error'],
    [4, 'critical'],
    [0, 'warning'],
    [99, 'warning'],
    [null, 'warning'],
  ])('priority %s is %s', (priority, severity) => {
    expect(event({}, { priority })).toMatchObject({ severity });
  });

  it('is about the key, and no key passes for two', () => {
    const prints = [['a', 'b'], ['a/b'], ['a%2Fb'], ['a'], []].map(
      key_tuple => (event({}, { key_tuple }) as { fingerprint: string }).fingerprint,
    );
    expect(new Set(prints).size).toBe(prints.length);
  });

  it('ends by the definition of the end with other words too', () => {
    const options = { recovered: ' is well' };
    expect(event({ event_definition_title: 'Failed logins is well' }, {}, options)).toMatchObject({
      state: 'resolved',
      fingerprint: 'Failed logins/alice',
    });
    expect(event({ event_definition_title: ' is well' }, {}, options)).toMatchObject({ state: 'firing' });
  });

  it('shows five messages of the backlog, and counts the rest', () => {
    const backlog = Array.from({ length: 9 }, (_, index) => ({ message: `line ${index}` }));
    const found = event({ backlog });
    expect(found?.kind === 'alert' && found.annotations['backlog']).toBe(
      'line 0\nline 1\nline 2\nline 3\nline 4\nand 4 more',
    );
  });

  it('is a notice where no definition is named, and where it is an event without an alert', () => {
    expect(event({ event_definition_title: '<unknown>', event_definition_id: null })?.kind).toBe('notice');
    expect(event({}, { alert: false })?.kind).toBe('notice');
  });
});

describe('Sensu Go', () => {
  const example = exampleOf(sensu);
  const check = (change: object, options: object = {}) =>
    first(sensu as never, JSON.stringify({ ...example, check: { ...example.check, ...change } }), options);

  it.each([
    [0, 'passing', 'resolved', 'warning'],
    [1, 'failing', 'firing', 'warning'],
    [2, 'failing', 'firing', 'critical'],
    [3, 'failing', 'firing', 'warning'],
    [127, 'failing', 'firing', 'warning'],
    [0, 'flapping', 'firing', 'warning'],
    [2, 'flapping', 'firing', 'critical'],
    [0, null, 'resolved', 'warning'],
  ])('status %s while %s is %s, %s', (status, state, expected, severity) => {
    expect(check({ status, state })).toMatchObject({ kind: 'alert', state: expected, severity });
  });

  it('takes the end of what is silenced there, and opens nothing for it', () => {
    expect(check({ is_silenced: true })?.kind).toBe('notice');
    expect(check({ is_silenced: true, status: 0, state: 'passing' })).toMatchObject({ state: 'resolved' });
  });

  it('takes an event as sensuctl shows it', () => {
    const wrapped = { type: 'Event', api_version: 'core/v2', metadata: { namespace: 'default' }, spec: example };
    expect(first(sensu as never, JSON.stringify(wrapped))).toEqual(check({}));
  });

  it.each([
    ['metrics alone', { ...example, check: undefined, metrics: { points: [] } }],
    ['a check without a name', { ...example, check: { status: 2 } }],
    ['an entity without a name', { ...example, entity: {} }],
  ])('%s: a notice', (_what, body) => {
    expect(first(sensu as never, JSON.stringify(body))?.kind).toBe('notice');
  });

  it('orders by the time of the event, and never by a clock that is ahead', () => {
    const ahead = { ...example, timestamp: now / 1000 + 86_400 };
    expect(first(sensu as never, JSON.stringify(ahead))).toMatchObject({ newsAt: now });
  });
});
