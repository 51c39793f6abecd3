import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../../src/kernel/log.ts';
import { type Alert, effectOf, foldAlert, toldEnd } from '../../../src/model/alert.ts';
import type { IncomingEvent } from '../../../src/model/event.ts';
import type { EmitTools } from '../../../src/ports/emit.ts';
import source from '../../../src/sources/icinga2/index.ts';
import { markWith } from '../../../src/sources/webhook/mark.ts';
import { createClock, type HandClock } from '../../doubles/clock.ts';
import { type IcingaStreamDouble, startIcingaStream } from '../../doubles/icinga2-stream.ts';
import { eventually } from '../../e2e/programs.ts';

const disk = 'web-1!disk /';
const every = 300_000;
let icinga: IcingaStreamDouble;
let clock: HandClock;
/** For how long was slept, milliseconds. */
let slept: number[];
let alerts: Map<string, Alert>;
/** What the store was told, in order. */
let told: string[];
let troubles: (string | null)[];
let stop: () => Promise<void>;

beforeEach(async () => {
  icinga = await startIcingaStream();
  const hand = createClock();
  slept = [];
  clock = {
    ...hand,
    sleep(ms, signal) {
      slept.push(ms);
      return hand.sleep(ms, signal);
    },
  };
  alerts = new Map();
  [told, troubles] = [[], []];
  stop = async () => {};
});
afterEach(async () => {
  await stop();
  icinga.close();
});

const given = (more: object = {}, token?: string) =>
  source.options.parse({
    ...(token === undefined ? {} : { token }),
    api: { url: icinga.url, user: 'tocsin', password: 'api password', stream: true, ...more },
  });

/** The tools of a source over alerts in memory, folded as the pipeline folds them. */
function tools(): EmitTools {
  const claimed = new Set<string>();
  const take = (event: IncomingEvent) => {
    if (event.kind !== 'alert') return void told.push(event.kind === 'notice' ? event.title : event.kind);
    const known = alerts.get(event.fingerprint) ?? null;
    const what = effectOf(known, event);
    told.push(`${event.fingerprint} ${what}`);
    const facts = { source: 'icinga2', trusted: true, receivedAt: clock.now(), body: event };
    const end = event.state === 'resolved' ? toldEnd(event) : null;
    alerts.set(event.fingerprint, foldAlert(known, facts as never, what, event.fingerprint, { end }));
  };
  return {
    // Nothing of it is for a source of alerts.
    ...({} as Pick<EmitTools, 'takeRecords' | 'lost' | 'letters'>),
    clock,
    log: silentLog,
    async emit(events, once) {
      if (claimed.has(once)) return false;
      claimed.add(once);
      for (const event of events) take(event);
      return true;
    },
    deliver: async () => true,
    refused() {},
    trouble: because => void troubles.push(because),
    remembered: async () => 0,
    rememberedText: async () => null,
    remember: async () => {},
    alertOf: async fingerprint => alerts.get(fingerprint) ?? null,
    async *liveAlerts() {
      yield* [...alerts.values()].filter(one => one.state !== 'resolved');
    },
    halted: async () => false,
    onResume: () => () => {},
  };
}

const until = (what: string, holds: () => boolean) => eventually(what, async () => (holds() ? true : null));
/** Moves time on in small steps, until it holds: whatever waits goes on in between. */
const passing = (what: string, holds: () => boolean) =>
  eventually(what, async () => {
    if (holds()) return true;
    await clock.advance(500);
    return null;
  });
const seconds = () => clock.now() / 1000;
const heardList = (count: number) => until(`${count} lists`, () => icinga.listed === count && clock.sleepers() > 0);

async function follow(options = given()) {
  const lists = icinga.listed;
  stop = (await source.start?.(options, tools())) ?? stop;
  await until('it is followed', () => icinga.listed > lists && clock.sleepers() > 0);
}

const change = (state: number, more: object = {}) => ({
  type: 'StateChange',
  host: 'web-1',
  service: 'disk /',
  state,
  state_type: 1,
  downtime_depth: 0,
  check_result: { output: 'DISK', state, vars_after: { reachable: true } },
  timestamp: seconds(),
  ...more,
});
const diskIs = (state: number, more: object = {}) => ({
  name: 'disk /',
  host_name: 'web-1',
  state,
  state_type: 1,
  changed: seconds(),
  ...more,
});

