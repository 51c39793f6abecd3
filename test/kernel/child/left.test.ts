import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { createChildren, type StoppedChild } from '../../../src/kernel/child/child.ts';
import { createDrain } from '../../../src/kernel/child/drain.ts';
import { stopAll } from '../../../src/kernel/child/kill.ts';
import { limitMarkOf, limitTest, readLimitMark } from '../../../src/kernel/child/limit-mark.ts';
import { helperKinds } from '../../../src/kernel/child/spawner/kinds.ts';
import { createWatch } from '../../../src/kernel/child/watch.ts';
import { type Clock, systemClock } from '../../../src/kernel/clock.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import { createClock } from '../../doubles/clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'tocsin-left-'));
const path = process.env['PATH'] ?? '/usr/bin:/bin';
const parts = { clock: systemClock, log: silentLog };
const started: ChildProcess[] = [];
const others: number[] = [];
const kill = process.kill.bind(process);

afterEach(() => {
  vi.restoreAllMocks();
  for (const child of started.splice(0)) child.kill('SIGKILL');
  for (const pid of others.splice(0)) if (isAlive(pid)) kill(pid, 'SIGKILL');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

/** A process that nobody but its parent knows: no marker, a session of its own. The parent prints its pid and waits. */
async function startTree() {
  const child = spawn('sh', ['-c', 'env -i sh -c "setsid sleep 600 & echo \\$!; wait" & wait'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: path },
  });
  started.push(child);
  const [text] = await once(child.stdout, 'data');
  const sleeper = Number(String(text).trim());
  others.push(sleeper);
  const parent = Number(readFileSync(`/proc/${sleeper}/stat`, 'latin1').split(') ')[1]?.split(' ')[1]);
  // It has a session of its own only once setsid has become sleep.
  await expect.poll(() => readFileSync(`/proc/${sleeper}/comm`, 'latin1').trim()).toBe('sleep');
  return { root: child.pid ?? 0, parent, sleeper };
}

function counting(clock: Clock, sleeps: number[]): Clock {
  return {
    ...clock,
    sleep(ms, signal) {
      sleeps.push(ms);
      return clock.sleep(ms, signal);
    },
  };
}

describe('a descendant that was seen once', () => {
  it('is ended with the step, also where there is no prlimit to mark it', async () => {
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    for (const name of ['sh', 'sleep', 'setsid', 'env', 'true', 'mkfifo'])
      symlinkSync(execFileSync('which', [name]).toString().trim(), join(bin, name));
    const sleeps: number[] = [];
    const kinds = await helperKinds({ path: bin, deathSignal: async () => [] });
    const children = createChildren({
      ...parts,
      kinds: kinds.filter(kind => kind.name === 'node'),
      clock: counting(systemClock, sleeps),
      path: bin,
      home: folder,
      tmp: folder,
    });
    const stop = new AbortController();
    const printed = Promise.withResolvers<number>();
    const end = children.spawn(
      { argv: ['sh', '-c', 'env -i PATH="$PATH" sh -c "setsid sleep 600 & echo \\$!; wait" & wait; sleep 600'] },
      {
        marker: `seen-${process.pid}-${Date.now()}/step/1`,
        signal: stop.signal,
        grace: 200,
        onOutput: chunk => printed.resolve(Number(chunk.toString())),
      },
    );
    const sleeper = await printed.promise;
    others.push(sleeper);
    await expect.poll(() => readFileSync(`/proc/${sleeper}/comm`, 'latin1').trim()).toBe('sleep');
    expect(readLimitMark(readFileSync(`/proc/${sleeper}/limits`, 'latin1'))).toBe(null);
    // A look that began after this has ended when the one after it is waited for.
    const looks = sleeps.length;
    await expect.poll(() => sleeps.length, { timeout: 20_000 }).toBeGreaterThan(looks + 1);
    const parent = Number(readFileSync(`/proc/${sleeper}/stat`, 'latin1').split(') ')[1]?.split(' ')[1]);
    kill(parent, 'SIGKILL');
    await expect.poll(() => isAlive(parent)).toBe(false);
    expect(isAlive(sleeper)).toBe(true);
    stop.abort();
    await end;
    expect(isAlive(sleeper)).toBe(false);
  });

  it('is known by pid and start when it has lost its parent, its session and its environment', async () => {
    const { root, parent, sleeper } = await startTree();
    const watch = createWatch(createClock(), root);
    await watch.look();
    expect([...watch.known().keys()].sort()).toEqual([root, parent, sleeper].sort());
    kill(parent, 'SIGKILL');
    await expect.poll(() => isAlive(parent)).toBe(false);
    await watch.look();
    expect(watch.known().has(sleeper)).toBe(true);
    watch.stop();
    // Without what was seen it is nobody's; so it is when another process has its pid.
    const target = { marker: 'none/none/1', root };
    const strange = new Map([[sleeper, '1']]);
    for (const known of [new Map(), strange]) await stopAll(parts, { ...target, root: null, known }, 0);
    expect(isAlive(sleeper)).toBe(true);
    await stopAll(parts, { ...target, known: watch.known() }, 5000);
    expect(isAlive(sleeper)).toBe(false);
  });

  it('is looked for less and less often, and no more when the child has ended', async () => {
    const clock = createClock();
    const sleeps: number[] = [];
    const signals: (AbortSignal | undefined)[] = [];
    const kept: Clock = {
      ...clock,
      sleep(ms, signal) {
        signals.push(signal);
        return clock.sleep(ms, signal);
      },
    };
    const watch = createWatch(counting(kept, sleeps), 2 ** 30);
    await expect
      .poll(async () => {
        await clock.advance(10_000);
        return sleeps.length;
      })
      .toBeGreaterThanOrEqual(15);
    expect(sleeps.slice(0, 15)).toEqual([20, 40, 80, 160, 320, 640, 1280, 2560, 5120, ...Array(6).fill(10_000)]);
    // Each pause is one that the stop ends; what is paused for after it ends at once.
    expect(signals.map(one => one?.aborted)).not.toContain(true);
    watch.stop();
    expect(signals.map(one => one?.aborted)).not.toContain(false);
    expect(signals).not.toContain(undefined);
  });
});

describe('a pid that is used again', () => {
  it('is forgotten: its new owner is no process of the step, nor is what that one starts', async () => {
    const { root, parent, sleeper } = await startTree();
    const watch = createWatch(createClock(), root);
    await watch.look();
    expect(watch.known().has(parent)).toBe(true);
    watch.stop();
    // To the watch, a process with the pid and another start is one that came later.
    const later = createWatch(createClock(), 2 ** 30, new Map([[parent, '1']]));
    await later.look();
    later.stop();
    expect([...later.known().keys()]).toEqual([]);
    const same = createWatch(createClock(), 2 ** 30, watch.known());
    await same.look();
    same.stop();
    expect([...same.known().keys()].sort()).toEqual([root, parent, sleeper].sort());
  });
});

describe('a process that may not be signalled', () => {
  const children = createChildren({ ...parts, path, home: folder, tmp: folder });

  /** The system refuses signals to this process and its group, as it does for another user's. */
  function forbid(pid: () => number) {
    vi.spyOn(process, 'kill').mockImplementation((to, name) => {
      if (Math.abs(to) === pid()) throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' });
      return kill(to, name);
    });
  }

  async function stopTree(code: string, forbidden: (printed: number) => number) {
    let printed = 0;
    forbid(() => forbidden(printed));
    const stop = new AbortController();
    let stopped: StoppedChild | null = null;
    const end = children.spawn(
      { argv: ['sh', '-c', code] },
      {
        marker: `left-${process.pid}-${Date.now()}/step/1`,
        signal: stop.signal,
        grace: 200,
        onStopped(found) {
          stopped = found;
        },
        onOutput(chunk) {
          printed = Number(chunk.toString());
          others.push(printed);
          // It is what it says it is only after exec.
          void expect
            .poll(() => readFileSync(`/proc/${printed}/comm`, 'latin1').trim())
            .toBe('sleep')
            .then(() => stop.abort());
        },
      },
    );
    return { ended: await end, stopped: stopped as StoppedChild | null, pid: printed };
  }

  it('is named, and does not hold the step although it keeps the output open', async () => {
    const { ended, stopped, pid } = await stopTree('setsid sleep 600 & echo $!; wait', printed => printed);
    expect(ended).toEqual({ exitCode: null, signal: 'SIGTERM' });
    expect(stopped?.left).toEqual([{ pid, name: 'sleep', because: 'it belongs to another user' }]);
    expect(isAlive(pid)).toBe(true);
  });

  it('is named, and does not hold the step although it is the program itself', async () => {
    const { ended, stopped, pid } = await stopTree('echo $$; exec sleep 600', printed => printed);
    expect(ended).toEqual({ exitCode: null, signal: null });
    expect(stopped?.left).toEqual([{ pid, name: 'sleep', because: 'it belongs to another user' }]);
  });

  it('is given to who reaps it', async () => {
    const marker = `left-${process.pid}-${Date.now()}/reap/1`;
    let pid = 0;
    await children.spawn(
      { argv: ['sh', '-c', 'setsid sleep 600 >/dev/null 2>&1 & echo $!'] },
      {
        marker,
        signal: new AbortController().signal,
        grace: 0,
        onOutput(chunk) {
          pid = Number(chunk.toString());
          others.push(pid);
        },
      },
    );
    await expect.poll(() => readFileSync(`/proc/${pid}/comm`, 'latin1').trim()).toBe('sleep');
    forbid(() => pid);
    const left: unknown[] = [];
    expect(await children.reap(marker, 0, found => left.push(...found))).toBe(1);
    expect(left).toEqual([{ pid, name: 'sleep', because: 'it belongs to another user' }]);
    vi.restoreAllMocks();
    expect(await children.reap(marker, 0, found => left.push(...found))).toBe(1);
    expect(left).toHaveLength(1);
    expect(isAlive(pid)).toBe(false);
  });
});

describe('outputs that stay open after all was killed', () => {
  it('are let go after three looks without data, not after five seconds', async () => {
    const clock = createClock();
    const outputs = { stdout: new Socket(), stderr: new Socket() };
    const sleeps: number[] = [];
    const drain = createDrain({ clock: counting(clock, sleeps), log: silentLog }, outputs, () => {});
    let over = false;
    const after = drain.afterKill().then(() => {
      over = true;
    });
    for (let looks = 0; looks < 3; looks++) {
      expect(over).toBe(false);
      await clock.advance(25);
    }
    await after;
    expect(sleeps.filter(ms => ms === 25)).toHaveLength(3);
    drain.letGo();
    for (const socket of Object.values(outputs)) socket.destroy();
  });
});

describe('the mark in the limits', () => {
  const limits = ({ soft, hard }: { soft: number; hard: number }) =>
    `Limit                     Soft Limit           Hard Limit           Units     \nMax realtime timeout      ${soft}     ${hard}     us        \n`;

  it('is the same for all attempts of a step, and tells them apart', () => {
    const [first, second] = [limitMarkOf('run/step/1'), limitMarkOf('run/step/2')];
    expect(first.soft).toBe(second.soft);
    expect(first.hard).not.toBe(second.hard);
    expect(limitMarkOf('run/other/1').soft).not.toBe(first.soft);
    expect(readLimitMark(limits(first))).toEqual(first);
    expect(limitTest('run/step/')(limits(second))).toBe(true);
    expect(limitTest('run/step/1')(limits(first))).toBe(true);
    expect(limitTest('run/step/1')(limits(second))).toBe(false);
    expect(limitTest('run/ste/')(limits(second))).toBe(false);
  });

  it('limits nothing: 35 years of work in real time, and the soft one is the lower', () => {
    for (let at = 0; at < 100; at++) {
      const { soft, hard } = limitMarkOf(`run/step-${at}/1`);
      expect(soft).toBeGreaterThanOrEqual(2 ** 50);
      expect(hard).toBeGreaterThan(soft);
      expect(Number.isSafeInteger(hard)).toBe(true);
    }
  });

  it.each([
    '',
    'Max realtime timeout      unlimited            unlimited            us\n',
    limits({ soft: 5, hard: 9 }),
  ])('is not in %j', text => expect(readLimitMark(text)).toBe(null));
});
