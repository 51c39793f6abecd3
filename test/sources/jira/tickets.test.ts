import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { isCode } from '../../../src/kernel/errors.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import type { Alert } from '../../../src/model/alert.ts';
import source from '../../../src/sources/jira/index.ts';
import { sampleAlert } from '../../contracts/samples.ts';
import { type JiraDouble, startJiraDouble } from '../../doubles/jira.ts';

let jira: JiraDouble;
let now = 0;
beforeEach(async () => {
  jira = await startJiraDouble();
  now = Date.UTC(2026, 10, 20);
});
afterEach(() => jira.close());

const options = (more: object = {}) => ({
  secret: 's',
  url: `${jira.url}/`,
  user: jira.user,
  apiToken: jira.token,
  account: jira.account,
  tickets: [{ project: 'OPS' }],
  ...more,
});
const given = (more: object = {}) => source.options.parse(options(more));
const open = (more: object = {}) =>
  source.origin?.(given(more), { clock: { ...systemClock, now: () => now }, log: silentLog, reach: () => fetch });
const alert = (over: Partial<Alert> = {}) =>
  sampleAlert({ id: 'alt_1', episode: 2, firstSeen: now, title: 'Disk is full', labels: { env: 'prod' }, ...over });
const ticket = (over: Partial<Alert> = {}) => ({
  alert: alert(over),
  episode: 2,
  links: [{ label: 'Thread', url: 'https://chat.example.com/1' }],
});
const note = { text: 'Tocsin: Fix failed {noformat} @all', marker: 'ticket-note/run_1/7' };
const issue = (key = 'OPS-1') => jira.issues.get(key);
const posts = () => jira.requests.filter(one => one.startsWith('POST'));

