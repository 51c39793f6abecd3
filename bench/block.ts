import { spawn as nodeSpawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { createChildren } from '../src/kernel/child/child.ts';
import { systemClock } from '../src/kernel/clock.ts';
import { silentLog } from '../src/kernel/log.ts';
import { below, type Line, middle } from './report.ts';

/** With 300 MB in memory: how long one start of a program holds the loop, by a helper and by Node's own spawn. */
export async function measureBlock(): Promise<Line[]> {
  const heap = Array.from({ length: 1_000_000 }, (_, index) => ({ index, text: `text ${index}` }));
  const buffer = Buffer.alloc(100e6, 1);
  const children = createChildren({
    clock: systemClock,
    log: silentLog,
    path: process.env['PATH'] ?? '/usr/bin:/bin',
    home: '/',
  });
  const io = { marker: 'bench/block/1', signal: new AbortController().signal, grace: 100, onOutput() {} };
  const times: number[] = [];
  const direct: number[] = [];
  for (let index = 0; index < 100; index++) {
    times.push(await blockOf(() => children.spawn({ argv: ['true'] }, io)));
    direct.push(
      await blockOf(() => new Promise(resolve => nodeSpawn('true', [], { stdio: 'ignore' }).once('exit', resolve))),
    );
  }
  children.close();
  const [helped, plain] = [middle(times), middle(direct)];
  const memory = process.memoryUsage().rss / 1e6;
  console.log(
    `      with ${memory.toFixed(0)} MB in memory (${heap.length + buffer.length > 0 ? 'held' : ''}): Node’s own spawn blocks ${plain.toFixed(2)} ms`,
  );
  return [below('longest block of the loop by the start of a program (median)', helped, 1, 'ms')];
}

/** The longest time in which the loop did not turn while the work went on. */
async function blockOf(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  let going = true;
  const turn = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (going) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  going = false;
  return longest;
}
