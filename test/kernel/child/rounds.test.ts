import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type KillTarget, killAll, showRemaining, stopAll } from '../../../src/kernel/child/kill.ts';
import { type Log, silentLog } from '../../../src/kernel/log.ts';

// A machine on paper: what /proc shows and what a signal does is said by the test, so that each race comes when it is wanted. Real
// processes are in kill.test.ts.

interface Process {
  name?: string;
  parent?: number;
  group?: number;
  argv?: string[];
  /** The step's marker is in its environment; true when left out. */
  isOurs?: boolean;
  /** Signals that it survives. */
  ignores?: string[];
  /** What a signal to it is answered with. */
  error?: string;
}

const machine = vi.hoisted(() => ({
  processes: new Map<number, Process>(),
  /** Listed, and gone when it is read: something on the machine always ends. */
  isBusy: false,
  canList: true,
  /** Looks and pauses, in order. */
  events: [] as string[],
  /** Called before each look with how many of its kind there were. */
  onLook: (_kind: string, _count: number): void => {},
  list(kind: 'survey' | 'glance') {
    this.events.push(kind);
    this.onLook(kind, this.events.filter(one => one === kind).length);
    return ['self', 'meminfo', ...[...this.processes.keys(), ...(this.isBusy ? [999_999] : [])].map(String)];
  },
  read(path: string): string {
    const [, pid = '', file] = /^\/proc\/(\d+)\/(\w+)$/.exec(path) ?? [];
    const one = this.processes.get(Number(pid));
    if (one === undefined) throw new Error(`ENOENT: ${path}`);
    const { name = 'program', parent = 1, group = Number(pid), argv = [name], isOurs = true } = one;
    if (file === 'stat')
      return `${pid} (${name}) S ${parent} ${group} ${group}${' 0'.repeat(15)} ${Number(pid) * 10} 0`;
    if (file === 'environ') return isOurs ? 'A=b\0TOCSIN_STEP=run/step/1\0' : 'A=b\0';
    return file === 'cmdline' ? `${argv.join('\0')}\0` : '';
  },
}));
vi.mock('node:fs', async original => ({
  ...(await original<typeof import('node:fs')>()),
  readdirSync: () => machine.list('glance'),
  readFileSync: (path: string, coding?: string) =>
    coding === undefined ? Buffer.from(machine.read(path)) : machine.read(path),
}));
vi.mock('node:fs/promises', async original => ({
  ...(await original<typeof import('node:fs/promises')>()),
  readdir: async () => {
    if (!machine.canList) throw new Error('EMFILE: too many open files');
    return machine.list('survey');
  },
  readFile: async (path: string, coding?: string) =>
    coding === undefined ? Buffer.from(machine.read(path)) : machine.read(path),
}));

const { processes } = machine;
let sent: [pid: number, name: unknown][] = [];

