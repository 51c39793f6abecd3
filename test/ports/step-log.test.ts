import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readOutput } from '../../src/chat/console/log/file.ts';
import { sha256 } from '../../src/kernel/canonical.ts';
import { foldRun, newStep } from '../../src/model/fold.ts';
import type { Fact, NewEntry } from '../../src/model/journal.ts';
import { readLogs } from '../../src/ports/step-log.ts';
import type { Store } from '../../src/ports/store.ts';
import sqlite from '../../src/stores/sqlite/index.ts';
import { noon, sampleRun } from '../contracts/samples.ts';

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-log-'));
  store = await sqlite.open({ folder, url: null, now: () => noon });
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

/** A run with one step; chunks as [attempt, text], and the log that its end names, stored or not. */
async function put(chunks: [number, string][], log: string | null, stored = true): Promise<void> {
  const created: Fact = { kind: 'run.created', run: sampleRun({ steps: [newStep('a'), newStep('b')] }) };
  const finished: Fact = {
    kind: 'step.finished',
    run: 'run_1',
    step: 'a',
    attempt: chunks.at(-1)?.[0] ?? 1,
    state: 'done',
    output: null,
    exitCode: 0,
    because: null,
    ending: null,
    log: log === null ? null : sha256(log),
  };
  const facts = log === null ? [created] : [created, finished];
  const run = facts.reduce((doc: ReturnType<typeof sampleRun> | null, fact) => foldRun(doc, fact, noon), null);
  const entries: NewEntry[] = facts.map(fact => ({
    stream: 'run/run_1',
    actor: { kind: 'system', id: 'tocsin' },
    at: noon,
    fact,
  }));
  const rows = chunks.map(([attempt, text], index) => ({
    table: 'output' as const,
    doc: { run: 'run_1', step: 'a', attempt, seq: index + 1, text, at: noon },
  }));
  const blobs = log === null || !stored ? [] : [{ digest: sha256(log), bytes: log }];
  await store.commit({ entries, rows: [{ table: 'run', doc: run ?? sampleRun() }, ...rows], blobs });
}

async function logs() {
  const run = await store.run('run_1');
  const found = [];
  if (run !== null) for await (const log of readLogs(store, run, null)) found.push(log);
  return found;
}

describe('the full log of a step', () => {
  it.each([
    [
      'at work: its chunks',
      [
        [1, 'one\n'],
        [1, 'two\n'],
      ],
      null,
      'one\ntwo\n',
    ],
    [
      'finished: its chunks, where nothing is left out',
      [
        [1, 'one\n'],
        [1, 'two\n'],
      ],
      'one\ntwo\n',
      'one\ntwo\n',
    ],
    ['whose chunks are deleted: the stored log', [], 'one\ntwo\n', 'one\ntwo\n'],
    [
      'longer than the bound: the stored log, which has the tail',
      [
        [1, 'head\n'],
        [1, '[… 9 bytes not shown live …]\n'],
      ],
      'head\n[… 9 bytes cut …]\ntail\n',
      'head\n[… 9 bytes cut …]\ntail\n',
    ],
    [
      'tried twice: both attempts',
      [
        [1, 'no\n'],
        [2, 'yes…\n'],
      ],
      'yes\nwhole\n',
      'no\nyes\nwhole\n',
    ],
    [
      'that looked three times in one attempt: all looks',
      [
        [1, 'look\n'],
        [1, 'look\n'],
        [1, 'found\n'],
      ],
      'found\n',
      'look\nlook\nfound\n',
    ],
  ] as [string, [number, string][], string | null, string][])('%s', async (_name, chunks, log, text) => {
    await put(chunks, log);
    expect(await logs()).toEqual([{ step: 'a', text, gone: false }]);
    expect(await readOutput(store, 'run_1', null)).toBe(`== a ==\n${text}`);
    expect(await readOutput(store, 'run_1', 'a')).toBe(text);
    expect(await readOutput(store, 'run_1', 'b')).toBe('No output is stored.\n');
  });

  it('of which nothing is stored any more says so', async () => {
    await put([], 'one\n', false);
    expect(await logs()).toEqual([{ step: 'a', text: '', gone: true }]);
    expect(await readOutput(store, 'run_1', 'a')).toBe('This log is not stored any more.\n');
  });

  it('is refused when it is not what the journal names', async () => {
    await put([], 'one\n', false);
    await store.commit({ blobs: [{ digest: sha256('one\n'), bytes: 'forged\n' }] });
    await expect(logs()).rejects.toMatchObject({ code: 'journal-broken' });
  });
});