describe('the event stream of Icinga, where it fails', () => {
  test('a stream that is silent is opened anew, and what it did not tell is in the list', async () => {
    await follow();
    icinga.objects = [diskIs(2)];
    await clock.advance(every - 1);
    expect([icinga.opened, told]).toEqual([1, []]);
    await passing('it is opened again', () => icinga.opened === 2);
    await until('it fires', () => told.length > 0);
    expect(told).toEqual([`${disk} opened`]);
    expect(alerts.get(disk)).toMatchObject({ title: 'web-1 disk / is CRITICAL', severity: 'critical' });
  });

  test('the list is looked at beside a stream that speaks, which stays open', async () => {
    await follow();
    icinga.send(change(2));
    await until('it fires', () => told.length === 1);
    // The recovery is not told.
    icinga.objects = [diskIs(0, { changed: seconds() + 1 })];
    await clock.advance(every - 1000);
    await passing('it is over', () => told.length === 2);
    expect(told).toEqual([`${disk} opened`, `${disk} resolved`]);
    expect(icinga.opened).toBe(1);
  });

  test('a line that was torn in its middle is told by the list, once', async () => {
    await follow();
    const line = JSON.stringify(change(2));
    icinga.objects = [diskIs(2)];
    icinga.write(line.slice(0, 60));
    icinga.end('torn');
    await passing('it is opened again', () => icinga.opened === 2);
    await until('it fires', () => told.length === 1);
    icinga.write(line.slice(60));
    icinga.write('\n');
    await heardList(3);
    expect(told).toEqual([`${disk} opened`]);
  });

  test('a line in many pieces is one, and one that cannot be read has the problems listed', async () => {
    await follow();
    const line = Buffer.from(`${JSON.stringify(change(2, { check_result: { output: 'größe 日本' } }))}\n`);
    for (const byte of line) icinga.write(Buffer.from([byte]));
    icinga.objects = [diskIs(2), { ...diskIs(1), name: 'web-2', host_name: '' }];
    icinga.write('{"type":\n');
    await until('both are there', () => alerts.size === 2);
    expect(alerts.get('web-2')).toMatchObject({ title: 'web-2 is DOWN', labels: { host: 'web-2', state: 'DOWN' } });
    expect(told.filter(one => one.startsWith('web-1'))).toEqual([`${disk} opened`]);
    expect(alerts.get(disk)).toMatchObject({ annotations: { description: 'größe 日本' } });
  });

  test('a wrong password is told to the operators, and that it is right again', async () => {
    icinga.password = 'another';
    stop = (await source.start?.(given(), tools())) ?? stop;
    await passing('it is told', () => troubles.length > 0);
    expect(troubles[0]).toContain('Icinga answered 401: api.user or api.password is wrong');
    icinga.password = 'api password';
    await passing('it is well', () => troubles.at(-1) === null);
    expect(icinga.opened).toBe(1);
  });

  test('an Icinga that answers nothing is given up and asked again', async () => {
    icinga.holds = true;
    stop = (await source.start?.(given(), tools())) ?? stop;
    await until('it is asked', () => icinga.held === 1);
    icinga.holds = false;
    expect(icinga.opened).toBe(0);
    await passing('it is opened', () => icinga.opened === 1);
  });
});

describe('a stream that ends at once', () => {
  test('is opened less and less often', async () => {
    await follow();
    for (let count = 1; count <= 4; count++) {
      icinga.end();
      await passing('it is opened again', () => icinga.opened > count);
      await until('it is followed', () => icinga.listed > count && clock.sleepers() > 0);
    }
    // The others are the time to a look, and that of an answer.
    expect(slept.filter(ms => ![every, 10_000].includes(ms))).toEqual([500, 1000, 2000, 5000]);
  });
});

describe('the event stream of Icinga, in a new process', () => {
  test('tells nothing again, and what ended meanwhile', async () => {
    icinga.objects = [diskIs(2), { ...diskIs(1), name: 'web-2', host_name: '' }];
    await follow();
    await until('both fire', () => told.length === 2);
    await stop();
    icinga.objects = [diskIs(2)];
    await follow();
    await until('one ends', () => told.length === 3);
    expect(told).toEqual(['web-2 opened', `${disk} opened`, 'web-2 resolved']);
    // It is no longer in the configuration, so nobody cured it.
    expect(alerts.get('web-2')).toMatchObject({ state: 'resolved', end: { how: 'expired' } });
  });

  test('leaves closed what an operator closed, until its state is another', async () => {
    icinga.objects = [diskIs(2)];
    await follow();
    await until('it fires', () => told.length === 1);
    const alert = alerts.get(disk) as Alert;
    const end = { how: 'closed' as const, because: null };
    alerts.set(disk, { ...alert, state: 'resolved', resolvedAt: clock.now(), end });
    await stop();
    await clock.advance(10_000);
    await follow();
    expect(told).toHaveLength(1);
    icinga.send(change(1));
    await until('it fires', () => told.length === 2);
    expect(alerts.get(disk)).toMatchObject({ state: 'firing', episode: 2, severity: 'warning' });
  });
});

