import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createJournalWatch } from '../../../src/flow/journal/audit-watch.ts';
import type { Entry } from '../../../src/model/journal.ts';
import sqlite from '../../../src/stores/sqlite/index.ts';
import { basicConfig } from '../../doubles/app.ts';

/*
 * Kills the real process at every journal append, before and after it is durable, starts it again, and compares what happened with a
 * ledger that the steps write outside the database.
 */

const runbook = (ledger: string) => `
title: Four effects
risk: low
on:
  - source: alertmanager
    match: { alertname: Crash }
params:
  ledger: { type: string, default: "${ledger}" }
steps:
  - id: one
    script: echo one >> "$PARAM_LEDGER"
    idempotent: true
  - id: two
    script: echo two >> "$PARAM_LEDGER"
  - id: gate
    approve: { ask: "Go on?", by: sre }
  - id: three
    script: echo three >> "$PARAM_LEDGER"
  - id: four
    script: echo four >> "$PARAM_LEDGER"
    idempotent: true
`;
const policy = 'rules:\n  - name: ask\n    decide: approve\n    by: sre\n    quorum: 2\n    expires: 30m\n';

const folders: string[] = [];
afterAll(() => Promise.all(folders.map(folder => rm(folder, { recursive: true, force: true, maxRetries: 5 }))));

async function prepare(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-crash-'));
  folders.push(folder);
  await mkdir(join(folder, 'runbooks'));
  await writeFile(join(folder, 'tocsin.yaml'), basicConfig);
  await writeFile(join(folder, 'policy.yaml'), policy);
  await writeFile(join(folder, 'runbooks', 'effects.yaml'), runbook(join(folder, 'ledger')));
  return folder;
}

interface Report {
  state: string;
  steps: { id: string; state: string; attempts: number }[];
  asked: string[];
}

function start(
  folder: string,
  mode: string,
  at: number,
): Promise<{ signal: NodeJS.Signals | null; report: Report | null; errors: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['test/doubles/crash-process.ts', folder, mode, String(at)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    let errors = '';
    child.stdout.on('data', chunk => {
      text += chunk;
    });
    child.stderr.on('data', chunk => {
      errors += chunk;
    });
    child.on('error', reject);
    child.on('close', (_code, signal) =>
      resolve({ signal, report: text.trim() === '' ? null : JSON.parse(text), errors }),
    );
  });
}

async function inspect(folder: string): Promise<{ effects: Map<string, number>; entries: Entry[]; intact: boolean }> {
  const lines = (await readFile(join(folder, 'ledger'), 'utf8').catch(() => ''))
    .split('\n')
    .filter(line => line !== '');
  const effects = new Map<string, number>();
  for (const line of lines) effects.set(line, (effects.get(line) ?? 0) + 1);
  const store = await sqlite.open({ folder: join(folder, 'data'), url: null, now: () => Date.now() });
  try {
    return {
      effects,
      entries: await store.journal({ after: 0, limit: 1000 }),
      intact: (await createJournalWatch(store).state()).ok,
    };
  } finally {
    await store.close();
  }
}

/** What must hold whenever the process was killed. */
async function checkAftermath(folder: string, report: Report): Promise<void> {
  const { effects, entries, intact } = await inspect(folder);
  expect(intact).toBe(true);
  expect(report.state).toBe('succeeded');
  const count = (step: string) => effects.get(step) ?? 0;
  for (const step of report.steps) {
    const idempotent = step.id === 'one' || step.id === 'four';
    if (step.id === 'gate') continue;
    if (!idempotent) expect(count(step.id), `${step.id} is not idempotent`).toBeLessThanOrEqual(1);
    if (step.state === 'done') expect(count(step.id), `${step.id} is done`).toBeGreaterThanOrEqual(1);
    const started = entries.filter(entry => entry.fact.kind === 'step.started' && entry.fact.step === step.id).length;
    expect(count(step.id), `${step.id} had no effect that no journalled start explains`).toBeLessThanOrEqual(started);
    const over = entries.filter(
      ({ fact }) => (fact.kind === 'step.finished' || fact.kind === 'step.answered') && fact.step === step.id,
    );
    expect(over, `${step.id} is finished, or answered for, once`).toHaveLength(1);
  }
  expect(entries.filter(entry => entry.fact.kind === 'run.created')).toHaveLength(1);
  const votes = entries.flatMap(entry =>
    entry.fact.kind === 'approval.voted' ? [`${entry.fact.approval} ${entry.fact.vote.person}`] : [],
  );
  expect(new Set(votes).size).toBe(votes.length);
}

describe('kill -9 at every journal append', () => {
  it('never repeats a finished step, never repeats one that is not idempotent, and goes on after a restart', {
    timeout: 900_000,
  }, async () => {
    const calm = await prepare();
    const undisturbed = await start(calm, 'never', 0);
    expect(undisturbed.report, undisturbed.errors).toMatchObject({ state: 'succeeded', asked: [] });
    const appends = new Set((await inspect(calm)).entries.map(entry => `${entry.at} ${entry.stream}`)).size + 4;

    const asked: string[] = [];
    let killed = 0;
    const points = Array.from({ length: appends }, (_, index) => index + 1).flatMap(at => [
      { mode: 'before', at },
      { mode: 'after', at },
    ]);
    const work = async () => {
      for (let point = points.shift(); point !== undefined; point = points.shift()) {
        const folder = await prepare();
        const first = await start(folder, point.mode, point.at);
        if (first.signal === 'SIGKILL') killed++;
        const last = first.signal === 'SIGKILL' ? await start(folder, 'never', 0) : first;
        expect(last.report, `${point.mode} ${point.at}: ${last.errors}`).not.toBeNull();
        if (last.report === null) continue;
        asked.push(...last.report.asked);
        await checkAftermath(folder, last.report);
      }
    };
    await Promise.all([work(), work()]);
    expect(killed).toBeGreaterThan(25);
    // The points after a start and before its result were hit: people were asked about both steps that are not idempotent.
    expect(new Set(asked)).toEqual(new Set(['two', 'three']));
  });
});
