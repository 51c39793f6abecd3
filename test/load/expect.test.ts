import { afterEach, describe, expect, it } from 'vitest';
import { checkFiles, createCatalogue } from '../../src/load/index.ts';
import type { Source } from '../../src/ports/source.ts';
import schedule from '../../src/sources/schedule.ts';
import { brief, makePlace, type Place } from './place.ts';

const places: Place[] = [];
afterEach(async () => {
  for (const place of places.splice(0)) await place.remove();
});

const sources = `sources:
  alertmanager: { token: t }
  open: { type: alertmanager }
  schedule: { jobs: {} }
`;

async function put(text: string, runbook: string | null = null): Promise<Place> {
  const place = await makePlace({
    'tocsin.yaml': `${sources}expect: ${text}\n`,
    'policy.yaml': 'rules: []',
    'runbooks/a.yaml': runbook,
  });
  place.parts.sources = new Map([...place.parts.sources, ['schedule', schedule as Source]]);
  places.push(place);
  return place;
}

async function compiled(text: string) {
  const catalogue = await createCatalogue((await put(text)).parts);
  await catalogue.close();
  return catalogue.current().expectations;
}

async function problemsOf(text: string) {
  const place = await put(text);
  const problems = await checkFiles(place.parts);
  return problems.map((one, index) => ({ ...one, brief: brief(problems, place.folder)[index] ?? '' }));
}

describe('what is expected', () => {
  it('may be one map or a list', async () => {
    const watchdog = {
      name: 'Watchdog',
      text: 'alertname: Watchdog',
      every: 600_000,
      source: null,
      severity: 'critical',
    };
    expect(await compiled('{ match: { alertname: Watchdog }, every: 10m }')).toMatchObject([watchdog]);
    expect(
      await compiled(`
  - match: { alertname: Watchdog }
    every: 10m
  - name: backups
    match: { job: [nightly, weekly], host: { re: "db-.*" } }
    every: 1d
    source: alertmanager
    severity: warning
    labels: { team: data }`),
    ).toMatchObject([
      watchdog,
      {
        name: 'backups',
        text: 'job: nightly or weekly, host: /db-.*/',
        every: 86_400_000,
        source: 'alertmanager',
        severity: 'warning',
        labels: { team: 'data' },
      },
    ]);
    expect(await compiled('[]')).toEqual([]);
  });

  it('has one alert as long as its name, or what it matches, stays the same', async () => {
    const keyOf = async (text: string) => (await compiled(text))[0]?.key;
    const plain = await keyOf('{ match: { alertname: Watchdog }, every: 10m }');
    expect(await keyOf('{ match: { alertname: Watchdog }, every: 1h, severity: error }')).toBe(plain);
    expect(await keyOf('{ match: { alertname: Other }, every: 10m }')).not.toBe(plain);
    expect(await keyOf('{ match: { alertname: Watchdog }, every: 10m, source: alertmanager }')).not.toBe(plain);
    const named = await keyOf('{ name: alive, match: { alertname: Watchdog }, every: 10m }');
    expect(await keyOf('{ name: alive, match: { alertname: Other }, every: 10m }')).toBe(named);
  });

  it('lets runbooks have triggers on the source expect', async () => {
    const runbook = 'title: A\nrisk: low\non: [{ source: expect }]\nsteps: [{ id: a, exec: [echo] }]\n';
    const messages = async (text: string) =>
      (await checkFiles((await put(text, runbook)).parts)).map(one => one.message);
    expect(await messages('{ match: { alertname: Watchdog }, every: 10m }')).toEqual([]);
    expect(await messages('[]')).toEqual([expect.stringContaining('no source "expect"')]);
  });
});

describe('a mistake in what is expected', () => {
  it.each([
    [
      '{ match: {}, every: 10m }',
      '5:18 expect.match: without a label',
      'at least one label, for example { alertname: Watchdog }',
      '{}',
    ],
    [
      '[{ match: {}, every: 10m }]',
      '5:19 expect[0].match: without a label',
      'at least one label, for example { alertname: Watchdog }',
      '{}',
    ],
    ['{ every: 10m }', '5:9 expect.match is missing', 'a map of keys and values', undefined],
    ['{ match: { a: b } }', '5:9 expect.every is missing', 'a text', undefined],
    ['{ match: { a: b }, every: 29s }', '5:35 expect.every: this is too short', 'from 30s to 30d', '29s'],
    ['{ match: { a: b }, every: 31d }', '5:35 expect.every: this is too short or too long', 'from 30s to 30d', '31d'],
    ['{ match: { a: b }, every: 600 }', '5:35 expect.every: 600 has no unit', undefined, '600'],
    [
      '{ match: { a: b }, evry: 10m, every: 10m }',
      '5:28 there is no "evry" in expect',
      'match, every, name, source, severity, labels',
      'evry',
    ],
    [
      '[{ match: { a: b }, every: 1m }, { match: { a: c }, every: 1m, nme: x }]',
      '5:72 there is no "nme" in expect[1]',
      'match, every, name, source, severity, labels',
      'nme',
    ],
    ['{ match: { a: { re: "(" } }, every: 10m }', '5:29 ', undefined, '('],
    [
      '{ match: { a: b }, every: 10m, labels: { expect: x } }',
      '5:48 expect.labels: the label "expect"',
      'other labels, and name: for the label expect',
      '{ expect: x }',
    ],
    [
      '{ match: { a: b }, every: 10m, source: alertmanger }',
      '5:48 there is no source "alertmanger"',
      'alertmanager, open, schedule',
      'alertmanger',
    ],
    [
      '{ match: { a: b }, every: 10m, source: schedule }',
      '5:48 "schedule" makes its events',
      'a source that takes deliveries',
      'schedule',
    ],
    [
      '[{ match: { a: b }, every: 1m }, { match: { a: b }, every: 2m }]',
      '5:42 another expectation is called "a: b"',
      'a name: of its own for each',
      'a: b',
    ],
    ['yes', '5:9 expect', undefined, 'yes'],
  ])('%s', async (text, where, allowed, given) => {
    const [problem, ...others] = await problemsOf(text);
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ level: 'error', ...(allowed && { allowed }), ...(given && { given }) });
    expect(problem?.brief).toContain(`tocsin.yaml:${where}`);
  });

  it.each([
    ['{ match: { a: b }, every: 10m, source: open }', 'proves who sends'],
    ['{ match: { a: b }, every: 5m, source: alertmanager }', 'tells of an alert again after 5m'],
  ])('%s is a warning', async (text, message) => {
    expect(await problemsOf(text)).toMatchObject([{ level: 'warning', message: expect.stringContaining(message) }]);
  });

  it('is a source of the name expect', async () => {
    const place = await put('{ match: { a: b }, every: 10m }');
    await place.write({
      'tocsin.yaml': 'sources: { expect: { type: alertmanager, token: t } }\nexpect: { match: { a: b }, every: 10m }\n',
    });
    expect(brief(await checkFiles(place.parts), place.folder)).toEqual([
      expect.stringContaining('tocsin.yaml:1:12 with expect:'),
    ]);
  });
});
