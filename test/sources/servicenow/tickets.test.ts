import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { isCode } from '../../../src/kernel/errors.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import type { Alert } from '../../../src/model/alert.ts';
import source from '../../../src/sources/servicenow/index.ts';
import { sampleAlert } from '../../contracts/samples.ts';
import { type ServiceNowDouble, startServiceNowDouble } from '../../doubles/servicenow.ts';
import { delivery, take } from '../helpers.ts';

let snow: ServiceNowDouble;
beforeEach(async () => {
  snow = await startServiceNowDouble();
});
afterEach(() => snow.close());

const options = (more: object = {}) => ({
  token: 't',
  url: `${snow.url}/`,
  user: snow.user,
  password: snow.password,
  tickets: [{ fields: { urgency: 1, assignment_group: 'Database' } }],
  ...more,
});
const given = (more: object = {}) => source.options.parse(options(more));
const open = (more: object = {}) =>
  source.origin?.(given(more), { clock: systemClock, log: silentLog, reach: () => fetch });
const ticket = (over: Partial<Alert> = {}) => ({
  alert: sampleAlert({ id: 'alt_1', episode: 2, title: 'Disk is full', labels: { env: 'prod' }, ...over }),
  episode: 2,
  links: [{ label: 'Thread', url: 'https://chat.example.com/1' }],
});
const note = { text: 'Tocsin: Fix failed [code]<b>[/code]', marker: 'ticket-note/run_1/7' };
const record = () => [...snow.records.values()][0];
const isDown = (error: unknown) => isCode(error, 'origin-down');

describe('tickets in ServiceNow', () => {
  test('are opened only where it is asked for, with all that is needed, over https', () => {
    expect(open({ tickets: undefined })).toBeNull();
    const parse = (more: object) => source.options.safeParse(options(more)).success;
    for (const more of [
      { url: undefined },
      { user: undefined },
      { password: undefined },
      { url: 'http://snow.example.com' },
      { tickets: [] },
      { tickets: [{ fields: { correlation_id: 'x' } }] },
      { tickets: [{ fields: { 'a^b': 'x' } }] },
      { tickets: [{ when: 'alert.nothing == 1' }] },
      { table: '../sys_user' },
    ])
      expect(parse(more), JSON.stringify(more)).toBe(false);
  });

  test('are wanted by the first rule that holds; a rule that fails wants none', () => {
    const rules = [{ when: 'int(alert.labels["number"]) > 5' }, { when: 'alert.severity == "critical"' }];
    const wants = (over: Partial<Alert>) => open({ tickets: rules })?.wantsTicket?.(sampleAlert(over));
    expect(wants({ severity: 'critical' })).toBe(true);
    expect(wants({ severity: 'warning', labels: { number: 'x' } })).toBe(false);
  });

  test('are opened once, also after the answer was lost', async () => {
    snow.faults.push('none', 'lost');
    await expect(open()?.ticket?.(ticket())).rejects.toSatisfy(isDown);
    const page = `${snow.url}/incident.do?sys_id=${'1'.padStart(32, '0')}`;
    expect(await open()?.ticket?.(ticket())).toBe(`The ticket INC0001 is in ServiceNow: ${page}`);
    expect(snow.records.size).toBe(1);
    expect(record()?.fields).toMatchObject({
      short_description: 'Disk is full',
      description: expect.stringContaining('env: prod'),
      correlation_id: expect.stringMatching(/^tocsin-alt_1-2-[0-9a-f]{16}$/),
      urgency: 1,
      assignment_group: 'Database',
    });
    expect(await open()?.ticket?.({ ...ticket(), episode: 3 })).toContain('Opened the ticket INC0002');
  });

  test('get a note once, in which nothing is HTML', async () => {
    await open()?.ticket?.(ticket());
    snow.faults.push('none', 'none', 'lost');
    await expect(open()?.ticketNote?.(ticket(), note)).rejects.toSatisfy(isDown);
    expect(await open()?.ticketNote?.(ticket(), note)).toBe('The note is on INC0001 already');
    await open()?.ticketNote?.(ticket(), { text: 'x'.repeat(9000), marker: 'ticket-note/run_1/8' });
    expect(record()?.notes).toEqual([
      expect.stringContaining('ticket-note/run_1/8'),
      expect.stringMatching(
        /^Tocsin: Fix failed \( code \)<b>\( \/code \)\n\[tocsin ticket-note\/run_1\/7 [0-9a-f]{16}\]$/,
      ),
    ]);
  });

  test('are resolved once, and say so when the instance does not let them', async () => {
    await open()?.ticket?.(ticket());
    await expect(open({ closeCode: 'Nonsense' })?.ticketDone?.(ticket())).rejects.toMatchObject({
      code: 'origin-refused',
      message: expect.stringContaining('closeCode'),
    });
    expect(await open()?.ticketDone?.(ticket())).toBe('Resolved INC0001');
    expect(await open()?.ticketDone?.(ticket())).toBe('INC0001 is over in ServiceNow already');
    expect(record()?.state).toBe('6');
  });

  test('that are gone are left alone', async () => {
    expect(await open()?.ticketNote?.(ticket(), note)).toBeNull();
    expect(await open()?.ticketDone?.(ticket())).toBeNull();
  });

  test.each([
    [{ status: 401, body: { error: { message: 'User Not Authenticated' } } }, 'origin-down', 'Not Authenticated'],
    [{ status: 403, body: { error: { message: 'Operation Failed' } } }, 'origin-refused', 'Operation Failed'],
    [{ status: 429, headers: { 'retry-after': '9' } }, 'origin-limited', '429'],
    [{ status: 503 }, 'origin-down', '503'],
  ])('%j is %s', async (fault, code, words) => {
    snow.faults.push(fault);
    await expect(open()?.ticket?.(ticket())).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
  });
});

