import { describe, expect, test } from 'vitest';
import { isCode, TocsinError } from '../src/kernel/errors.ts';
import { hasMembers, loadShelf } from '../src/kernel/shelf.ts';
import { incomingEvent } from '../src/model/event.ts';
import { type Normalised, parseDelivery, type Source, type SourceExample } from '../src/ports/source.ts';

const folder = new URL('../src/sources', import.meta.url).pathname;
const check = hasMembers<Source>('about', 'options', 'examples', 'verify', 'normalise');
const sources = await loadShelf(folder, check);

/** The way of a delivery through a source, as the door takes it. Options that do not parse are `file-invalid`. */
function deliver(source: Source, example: SourceExample): Normalised {
  const options = source.options.safeParse(example.options);
  if (!options.success) throw new TocsinError('file-invalid', { message: options.error.message });
  const at = example.at ?? 1_795_604_410_000;
  const key = example.key ?? null;
  const delivery = { headers: example.headers, body: Buffer.from(example.body), at, key };
  if (!source.verify(delivery, options.data).ok) throw new TocsinError('bad-signature');
  return source.normalise(parseDelivery(source, delivery, options.data), delivery, options.data);
}

/** The way of a batch of raw records through the source. */
async function recordsIn(source: Source, example: SourceExample): Promise<{ records: number; unreadable: number }> {
  const options = source.options.safeParse(example.options);
  if (!options.success) throw new TocsinError('file-invalid', { message: options.error.message });
  const body = Buffer.from(example.body);
  const delivery = { headers: example.headers, body, at: example.at ?? 1_795_604_410_000 };
  if (!source.verify(delivery, options.data).ok) throw new TocsinError('bad-signature');
  const found = { records: 0, unreadable: 0 };
  const spec = source.records?.(options.data);
  const count = (what: keyof typeof found) => () => {
    found[what] += 1;
  };
  const reader = spec?.format.open({ record: count('records'), fault: count('unreadable') }, spec.options);
  for await (const piece of source.pieces?.(delivery, options.data) ?? [body]) reader?.read(piece);
  reader?.end();
  return found;
}

function codeOf(error: unknown): string {
  return error instanceof TocsinError ? error.code : String(error);
}

test('the shelf holds these sources', () => {
  expect([...sources.keys()]).toEqual([
    'alertmanager',
    'argo-cd',
    'aws-records',
    'azure-monitor',
    'buildbot',
    'cloudevents',
    'collectd',
    'datadog',
    'elasticsearch-watcher',
    'email',
    'eventbridge',
    'falco',
    'github',
    'gitlab',
    'google-cloud-monitoring',
    'grafana',
    'graylog',
    'icinga2',
    'jira',
    'kibana',
    'kubernetes',
    'kubernetes-audit',
    'monit',
    'nagios',
    'new-relic',
    'opsgenie',
    'pagerduty',
    'pingdom',
    'records',
    'schedule',
    'sensu-go',
    'sentry',
    'servicenow',
    'sns',
    'splunk',
    'syslog',
    'uptime-kuma',
    'webhook',
    'zabbix',
  ]);
});

describe.each([...sources.values()].map(source => [source.id, source] as const))('source %s', (_id, source) => {
  test('has a sentence about it, and an example that goes through or says why not', () => {
    expect(source.about).toMatch(/\.$/);
    expect(source.examples.length).toBeGreaterThan(1);
  });

  test.each(source.examples.map(example => [example.title, example] as const))('%s', async (_title, example) => {
    const expected = example.expect;
    if (source.records !== undefined) {
      await expect(recordsIn(source, example).catch(codeOf)).resolves.toEqual(
        'refused' in expected ? expected.refused : { unreadable: 0, ...expected },
      );
      return;
    }
    if ('refused' in expected) {
      expect(() => deliver(source, example)).toThrow(
        expect.toSatisfy(error => isCode(error, expected.refused as never)),
      );
      return;
    }
    if ('records' in expected) throw new Error('only a source with `records` has records');
    const made = deliver(source, example);
    expect(made.events.map(event => incomingEvent.parse(event))).toMatchObject(expected.events);
    expect(made.events).toHaveLength(expected.events.length);
    if (expected.deliveryId !== undefined) expect(made.deliveryId).toBe(expected.deliveryId);
  });
});