describe('what the events mean', () => {
  test('a SOFT state is none yet, and a host that is down counts by its own state', async () => {
    await follow();
    icinga.send(change(2, { state_type: 0 }));
    icinga.send(change(1, { service: undefined, check_result: { output: 'PING', state: 2 } }));
    icinga.send(change(2, { downtime_depth: 1 }));
    icinga.send(change(2, { service: 'ssh', check_result: { output: '', vars_after: { reachable: false } } }));
    icinga.send(change(3, { service: 'ntp' }));
    await until('two fire', () => told.length === 2);
    expect(told).toEqual(['web-1 opened', 'web-1!ntp opened']);
    expect(alerts.get('web-1')).toMatchObject({ title: 'web-1 is DOWN' });
    expect(alerts.get('web-1!ntp')).toMatchObject({ labels: { state: 'UNKNOWN' }, severity: 'warning' });
  });

  const acknowledgement = (comment: string, author: string) => ({
    ...{ type: 'AcknowledgementSet', host: 'web-1', service: 'disk /', timestamp: seconds() },
    ...{ author, comment, acknowledgement_type: 1 },
  });
  const cleared = () => ({ type: 'AcknowledgementCleared', host: 'web-1', service: 'disk /', timestamp: seconds() });

  test("a person's acknowledgement and its end are told, Tocsin's own are not", async () => {
    await follow();
    icinga.send(change(2));
    const own = markWith('api password').sign('Tocsin is at work on it', 'acknowledge/alt_1/1', 500);
    icinga.send(acknowledgement(own, 'tocsin'));
    icinga.send(cleared());
    icinga.send(acknowledgement('on it', 'alice'));
    await until('it is acknowledged', () => alerts.get(disk)?.acknowledgedBy === 'alice');
    icinga.send(cleared());
    await until('it is not any more', () => alerts.get(disk)?.acknowledgedBy === null);
    const words = 'web-1 disk /: ACKNOWLEDGEMENT by alice: on it';
    expect(told).toEqual([`${disk} opened`, `${disk} acknowledged`, words, `${disk} unacknowledged`]);
  });

  test('an acknowledgement in the list has its author, and that it is gone is seen', async () => {
    icinga.objects = [diskIs(2, { acknowledgement: 1 })];
    icinga.comments = [{ author: 'alice', text: 'on it', entry_type: 4 }];
    await follow();
    await until('it is acknowledged', () => alerts.get(disk)?.acknowledgedBy === 'alice');
    await stop();
    await follow();
    const words = 'web-1 disk /: ACKNOWLEDGEMENT by alice: on it';
    expect(told).toEqual([`${disk} opened`, `${disk} acknowledged`, words]);
    icinga.objects = [diskIs(2, { changed: (alerts.get(disk)?.startsAt ?? 0) / 1000 })];
    icinga.end();
    await passing('it is not any more', () => alerts.get(disk)?.acknowledgedBy === null);
  });

  test.each([
    { token: undefined, count: 1 },
    { token: 'a token', count: 0 },
  ])('words come once, and by the notifications where there is a token: $token', async ({ token, count }) => {
    await follow(given({}, token));
    icinga.send(change(2));
    const custom = { type: 'Notification', notification_type: 'CUSTOM', host: 'web-1', service: 'disk /' };
    // One for each Notification object.
    for (let index = 0; index < 3; index++)
      icinga.send({ ...custom, author: 'bob', text: 'the rack is moved', timestamp: seconds() + index / 1000 });
    icinga.send({ ...custom, notification_type: 'PROBLEM', author: '', text: '', timestamp: seconds() });
    icinga.send(change(0, { timestamp: seconds() + 1 }));
    await until('it is over', () => alerts.get(disk)?.state === 'resolved');
    expect(told.filter(one => one.includes('CUSTOM by bob: the rack is moved'))).toHaveLength(count);
    expect(told).toHaveLength(2 + count);
  });

  test('without a token nothing is taken that is posted, and without `write` nothing is written', () => {
    const posted = { headers: {}, body: Buffer.from(''), at: 0 };
    expect(source.verify(posted, given())).toMatchObject({ ok: false });
    expect(source.verify(posted, given({ stream: false }))).toMatchObject({ ok: true, by: 'none' });
    const headers = { authorization: 'Bearer a token' };
    expect(source.verify({ ...posted, headers }, given({}, 'a token'))).toMatchObject({ ok: true, by: 'bearer' });
    expect(source.origin?.(given({ write: false }), {} as never)).toBeNull();
  });
});
