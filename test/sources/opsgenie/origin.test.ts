import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { isCode } from '../../../src/kernel/errors.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import source from '../../../src/sources/opsgenie/index.ts';
import { sampleAlert } from '../../contracts/samples.ts';
import { type OpsgenieDouble, startOpsgenieDouble } from '../../doubles/opsgenie.ts';
import { delivery, take } from '../helpers.ts';

const id = '052652ac-5d1c-464a-812a-7dd18bbfba8c-1795604191104';
let opsgenie: OpsgenieDouble;
beforeEach(async () => {
  opsgenie = await startOpsgenieDouble();
  opsgenie.alerts.set(id, { status: 'open', acknowledged: false, notes: [] });
});
afterEach(() => opsgenie.close());

type Kind = 'opsgenie' | 'jsm';
const options = (kind: Kind, more: object = {}) => ({
  token: 't',
  apiUrl: opsgenie.url,
  ...(kind === 'jsm' ? { jsm: opsgenie.jsm } : { apiKey: opsgenie.key }),
  ...more,
});
const clock = { ...systemClock, sleep: async () => {} };
const given = (kind: Kind, more: object = {}) => source.options.parse(options(kind, more));
const open = (kind: Kind, more: object = {}) =>
  source.origin?.(given(kind, more), { clock, log: silentLog, reach: () => fetch });
const alert = sampleAlert({ id: 'alt_1', episode: 1, fingerprint: 'disk-db', annotations: { opsgenie_id: id } });
const note = { text: 'Tocsin: Fix failed', marker: 'note/run_1/7' };
const there = () => opsgenie.alerts.get(id);
const posts = () => opsgenie.requests.filter(one => one.startsWith('POST'));
const isDown = (error: unknown) => isCode(error, 'origin-down');

describe.each<[Kind, string]>([
  ['opsgenie', 'Opsgenie'],
  ['jsm', 'Jira Service Management'],
])('the way back of %s', (kind, name) => {
  test('acknowledges once, waits until it is done, and takes only that back', async () => {
    const it = open(kind);
    expect(await it?.acknowledge?.(alert)).toBe(`Acknowledged the alert in ${name}`);
    expect(opsgenie.requests.filter(one => one.includes('/requests/')).length).toBeGreaterThanOrEqual(2);
    expect(await it?.acknowledge?.(alert)).toBe(`The alert is acknowledged in ${name} already`);
    expect(there()).toMatchObject({
      acknowledged: true,
      notes: [expect.stringMatching(/\[tocsin acknowledge\/alt_1\/1 [0-9a-f]{16}\]$/)],
    });
    expect(await it?.recall?.(alert)).toBe(`Took the acknowledgement back in ${name}, which calls people again`);
    expect(await it?.recall?.(alert)).toBe(`The alert is not acknowledged in ${name} already`);
    opsgenie.alerts.set(id, { status: 'open', acknowledged: true, notes: ['mine'] });
    expect(await it?.recall?.(alert)).toContain('Somebody else acknowledged');
    expect(there()?.acknowledged).toBe(true);
  });

  test('writes a note once, also after the answer was lost', async () => {
    opsgenie.faults.push('none', 'lost');
    await expect(open(kind)?.note?.(alert, note)).rejects.toSatisfy(isDown);
    expect(await open(kind)?.note?.(alert, note)).toBe(`The note is in ${name} already`);
    expect(there()?.notes).toHaveLength(1);
    await open(kind)?.note?.(alert, { text: 'x'.repeat(50_000), marker: 'note/run_1/8' });
    expect(posts()).toHaveLength(2);
  });

  test('closes once', async () => {
    expect(await open(kind)?.resolve?.(alert)).toBe(`Closed the alert in ${name}`);
    for (const act of ['resolve', 'acknowledge', 'recall'] as const)
      expect(await open(kind)?.[act]?.(alert)).toContain('closed');
    expect(posts()).toHaveLength(1);
  });

  test('says what did not work: what is under way is asked again, what failed is given up', async () => {
    opsgenie.failures.push('Alert is locked');
    await expect(open(kind)?.note?.(alert, note)).rejects.toMatchObject({
      code: 'origin-refused',
      message: expect.stringContaining('Alert is locked'),
    });
    opsgenie.stuck = true;
    await expect(open(kind)?.resolve?.(alert)).rejects.toMatchObject({
      code: 'origin-down',
      message: expect.stringContaining('not done it yet'),
    });
    await expect(open(kind)?.note?.({ ...alert, annotations: {} }, note)).rejects.toMatchObject({
      code: 'origin-refused',
    });
    await expect(open(kind)?.note?.({ ...alert, annotations: { opsgenie_id: '../x' } }, note)).rejects.toMatchObject({
      code: 'origin-refused',
    });
    opsgenie.faults.push({ status: 429, body: { message: 'too many' }, headers: { 'x-ratelimit-period-in-sec': '7' } });
    await expect(open(kind)?.note?.(alert, note)).rejects.toMatchObject({ code: 'origin-limited', retryAfter: 7000 });
    opsgenie.faults.push({ status: 429, body: {} });
    await expect(open(kind)?.note?.(alert, note)).rejects.toMatchObject({ code: 'origin-limited', retryAfter: 30_000 });
  });

  test('what Tocsin did there is no news when it comes back, except the end', async () => {
    await open(kind)?.note?.(alert, note);
    const [mark = ''] = there()?.notes ?? [];
    const hear = (action: string, words: string) =>
      take(
        source,
        delivery(JSON.stringify({ action, alert: { alertId: id, alias: 'disk-db', message: 'm', note: words } })),
        options(kind),
      );
    for (const action of ['AddNote', 'Acknowledge', 'UnAcknowledge']) {
      expect(hear(action, mark), action).toMatchObject({ events: [], echo: 'note' });
      expect(hear(action, mark.replace('run_1', 'run_2')).events, action).toHaveLength(1);
    }
    expect(hear('Close', mark).events).toMatchObject([{ state: 'resolved' }]);
  });

  test('tocsin doctor asks with the key', async () => {
    const find = (more: object = {}) =>
      source.check?.(given(kind, more), { fetch, clock, signal: AbortSignal.timeout(5000) } as never);
    expect(await find()).toEqual([{ what: `the API of ${name}`, state: 'ok' }]);
    const wrong = kind === 'jsm' ? { jsm: { ...opsgenie.jsm, token: 'other' } } : { apiKey: 'other' };
    expect(await find(wrong)).toMatchObject([{ state: 'bad', because: expect.stringContaining('401') }]);
  });
});

test('there is a way back only with one key, over https, at the place of the region', () => {
  expect(source.origin?.(source.options.parse({}), { clock, log: silentLog, reach: () => fetch })).toBeNull();
  const parse = (more: object) => source.options.safeParse(more).success;
  expect(parse({ apiKey: 'k', jsm: opsgenie.jsm })).toBe(false);
  expect(parse({ apiKey: 'k', apiUrl: 'http://opsgenie.example.com' })).toBe(false);
  expect(open('opsgenie', { acknowledge: false })).not.toHaveProperty('acknowledge');
  const reached: unknown[] = [];
  const reach = (all: readonly string[]) => {
    reached.push(...all);
    return fetch;
  };
  for (const more of [{ apiKey: 'k' }, { apiKey: 'k', region: 'eu' }, { jsm: opsgenie.jsm }])
    source.origin?.(source.options.parse(more), { clock, log: silentLog, reach });
  expect(reached).toEqual(['https://api.opsgenie.com', 'https://api.eu.opsgenie.com', 'https://api.atlassian.com']);
});
