import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { type KillParts, killAll } from '../../../src/kernel/child/kill.ts';
import { type Clock, systemClock } from '../../../src/kernel/clock.ts';
import { type Log, silentLog } from '../../../src/kernel/log.ts';

/** A system without /proc, as macOS is one. */
const system = vi.hoisted(() => ({ hasProc: true }));
vi.mock('node:fs/promises', async original => {
  const real = await original<typeof import('node:fs/promises')>();
  return {
    ...real,
    readdir: async (path: string) => {
      if (path === '/proc' && !system.hasProc) throw new Error('ENOENT');
      return await real.readdir(path);
    },
  };
});

const folder = mkdtempSync(join(tmpdir(), 'tocsin-kill-'));
/** The groups that the tests started, those of descendants included. */
const groups: number[] = [];
afterEach(() => {
  vi.restoreAllMocks();
  system.hasProc = true;
  for (const group of groups.splice(0)) {
    try {
      process.kill(-group, 'SIGKILL');
    } catch {
      // It is gone.
    }
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Never reached where all is well: whoever waits for it has missed a signal. */
const longGrace = 20_000;
let count = 0;

interface Child {
  pid: number;
  marker: string;
  /** The pids that it printed. */
  pids: number[];
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** Starts a script in a session of its own, as steps are started, and waits until it printed `ready`. */
async function start(code: string, ...args: string[]): Promise<Child> {
  const marker = `kill-${process.pid}-${Date.now()}/step/${++count}`;
  const child = spawn('sh', ['-c', code, 'sh', ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { PATH: process.env['PATH'], TOCSIN_STEP: marker },
  });
  if (child.pid !== undefined) groups.push(child.pid);
  const ended = new Promise<Awaited<Child['ended']>>(resolve =>
    child.once('exit', (exitCode, signal) => resolve({ code: exitCode, signal })),
  );
  let text = '';
  await new Promise<void>(resolve =>
    child.stdout?.on('data', chunk => {
      text += chunk;
      if (text.includes('ready')) resolve();
    }),
  );
  const pids = [...text.matchAll(/pid=(\d+)/g)].map(match => Number(match[1]));
  groups.push(...pids);
  return { pid: child.pid ?? 0, marker, pids, ended };
}

function stateOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  } catch {
    return 'gone';
  }
}
const alive = (pid: number) => !['gone', 'Z', 'X'].includes(stateOf(pid));
const untilStopped = (...pids: number[]) =>
  expect.poll(() => pids.map(stateOf), { timeout: 20_000 }).toEqual(pids.map(() => 'T'));

type Line = [level: string, bindings: unknown, message: string];
function createParts(clock: Clock = systemClock): KillParts & { lines: Line[] } {
  const lines: Line[] = [];
  const write = (level: string) => (bindings: unknown, message: string) => void lines.push([level, bindings, message]);
  const log = { ...silentLog, debug: write('debug'), warn: write('warn'), error: write('error') } as unknown as Log;
  return { clock, log, lines };
}

/** A clock on which every sleep takes half a second and no time: what goes on for its half minute ends at once. */
function fastClock(): Clock {
  let time = 0;
  return {
    now: () => time,
    monotonic: () => time,
    async sleep(ms) {
      time += Math.max(ms, 500);
      await new Promise(resolve => setImmediate(resolve));
    },
  };
}

/** Signals to these are answered by `answer`; all others go through. Returns what was sent to them. */
function intercept(pids: readonly number[], answer: () => true) {
  const sent: [number, unknown][] = [];
  const real = process.kill.bind(process);
  vi.spyOn(process, 'kill').mockImplementation((pid, name) => {
    if (!pids.includes(Math.abs(pid))) return real(pid, name);
    sent.push([pid, name]);
    return answer();
  });
  return sent;
}

/** What the kernel answers for a process of another user. */
const notPermitted = (): true => {
  throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' });
};

// Each says with its exit code that it had its TERM and tidied up.
const tidy = `trap 'echo tidy >> "$1"; exit 7' TERM;`;
const spin = 'while :; do sleep 0.02; done';

describe('a stopped process', () => {
  it('gets its TERM, and time to tidy up', async () => {
    const file = join(folder, 'stopped');
    const child = await start(`${tidy} echo ready; kill -STOP $$; ${spin}`, file);
    await untilStopped(child.pid);
    expect(await killAll(createParts(), { marker: child.marker, root: child.pid }, longGrace)).toBeGreaterThan(0);
    expect(await child.ended).toEqual({ code: 7, signal: null });
    expect(readFileSync(file, 'utf8')).toBe('tidy\n');
  });

  it('gets it also where it left the session, beside its parent that was stopped too', async () => {
    const file = join(folder, 'both');
    const child = await start(
      `${tidy} setsid sh -c '${tidy.replaceAll("'", `'\\''`)} echo pid=$$ ready; kill -STOP $$; ${spin}' sh "$1" & kill -STOP $$; ${spin}`,
      file,
    );
    await untilStopped(child.pid, ...child.pids);
    expect(child.pids).toHaveLength(1);
    await killAll(createParts(), { marker: child.marker, root: child.pid }, longGrace);
    expect((await child.ended).code).toBe(7);
    expect(child.pids.filter(alive)).toEqual([]);
    expect(readFileSync(file, 'utf8')).toBe('tidy\ntidy\n');
  });

  it('gets it when only its marker is known', async () => {
    const file = join(folder, 'marker');
    const child = await start(`${tidy} echo ready; kill -STOP $$; ${spin}`, file);
    await untilStopped(child.pid);
    expect(await killAll(createParts(), { marker: `${child.marker.split('/')[0]}/`, root: null }, longGrace)).toBe(1);
    expect((await child.ended).code).toBe(7);
  });

  it('is killed where it ignores TERM', async () => {
    const child = await start(`trap '' TERM; echo ready; kill -STOP $$; ${spin}`);
    await untilStopped(child.pid);
    await killAll(createParts(), { marker: child.marker, root: child.pid }, 50);
    expect(await child.ended).toEqual({ code: null, signal: 'SIGKILL' });
  });
});

describe('a process that goes by itself', () => {
  it('is never killed within its time, however long it tidies up', async () => {
    const file = join(folder, 'slow');
    const child = await start(`trap 'sleep 0.5; echo tidy >> "$1"; exit 7' TERM; echo ready; ${spin}`, file);
    await killAll(createParts(), { marker: child.marker, root: child.pid }, longGrace);
    expect(await child.ended).toEqual({ code: 7, signal: null });
    expect(readFileSync(file, 'utf8')).toBe('tidy\n');
  });

  it('takes no time where there is none, and nothing is said', async () => {
    const slept: number[] = [];
    const parts = createParts({ ...systemClock, sleep: async ms => void slept.push(ms) });
    expect(await killAll(parts, { marker: 'no-such-marker', root: null }, longGrace)).toBe(0);
    // A look during which any process of the machine ended is taken again at once.
    expect(slept.filter(ms => ms > 0)).toEqual([]);
    expect(parts.lines).toEqual([]);
  });

  it('may leave a child that it started while it tidied up: that is found and killed', async () => {
    const child = await start(`trap 'setsid sleep 600 & echo pid=$!; exit 7' TERM; echo ready; ${spin}`);
    await killAll(createParts(), { marker: child.marker, root: child.pid }, 300);
    expect((await child.ended).code).toBe(7);
    expect(await killAll(createParts(), { marker: child.marker, root: null }, 0)).toBe(0);
  });
});

describe('one that may not be signalled', () => {
  it('is told with its pid and left; the others are ended, and nobody waits for it', async () => {
    const child = await start(`setsid sh -c 'echo pid=$$ ready; exec tail -f /dev/null' & ${spin}`);
    const [foreign = 0] = child.pids;
    const sent = intercept([foreign], notPermitted);
    const parts = createParts();
    expect(await killAll(parts, { marker: child.marker, root: child.pid }, 0)).toBeGreaterThanOrEqual(2);
    expect((await child.ended).code).toBeNull();
    expect(alive(foreign)).toBe(true);
    expect(sent.map(([, name]) => name)).toContain('SIGTERM');
    const told = parts.lines.filter(([level]) => level === 'warn');
    expect(told).toEqual([
      ['warn', { marker: child.marker, pids: [foreign] }, 'processes of a step belong to another user and were left'],
    ]);
  });

  it('does not make a round last for its grace', async () => {
    const child = await start('echo ready; exec tail -f /dev/null');
    intercept([child.pid], notPermitted);
    let slept = 0;
    const clock = fastClock();
    const counted = {
      ...clock,
      sleep: (ms: number) => {
        slept += 1;
        return clock.sleep(ms);
      },
    };
    // An hour, of which each sleep takes half a second; it is left at the first look that finds nobody else.
    await killAll(createParts(counted), { marker: child.marker, root: child.pid }, 3_600_000);
    expect(slept).toBeLessThan(50);
    expect(alive(child.pid)).toBe(true);
  });
});

describe('one that does not end after KILL', () => {
  it('is an error that names it, in the end', async () => {
    const child = await start(`trap '' TERM; echo ready; exec tail -f /dev/null`);
    const sent = intercept([child.pid], () => true);
    await expect(killAll(createParts(fastClock()), { marker: child.marker, root: child.pid }, 0)).rejects.toMatchObject(
      { code: 'children-left', given: expect.stringMatching(`\\b${child.pid}\\b`) },
    );
    // Its group first, then itself, and again until the time is over.
    const kills = sent.filter(([, name]) => name === 'SIGKILL');
    expect(kills.slice(0, 2)).toEqual([
      [-child.pid, 'SIGKILL'],
      [child.pid, 'SIGKILL'],
    ]);
    expect(kills.length).toBeGreaterThan(10);
    // TERM is sent once, and CONT after it.
    expect(sent.slice(0, 2)).toEqual([
      [child.pid, 'SIGTERM'],
      [child.pid, 'SIGCONT'],
    ]);
    expect(sent.filter(([, name]) => name === 'SIGTERM')).toHaveLength(1);
  });
});

describe('where there is no /proc', () => {
  it('the group gets TERM and its time, then KILL', async () => {
    system.hasProc = false;
    const file = join(folder, 'group');
    const child = await start(`${tidy} echo ready; ${spin}`, file);
    const parts = createParts();
    expect(await killAll(parts, { marker: child.marker, root: child.pid }, longGrace)).toBe(1);
    expect((await child.ended).code).toBe(7);
    expect(readFileSync(file, 'utf8')).toBe('tidy\n');
    expect(parts.lines).toEqual([
      ['debug', { group: child.pid }, 'this system has no /proc: only the process group is stopped'],
    ]);
    const stubborn = await start(`trap '' TERM; echo ready; ${spin}`);
    await killAll(createParts(), { marker: stubborn.marker, root: stubborn.pid }, 50);
    expect(await stubborn.ended).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('nothing is done with a marker alone, and it is said', async () => {
    system.hasProc = false;
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
    const parts = createParts();
    expect(await killAll(parts, { marker: 'some/', root: null }, 50)).toBe(0);
    expect(kill).not.toHaveBeenCalled();
    expect(parts.lines).toEqual([
      ['warn', {}, 'this system has no /proc: processes that a stopped Tocsin left behind cannot be found'],
    ]);
  });

  it.each([0, 1])('no signal goes to the group %i: that would be our own, or every process', async root => {
    system.hasProc = false;
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
    await killAll(createParts(fastClock()), { marker: 'some/', root }, 0);
    expect(kill).not.toHaveBeenCalled();
  });

  it('the time is bounded for a group that does not go', async () => {
    system.hasProc = false;
    const sent = intercept([4_000_000], () => true);
    const clock = fastClock();
    await killAll(createParts(clock), { marker: 'some/', root: 4_000_000 }, 2000);
    expect(sent.map(([pid, name]) => [pid, name])).toEqual([
      [-4_000_000, 'SIGTERM'],
      ...Array.from({ length: 5 }, () => [-4_000_000, 0]),
      [-4_000_000, 'SIGKILL'],
    ]);
  });
});