describe('tickets in Jira', () => {
  test('are opened only where it is asked for, with all that is needed, over https', () => {
    expect(open({ tickets: undefined })).toBeNull();
    expect(Object.keys(open() ?? {}).sort()).toEqual([
      'perMinute',
      'ticket',
      'ticketDone',
      'ticketNote',
      'wantsTicket',
    ]);
    const parse = (more: object) => source.options.safeParse(options(more)).success;
    expect(parse({ url: undefined })).toBe(false);
    expect(parse({ apiToken: undefined })).toBe(false);
    expect(parse({ url: 'http://jira.example.com' })).toBe(false);
    expect(parse({ tickets: [] })).toBe(false);
    expect(parse({ tickets: [{ project: 'ops"' }] })).toBe(false);
    expect(parse({ tickets: [{ project: 'OPS', fields: { summary: 'x' } }] })).toBe(false);
    expect(parse({ tickets: [{ project: 'OPS', when: 'alert.nothing == 1' }] })).toBe(false);
  });

  test('are wanted by the first rule that holds; a rule that fails wants none', () => {
    const rules = [
      { when: 'alert.labels["number"] != "" && int(alert.labels["number"]) > 5', project: 'OPS' },
      { when: 'alert.source == "alertmanager" && alert.severity == "critical"', project: 'OPS' },
    ];
    const wants = (over: Partial<Alert>) => open({ tickets: rules })?.wantsTicket?.(alert(over));
    expect(wants({ source: 'alertmanager', severity: 'critical' })).toBe(true);
    expect(wants({ source: 'alertmanager', severity: 'warning' })).toBe(false);
    expect(wants({ source: 'grafana', severity: 'warning', labels: { number: 'x' } })).toBe(false);
    expect(open()?.wantsTicket?.(alert())).toBe(true);
  });

  test('say what fires, its words as words, and are opened once', async () => {
    const rules = [{ project: 'OPS', type: 'Incident', fields: { priority: { name: 'High' } } }];
    const it = open({ tickets: rules });
    const told = await it?.ticket?.(ticket({ title: 'Disk\nis full {noformat}' }));
    expect(told).toBe(`Opened the ticket OPS-1: ${jira.url}/browse/OPS-1`);
    expect(issue()).toMatchObject({
      summary: expect.stringMatching(/^Disk.*is full/),
      labels: ['tocsin', expect.stringMatching(/^tocsin-alt_1-2-[0-9a-f]{16}$/)],
      fields: { priority: { name: 'High' } },
    });
    expect(issue()?.description).toMatch(
      /^\{noformat\}\n[\s\S]*env: prod[\s\S]*Thread: https:\/\/chat[\s\S]*\n\{noformat\}$/,
    );
    expect(issue()?.description.match(/\{noformat\}/g)).toHaveLength(2);
    expect(await it?.ticket?.(ticket())).toContain('The ticket OPS-1 is in Jira');
    // Also by a process that knows nothing of it; another episode has a ticket of its own.
    expect(await open()?.ticket?.(ticket())).toContain('The ticket OPS-1 is in Jira');
    expect(await open()?.ticket?.({ ...ticket(), episode: 3 })).toContain('OPS-2');
    expect(jira.issues.size).toBe(2);
  });

  test('that may have been opened are waited for until the search knows them', async () => {
    jira.indexes = false;
    jira.faults.push('none', 'lost');
    const error = await open()
      ?.ticket?.(ticket())
      ?.catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'origin-down', retryAfter: 30_000 });
    jira.index();
    expect(await open()?.ticket?.(ticket())).toContain('The ticket OPS-1 is in Jira');
    expect(jira.issues.size).toBe(1);
  });

  test('that the search does not know yet are looked for again, and those that are gone are not', async () => {
    const it = open();
    await it?.ticket?.(ticket());
    jira.issues.clear();
    jira.indexes = false;
    for (const act of ['ticketNote', 'ticketDone'] as const)
      await expect(open()?.[act]?.(ticket(), note)).rejects.toMatchObject({ code: 'origin-down', retryAfter: 30_000 });
    const old = { ...ticket(), alert: alert({ firstSeen: now - 700_000 }) };
    expect(await open()?.ticketNote?.(old, note)).toBeNull();
    expect(await open()?.ticketDone?.(old)).toBeNull();
  });

  test('that another process may have opened just before are waited for too', async () => {
    jira.indexes = false;
    const once = { ...ticket(), mayBeLeft: true as const };
    await expect(open()?.ticket?.(once)).rejects.toMatchObject({ code: 'origin-down', retryAfter: 30_000 });
    expect(jira.issues.size).toBe(0);
  });

  test('get a comment once, also after the answer was lost', async () => {
    await open()?.ticket?.(ticket());
    jira.faults.push('none', 'none', 'lost');
    await expect(open()?.ticketNote?.(ticket(), note)).rejects.toSatisfy(error => isCode(error, 'origin-down'));
    expect(await open()?.ticketNote?.(ticket(), note)).toBe('The comment is on OPS-1 already');
    expect(issue()?.comments).toEqual([
      expect.stringMatching(
        /^\{noformat\}\nTocsin: Fix failed \{ noformat\} @all\n\[tocsin ticket-note\/run_1\/7 [0-9a-f]{16}\]\n\{noformat\}$/,
      ),
    ]);
    await open()?.ticketNote?.(ticket(), { text: 'x'.repeat(90_000), marker: 'ticket-note/run_1/8' });
    expect(posts()).toHaveLength(3);
  });

  test.each([
    [undefined, 'Rejected'],
    ['close issue', 'Done'],
    ['Done', 'Done'],
  ])('end by the transition %s', async (done, status) => {
    const more = { tickets: [{ project: 'OPS', done }] };
    await open(more)?.ticket?.(ticket());
    expect(await open(more)?.ticketDone?.(ticket())).toBe(`Moved OPS-1 to ${status}`);
    expect(await open(more)?.ticketDone?.(ticket())).toBe(`OPS-1 is ${status} already`);
    expect(issue()?.status).toBe(status);
  });

  test('that cannot end say so', async () => {
    const more = { tickets: [{ project: 'OPS', done: 'Ship it' }] };
    await open(more)?.ticket?.(ticket());
    await expect(open(more)?.ticketDone?.(ticket())).rejects.toMatchObject({
      code: 'origin-refused',
      message: 'No transition of OPS-1 from Open is or leads to Ship it.',
    });
  });

  test.each([
    [{ status: 401, body: { errorMessages: ['You are not authenticated.'] } }, 'origin-down', 'not authenticated'],
    [
      { status: 400, body: { errorMessages: [], errors: { project: 'valid project is required' } } },
      'origin-refused',
      'valid project',
    ],
    [{ status: 429, headers: { 'retry-after': '9' } }, 'origin-limited', '429'],
    [{ status: 503 }, 'origin-down', '503'],
  ])('%j is %s', async (fault, code, words) => {
    jira.faults.push('none', fault);
    await expect(open()?.ticket?.(ticket())).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
    expect(jira.issues.size).toBe(0);
  });
});

describe('tocsin doctor', () => {
  const find = (more: object = {}) =>
    source.check?.(given(more), { fetch, signal: AbortSignal.timeout(5000) } as never);
  test('says what the account lacks, and which it is', async () => {
    expect(await find()).toMatchObject([{ state: 'ok' }, { state: 'ok' }, { what: 'the project OPS', state: 'ok' }]);
    expect((await find({ account: undefined }))?.[1]).toMatchObject({
      state: 'warning',
      remedy: 'Set account to 557058:tocsin.',
    });
    jira.permissions.pop();
    expect((await find())?.[2]).toMatchObject({ state: 'bad', because: 'the account lacks TRANSITION_ISSUES' });
    expect((await find({ tickets: [{ project: 'XX' }] }))?.[2]).toMatchObject({
      state: 'bad',
      because: expect.stringContaining('404'),
    });
    expect((await find({ apiToken: 'other' }))?.[1]).toMatchObject({
      state: 'bad',
      because: expect.stringContaining('401'),
    });
    expect(await find({ secret: undefined, tickets: undefined })).toMatchObject([{ state: 'warning' }]);
  });
});
