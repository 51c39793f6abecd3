import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import { isCode } from '../../../src/kernel/errors.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import source from '../../../src/sources/zabbix/index.ts';
import { sampleAlert } from '../../contracts/samples.ts';
import { startZabbixDouble, type ZabbixDouble } from '../../doubles/zabbix.ts';
import { delivery, take } from '../helpers.ts';

let zabbix: ZabbixDouble;
beforeEach(async () => {
  zabbix = await startZabbixDouble();
  zabbix.problems.set('4711', { r_eventid: '0', acknowledged: '0', acknowledges: [], closes: true });
});
afterEach(() => zabbix.close());

const options = (more: object = {}) => ({
  token: 't',
  timezone: 'UTC',
  url: `${zabbix.url}/zabbix/`,
  apiToken: zabbix.token,
  ...more,
});
const given = (more: object = {}) => source.options.parse(options(more));
const open = (more: object = {}) =>
  source.origin?.(given(more), { clock: systemClock, log: silentLog, reach: () => fetch });
const alert = sampleAlert({ id: 'alt_1', episode: 1, fingerprint: '4711' });
const note = { text: 'Tocsin: Fix failed', marker: 'note/run_1/7' };
const problem = () => zabbix.problems.get('4711');
const isDown = (error: unknown) => isCode(error, 'origin-down');

describe.each(['6.0.30', '6.4.2', '7.0.5', '7.4.0'])('the way back to Zabbix %s', version => {
  beforeEach(() => {
    zabbix.version = version;
  });

  test('acknowledges once, with a message, and takes only that back', async () => {
    const it = open();
    expect(await it?.acknowledge?.(alert)).toBe('Acknowledged the problem in Zabbix');
    expect(await it?.acknowledge?.(alert)).toBe('The problem is acknowledged in Zabbix already');
    expect(problem()).toMatchObject({
      acknowledged: '1',
      acknowledges: [
        {
          action: '6',
          message: expect.stringMatching(/^Tocsin is at work on it\n\[tocsin acknowledge\/alt_1\/1 [0-9a-f]{16}\]$/),
        },
      ],
    });
    expect(await it?.recall?.(alert)).toBe('Took the acknowledgement back in Zabbix');
    expect(await it?.recall?.(alert)).toBe('The problem is not acknowledged in Zabbix already');
    expect(problem()).toMatchObject({ acknowledged: '0' });
    Object.assign(problem() ?? {}, { acknowledged: '1' });
    problem()?.acknowledges.push({ acknowledgeid: '10', action: '2', message: '' });
    expect(await it?.recall?.(alert)).toContain('Somebody else acknowledged');
    expect(problem()).toMatchObject({ acknowledged: '1' });
  });

  test('writes a message once, also after the answer was lost', async () => {
    const it = open();
    zabbix.faults.push('none', 'none', 'lost');
    await expect(it?.note?.(alert, note)).rejects.toSatisfy(isDown);
    expect(await it?.note?.(alert, note)).toBe('The message is in Zabbix already');
    expect(problem()?.acknowledges).toHaveLength(1);
    await it?.note?.(alert, { text: 'x'.repeat(9000), marker: 'note/run_1/8' });
    expect(await it?.note?.(alert, { ...note, marker: 'note/run_1/8' })).toContain('already');
  });

  test('closes once, where the trigger allows it', async () => {
    const it = open();
    expect(await it?.resolve?.(alert)).toBe('Asked Zabbix to close the problem');
    expect(await it?.resolve?.(alert)).toContain('already');
    expect(problem()?.acknowledges).toMatchObject([{ action: '5' }]);
    zabbix.problems.set('4711', { r_eventid: '0', acknowledged: '0', acknowledges: [], closes: false });
    await expect(it?.resolve?.(alert)).rejects.toMatchObject({
      code: 'origin-refused',
      message: expect.stringContaining('manual closing'),
    });
    Object.assign(problem() ?? {}, { r_eventid: '4712' });
    for (const act of ['acknowledge', 'recall', 'resolve'] as const)
      expect(await it?.[act]?.(alert)).toBe('The problem is over in Zabbix already');
  });
});

describe('the way back to Zabbix', () => {
  test('is there only with a token, which does not go in clear text', () => {
    expect(open({ apiToken: undefined })).toBeNull();
    expect(open({ acknowledge: false })).not.toHaveProperty('acknowledge');
    const parse = (more: object) => source.options.safeParse(options(more)).success;
    expect(parse({ url: undefined })).toBe(false);
    expect(parse({ url: 'http://zabbix.example.com' })).toBe(false);
    expect(parse({ url: 'http://zabbix.example.com', apiToken: undefined })).toBe(true);
    expect(parse({ apiToken: '' })).toBe(false);
  });

  test('says what is wrong: a token is tried again, a problem that is not there is given up', async () => {
    const it = open({ apiToken: 'another' });
    await expect(it?.note?.(alert, note)).rejects.toMatchObject({
      code: 'origin-down',
      message: expect.stringContaining('re-login'),
    });
    await expect(open()?.note?.({ ...alert, fingerprint: '9' }, note)).rejects.toMatchObject({
      code: 'origin-refused',
    });
    zabbix.writes = false;
    await expect(open()?.note?.(alert, note)).rejects.toMatchObject({
      code: 'origin-refused',
      message: expect.stringContaining('event.acknowledge'),
    });
    zabbix.faults.push({ status: 200, body: ['a proxy'] });
    await expect(open()?.note?.(alert, note)).rejects.toMatchObject({
      code: 'origin-down',
      message: expect.stringContaining('not Zabbix'),
    });
    zabbix.faults.push({ status: 503 });
    await expect(open()?.note?.(alert, note)).rejects.toSatisfy(isDown);
  });

  test('what Tocsin did there is no news when Zabbix tells of it', async () => {
    await open()?.acknowledge?.(alert);
    const message = problem()?.acknowledges[0]?.message ?? '';
    const hear = (words: string, more: object = {}) => {
      const body = {
        event_id: '4711',
        event_value: '1',
        event_update_status: '1',
        event_update_action: 'acknowledged and commented',
        event_update_message: words,
        ...more,
      };
      return take(source, delivery(JSON.stringify(body)), options());
    };
    expect(hear(message)).toMatchObject({ events: [], echo: 'update' });
    expect(hear(message, { event_update_status: '0' }).events).toMatchObject([{ state: 'firing' }]);
    expect(hear(message.replace('alt_1', 'alt_2')).events).toHaveLength(2);
    expect(hear(`${message} and so do I`).events).toHaveLength(2);
  });
});

test('tocsin doctor asks with the token', async () => {
  const find = (more: object = {}) =>
    source.check?.(given(more), { fetch, signal: AbortSignal.timeout(5000) } as never);
  expect(await find()).toMatchObject([{ state: 'ok' }, { what: 'the API of Zabbix', state: 'ok' }]);
  expect(await find({ apiToken: 'another' })).toMatchObject([
    {},
    { state: 'bad', because: expect.stringContaining('The token is not valid') },
  ]);
  expect(await find({ url: zabbix.url })).toMatchObject([
    {},
    { state: 'bad', because: expect.stringContaining('404') },
  ]);
});