describe('news of a ticket', () => {
  const hear = (more: object, own: object = {}) => {
    const [[correlation_id = ''] = []] = [...snow.records];
    const body = {
      operation: 'update',
      sys_id: 'a',
      number: 'INC0001',
      correlation_id,
      state: '2',
      state_name: 'In Progress',
      updated_by: 'mina',
      ...more,
    };
    return take(source, delivery(JSON.stringify(body)), options(own));
  };
  test('tells what people did, and nothing of what Tocsin did', async () => {
    await open()?.ticket?.(ticket());
    await open()?.ticketNote?.(ticket(), note);
    const notice = (title: string) => [{ kind: 'notice', title, ticketOf: { alert: 'alt_1', episode: 2 } }];
    expect(hear({ was_state_name: 'New' }).events).toMatchObject(notice('mina moved INC0001: New → In Progress'));
    expect(hear({ comment: 'I look' }).events).toMatchObject(notice('mina on INC0001: I look'));
    expect(hear({ operation: 'delete' }).events).toMatchObject(notice('mina deleted INC0001'));
    expect(hear({})).toMatchObject({ events: [], echo: 'ticket' });
    expect(hear({ was_state_name: 'New', updated_by: 'tocsin' })).toMatchObject({ events: [], echo: 'ticket' });
    expect(hear({ comment: record()?.notes[0] })).toMatchObject({ events: [], echo: 'ticket' });
    expect(hear({ comment: record()?.notes[0], was_state_name: 'New' }).events).toMatchObject(
      notice('mina moved INC0001: New → In Progress'),
    );
    // Another id, and one that another password made, are those of an incident of its own.
    expect(hear({ correlation_id: 'tocsin-alt_1-2-0123456789abcdef' }).events).toMatchObject([{ kind: 'alert' }]);
    expect(hear({ was_state_name: 'New' }, { password: 'other' }).events).toMatchObject([{ kind: 'alert' }]);
  });

  test('an incident that is canceled or deleted ended without a cure', () => {
    const incident = (more: object) => hear({ correlation_id: '', ...more }).events;
    expect(incident({ state: '8' })).toMatchObject([
      { state: 'resolved', noCure: expect.stringContaining('canceled') },
    ]);
    expect(incident({ operation: 'delete' })).toMatchObject([
      { state: 'resolved', noCure: expect.stringContaining('deleted') },
    ]);
    expect(incident({ priority: '1' })).toMatchObject([{ state: 'firing', severity: 'critical' }]);
  });
});

test('tocsin doctor reads the table', async () => {
  const find = (more: object = {}) =>
    source.check?.(given(more), { fetch, signal: AbortSignal.timeout(5000) } as never);
  expect(await find()).toEqual([{ what: 'the table of tickets in ServiceNow', state: 'ok' }]);
  expect(await find({ password: 'other' })).toMatchObject([{ state: 'bad', because: expect.stringContaining('401') }]);
  expect(await find({ tickets: undefined })).toEqual([]);
});