beforeEach(() => {
  processes.clear();
  sent = [];
  Object.assign(machine, { isBusy: false, canList: true, events: [], onLook: () => {} });
  vi.spyOn(process, 'kill').mockImplementation((pid, name) => {
    sent.push([pid, name]);
    const meant = [...processes].filter(([one, { group = one }]) => (pid < 0 ? group === -pid : one === pid));
    if (meant.length === 0) throw problem('ESRCH');
    for (const [one, { error, ignores = [] }] of meant) {
      if (error !== undefined) throw problem(error);
      if (name !== 0 && name !== 'SIGCONT' && !ignores.includes(String(name))) processes.delete(one);
    }
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());

const problem = (code: string) => Object.assign(new Error(`kill ${code}`), { code });
const stubborn: Process = { ignores: ['SIGTERM', 'SIGKILL'] };

/** Stops what belongs to `run/step/1`, by a clock on which a sleep takes its time and no more. `onSleep` is called within each. */
async function stop(target: Partial<KillTarget> = {}, grace = 1000, onSleep: (count: number) => void = () => {}) {
  let time = 0;
  let sleeps = 0;
  const clock = {
    now: () => time,
    monotonic: () => time,
    async sleep(ms: number) {
      time += ms;
      machine.events.push(`sleep ${ms}`);
      // Whoever never comes to an end would hold up all others too.
      if (++sleeps > 20_000) throw new Error('this does not end');
      onSleep(sleeps);
    },
  };
  const lines: [level: string, bindings: unknown, message: string][] = [];
  const write = (level: string) => (bindings: unknown, message: string) => void lines.push([level, bindings, message]);
  const log = { ...silentLog, debug: write('debug'), warn: write('warn'), error: write('error') } as unknown as Log;
  const report = await stopAll({ clock, log }, { marker: 'run/step/1', root: null, ...target }, grace);
  return { report, lines };
}

describe('the first signal', () => {
  it.each(['sh', 'ash', 'bash', 'busybox', 'dash', 'ksh', 'mksh', 'zsh'])(
    'is TERM for %s where its program gets another one, and comes before it',
    async name => {
      processes.set(10, { name: 'psql' }).set(20, { name, parent: 10 }).set(30, { name: 'shell-like' });
      await stop({ signal: 'SIGINT' });
      expect(sent).toEqual([
        [20, 'SIGTERM'],
        [10, 'SIGINT'],
        [30, 'SIGINT'],
        [10, 'SIGCONT'],
        [20, 'SIGCONT'],
        [30, 'SIGCONT'],
      ]);
    },
  );

  it('is TERM for all of them in their order where none is named', async () => {
    processes.set(10, { name: 'psql' }).set(20, { name: 'sh' });
    await stop();
    expect(sent.slice(0, 2)).toEqual([
      [10, 'SIGTERM'],
      [20, 'SIGTERM'],
    ]);
    expect(sent.filter(([, name]) => name === 'SIGTERM')).toHaveLength(2);
  });

  it('goes to nobody else', async () => {
    processes.set(10, {}).set(20, { isOurs: false });
    const { report } = await stop();
    expect(report.count).toBe(1);
    expect(new Set(sent.map(([pid]) => pid))).toEqual(new Set([10]));
  });
});

describe('what is told of it', () => {
  it('the programs as they were before the first signal, 200 at most', async () => {
    for (let pid = 1000; pid < 1205; pid++) processes.set(pid, { argv: ['ssh', `web-${pid}`] });
    const { report } = await stop();
    expect(report.count).toBe(205);
    expect(report.programs).toHaveLength(200);
    expect(report.programs?.[1]).toEqual({
      argv: ['ssh', 'web-1001', ''],
      env: expect.objectContaining({ A: 'b', TOCSIN_STEP: 'run/step/1' }),
    });
  });

  it('that the first signal was enough', async () => {
    processes.set(10, {});
    const { report, lines } = await stop();
    expect(report).toMatchObject({ count: 1, killed: false, left: [] });
    expect(lines).toEqual([]);
    expect(sent.filter(([, name]) => name === 'SIGKILL')).toEqual([]);
  });

  it('that it was not: the group is killed, then the process', async () => {
    processes.set(10, { ignores: ['SIGTERM'] });
    processes.set(11, { group: 10, ignores: ['SIGTERM'] });
    const { report, lines } = await stop();
    expect(report).toMatchObject({ count: 2, killed: true, left: [] });
    expect(sent.filter(([, name]) => name === 'SIGKILL').slice(0, 2)).toEqual([
      [-10, 'SIGKILL'],
      [10, 'SIGKILL'],
    ]);
    expect(lines).toEqual([]);
  });

  it('who survives KILL', async () => {
    processes
      .set(10, { ...stubborn, name: 'nfs' })
      .set(20, {})
      .set(30, { ...stubborn, name: 'tape' });
    const { report, lines } = await stop();
    expect(report).toMatchObject({
      count: 3,
      killed: true,
      left: [
        { pid: 10, name: 'nfs', because: 'it does not end after KILL' },
        { pid: 30, name: 'tape', because: 'it does not end after KILL' },
      ],
    });
    expect(lines).toEqual([['error', { marker: 'run/step/1', pids: [10, 30] }, 'processes of a step survive KILL']]);
    expect(showRemaining(report.left)).toBe('pid 10 (nfs), pid 30 (tape)');
  });

  it('who belongs to another user, and that is no failure', async () => {
    processes.set(10, { name: 'sudo', error: 'EPERM' }).set(20, {});
    const { report, lines } = await stop();
    expect(report).toMatchObject({
      count: 2,
      killed: false,
      left: [{ pid: 10, name: 'sudo', because: 'it belongs to another user' }],
    });
    expect(lines).toEqual([
      ['warn', { marker: 'run/step/1', pids: [10] }, 'processes of a step belong to another user and were left'],
    ]);
    const clock = { now: () => 0, monotonic: () => 0, sleep: async () => {} };
    expect(await killAll({ clock, log: silentLog }, { marker: 'run/step/1', root: null }, 1000)).toBe(1);
  });

  it('not one of another user that went by itself', async () => {
    processes.set(10, { error: 'EPERM' }).set(20, { ignores: ['SIGTERM'] });
    const { report, lines } = await stop({}, 1000, () => processes.delete(10));
    expect(report).toMatchObject({ count: 2, killed: true, left: [] });
    expect(lines).toEqual([]);
  });

  it('one too that came during the grace and went by itself', async () => {
    processes.set(10, { ignores: ['SIGTERM'] });
    const { report } = await stop({}, 1000, count => {
      if (count === 1) processes.set(11, { parent: 10 });
      else processes.clear();
    });
    expect(report).toMatchObject({ count: 2, killed: false });
    expect(sent.some(([pid]) => pid === 11)).toBe(false);
  });
});

describe('the time that is given', () => {
  it('is looked at in pauses that grow to 200 ms, and ends when it is over', async () => {
    processes.set(10, { ignores: ['SIGTERM'] });
    await stop();
    const pauses = [5, 10, 20, 40, 80, 160, 200, 200, 200, 85];
    expect(machine.events).toEqual([
      'survey',
      ...pauses.flatMap(ms => [`sleep ${ms}`, 'glance']),
      // The look that kills.
      'glance',
      'sleep 2',
      ...whenNone,
    ]);
  });

  it('may be none: then it is killed without a look', async () => {
    processes.set(10, {});
    const { report } = await stop({}, 0);
    expect(machine.events).toEqual(['survey', ...whenNone]);
    expect(report.killed).toBe(true);
  });

  it('is ten seconds for one that survives KILL', async () => {
    processes.set(10, stubborn);
    await stop({}, 0);
    expect(machine.events.filter(one => one === 'sleep 2')).toHaveLength(5000);
    expect(machine.events.slice(-2)).toEqual(['glance', 'sleep 2']);
    expect(sent.filter(([pid, name]) => pid === 10 && name === 'SIGKILL')).toHaveLength(5000);
  });
});

/** The looks that show that none is left. */
const whenNone = ['glance', 'glance', 'survey', 'glance'];

describe('that none is left', () => {
  it('is taken from a quick look, a full one between two others, where nothing ended meanwhile', async () => {
    processes.set(10, {});
    await stop();
    expect(machine.events).toEqual(['survey', 'sleep 5', ...whenNone]);
  });

  it('takes 20 quick looks in a row where something ended during each', async () => {
    processes.set(10, {});
    machine.isBusy = true;
    const { report } = await stop();
    const twenty = Array.from({ length: 20 }, () => 'glance');
    expect(machine.events).toEqual(['survey', 'sleep 5', 'glance', ...twenty, 'survey', ...twenty]);
    expect(report).toMatchObject({ count: 1, killed: false });
  });

  it('is not said while one of the 20 finds a child of what ended', async () => {
    processes.set(10, {});
    machine.isBusy = true;
    machine.onLook = (_, count) => void (count === 20 && processes.set(20, { ignores: ['SIGTERM'] }));
    const { report } = await stop();
    expect(report).toMatchObject({ count: 2, killed: true });
    expect([...processes]).toEqual([]);
  });

  it('is not said when a pid that was another program is one of ours by now, which only the full look sees', async () => {
    processes.set(10, {}).set(20, { isOurs: false });
    machine.onLook = (kind, count) => {
      if (kind === 'survey' && count === 2) processes.set(20, { ignores: ['SIGTERM'] });
    };
    const { report } = await stop();
    expect(report).toMatchObject({ count: 2, killed: true });
    expect([...processes]).toEqual([]);
  });

  it.each([
    ['a quick look', 'glance', 2, ['glance', 'glance']],
    ['the full look', 'survey', 2, ['glance', 'glance', 'survey']],
    ['the quick look after it', 'glance', 3, ['glance', 'glance', 'survey', 'glance']],
  ])('is not said of one that %s saw for a moment: all looks are taken again', async (_, kind, at, before) => {
    processes.set(10, {});
    machine.onLook = (now, count) => {
      processes.delete(20);
      if (now === kind && count === at) processes.set(20, {});
    };
    const { report } = await stop({}, 1000, () => processes.delete(20));
    expect(machine.events).toEqual(['survey', 'sleep 5', ...before, 'sleep 10', ...whenNone]);
    expect(report).toMatchObject({ count: 2, killed: false, left: [] });
  });

  it('is not said after KILL either, and there is no pause before the next look', async () => {
    processes.set(10, {});
    machine.onLook = (kind, count) => {
      processes.delete(20);
      if (kind === 'glance' && count === 2) processes.set(20, {});
    };
    await stop({}, 0, () => processes.delete(20));
    expect(machine.events).toEqual(['survey', 'glance', 'glance', 'sleep 0', ...whenNone]);
  });

  it('is taken from the quick looks where a full one fails', async () => {
    processes.set(10, {});
    const { report } = await stop({}, 1000, () => {
      machine.canList = false;
    });
    expect(report).toMatchObject({ count: 1, killed: false, left: [] });
  });
});

describe('an answer of the system', () => {
  it('that a process is gone is no refusal: a later one of ours with its pid is killed', async () => {
    processes.set(10, { error: 'ESRCH' });
    const { report } = await stop({}, 1000, count => {
      if (count === 1) processes.set(10, { ignores: ['SIGTERM'] });
    });
    expect(report).toMatchObject({ count: 1, killed: true, left: [] });
    expect(sent).toContainEqual([10, 'SIGKILL']);
    expect([...processes]).toEqual([]);
  });
});

describe('where there is no /proc', () => {
  beforeEach(() => {
    machine.canList = false;
  });

  it.each([null, 0, 1])('nothing is sent to the group %s, and nothing said to be killed', async root => {
    processes.set(0, {}).set(1, {});
    expect((await stop({ root })).report).toEqual({
      count: root === null ? 0 : 1,
      programs: null,
      killed: false,
      left: [],
    });
    expect(sent).toEqual([]);
  });

  it('it is said whether the group had to be killed', async () => {
    processes.set(10, {});
    expect((await stop({ root: 10, signal: 'SIGINT' })).report).toEqual({
      count: 1,
      programs: null,
      killed: false,
      left: [],
    });
    expect(sent[0]).toEqual([-10, 'SIGINT']);
    processes.set(10, { ignores: ['SIGINT'] });
    expect((await stop({ root: 10, signal: 'SIGINT' }, 100)).report.killed).toBe(true);
    expect(machine.events).toEqual(['sleep 25', 'sleep 25', 'sleep 25', 'sleep 25']);
  });
});
