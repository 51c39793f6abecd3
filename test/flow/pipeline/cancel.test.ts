import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../../doubles/app.ts';
import { isAlive } from '../../real/alive.ts';
import { auto } from '../files.ts';

const runbook = (steps: string) => `title: Fix it\nrisk: low\nsteps:\n${steps}`;
/** Starts a process in a session of its own, whose pid the step prints, and ends with `rest`. */
const daemon = (id: string, rest: string) =>
  `  - id: ${id}\n    script: |\n      setsid sleep 600 >/dev/null 2>&1 &\n      echo "pid=$!"\n      ${rest}\n`;

let test: TestApp;
const started: number[] = [];
afterEach(async () => {
  for (const pid of started.splice(0).filter(isAlive)) process.kill(pid, 'SIGKILL');
  await test.stop();
});

/** A process that waits for nobody to read its end is no more alive than one that is gone. */
async function lives(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => null);
  return stat !== null && !stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
}

async function begin(name: string): Promise<string> {
  const { body } = await test.call('POST', '/api/v1/runs', { body: { runbook: name, params: {}, reason: null } });
  return body.id;
}

const cancel = (run: string) => test.call('POST', `/api/v1/runs/${run}/cancel`, { as: 'BOB', body: {} });

/** The pid that a step printed. */
const pidOf = (run: string, step: string) =>
  test.until(async () => {
    const text = (await test.app.store.output({ run, step, after: 0, limit: 100 })).map(chunk => chunk.text).join('');
    const found = /pid=(\d+)/.exec(text)?.[1];
    if (found !== undefined) started.push(Number(found));
    return found === undefined ? null : Number(found);
  });

const isIn = (run: string, step: string, state: string) =>
  test.until(async () => (await test.app.store.run(run))?.steps.find(one => one.id === step)?.state === state);

describe('cancel', () => {
  it('ends what the step at work started, and spares a daemon that a finished step started on purpose', async () => {
    test = await startTestApp({
      'policy.yaml': auto,
      'runbooks/fix.yaml': runbook(daemon('serve', 'true') + daemon('work', 'sleep 600')),
    });
    const run = await begin('fix');
    const serving = await pidOf(run, 'serve');
    const working = await pidOf(run, 'work');
    await cancel(run);
    expect(await test.ended(run)).toMatchObject({
      state: 'cancelled',
      steps: [
        { id: 'serve', state: 'done' },
        { id: 'work', state: 'failed', because: 'cancelled' },
      ],
    });
    expect([await lives(serving), await lives(working)]).toEqual([true, false]);
  });

  it('leaves no step waiting, and spares a daemon, when nobody was at work', async () => {
    test = await startTestApp({
      'policy.yaml': auto,
      'runbooks/fix.yaml': runbook(
        `${daemon('serve', 'true')}  - id: pause\n    wait: 10m\n  - id: last\n    exec: [echo]\n`,
      ),
    });
    const run = await begin('fix');
    const serving = await pidOf(run, 'serve');
    await isIn(run, 'pause', 'waiting');
    await cancel(run);
    expect(await test.ended(run)).toMatchObject({
      state: 'cancelled',
      wakeAt: null,
      steps: [
        { id: 'serve', state: 'done' },
        { id: 'pause', state: 'failed', because: 'the run ended cancelled while it waited', waiting: null },
        { id: 'last', state: 'pending' },
      ],
    });
    expect(await lives(serving)).toBe(true);
  });

  it('ends what it called as well', async () => {
    test = await startTestApp({
      'policy.yaml': auto,
      'runbooks/fix.yaml': runbook('  - id: call\n    runbook: helper\n'),
      'runbooks/helper.yaml': runbook(daemon('work', 'sleep 600')),
    });
    const run = await begin('fix');
    const called = await test.until(async () => (await test.runs()).find(one => one.parent?.run === run));
    const working = await pidOf(called.id, 'work');
    await isIn(run, 'call', 'waiting');
    await cancel(run);
    expect(await test.ended(run)).toMatchObject({ state: 'cancelled' });
    expect(await test.ended(called.id)).toMatchObject({
      state: 'cancelled',
      because: `${run}, which called it, was cancelled`,
    });
    expect(await lives(working)).toBe(false);
  });
});
