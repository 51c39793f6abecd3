import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { createJournalWatch } from '../../../src/flow/journal/audit-watch.ts';
import type { Entry } from '../../../src/model/journal.ts';
import sqlite from '../../../src/stores/sqlite/index.ts';
import { basicConfig } from '../../doubles/app.ts';

/* Kills the real process at every journal append while gates are asked, voted on and settled, and starts it again on the same data. */

const folders: string[] = [];
afterAll(() => Promise.all(folders.map(folder => rm(folder, { recursive: true, force: true, maxRetries: 5 }))));

async function prepare(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-gate-crash-'));
  folders.push(folder);
  await writeFile(join(folder, 'tocsin.yaml'), basicConfig);
  await writeFile(join(folder, 'gates.yaml'), 'gates: { deploy: { ask: [ci], needs: [environment] } }\n');
  await writeFile(
    join(folder, 'policy.yaml'),
    `rules:
  - { name: staging, when: 'gate.subject.environment == "staging"', decide: auto }
  - { name: ask, decide: approve, by: sre, expires: 30m }
`,
  );
  return folder;
}

interface Ended {
  signal: NodeJS.Signals | null;
  /** What callers were told, in order. */
  said: { of: string; gate: string; verdict: string }[];
  errors: string;
}

function start(folder: string, mode: string, at: number): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const words = ['test/doubles/crash-process.ts', folder, mode, String(at), 'gate'];
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    let errors = '';
    child.stdout.on('data', chunk => {
      text += chunk;
    });
    child.stderr.on('data', chunk => {
      errors += chunk;
    });
    child.on('error', reject);
    child.on('close', (_code, signal) => {
      const said = [...text.matchAll(/^(\w+) (gat_\w+) (\w+)$/gm)];
      resolve({
        signal,
        said: said.map(([, of = '', gate = '', verdict = '']) => ({ of, gate, verdict })),
        errors,
      });
    });
  });
}

async function inspect(folder: string) {
  const store = await sqlite.open({ folder: join(folder, 'data'), url: null, now: () => Date.now() });
  try {
    const entries = await store.journal({ after: 0, limit: 1000 });
    return {
      entries,
      intact: (await createJournalWatch(store).state()).ok,
      gates: await store.documents('gate', {}),
      permits: await store.documents('permit', {}),
      open: await store.approvals({ state: 'open' }),
    };
  } finally {
    await store.close();
  }
}

/** Every allow that a caller heard of is committed as a decision, with a permit. */
function checkSaid(said: Ended['said'], entries: readonly Entry[]): void {
  for (const { gate } of said.filter(one => one.verdict === 'allow')) {
    const decided = entries.some(
      ({ fact }) =>
        (fact.kind === 'gate.asked' && fact.gate.id === gate && fact.gate.state === 'allowed') ||
        (fact.kind === 'gate.closed' && fact.gate === gate && fact.state === 'allowed'),
    );
    expect(decided, `${gate} was allowed by a decision that is stored`).toBe(true);
    expect(entries.filter(({ fact }) => fact.kind === 'permit.issued' && fact.permit.of === gate)).toHaveLength(1);
  }
}

it('kill -9 at every append: no allow without a stored decision, and after a restart each gate settles with one permit', {
  timeout: 900_000,
}, async () => {
  const calm = await prepare();
  const undisturbed = await start(calm, 'never', 0);
  expect(
    undisturbed.said.map(one => [one.of, one.verdict]),
    undisturbed.errors,
  ).toEqual([
    ['asked', 'allow'],
    ['asked', 'pending'],
    ['settled', 'allow'],
  ]);
  const { entries } = await inspect(calm);
  const kinds = entries.map(entry => entry.fact.kind);
  expect(kinds).toEqual(expect.arrayContaining(['gate.asked', 'approval.voted', 'gate.closed', 'permit.issued']));
  // No more appends than entries: those of one commit are one.
  const points = Array.from({ length: entries.length }, (_, index) => index + 1).flatMap(at => [
    { mode: 'before', at },
    { mode: 'after', at },
  ]);
  let killed = 0;
  const work = async () => {
    for (let point = points.shift(); point !== undefined; point = points.shift()) {
      const folder = await prepare();
      const first = await start(folder, point.mode, point.at);
      if (first.signal !== 'SIGKILL') {
        // It came to its end before so many appends, and so does what is killed later.
        points.length = 0;
        continue;
      }
      killed++;
      checkSaid(first.said, (await inspect(folder)).entries);
      const last = await start(folder, 'never', 0);
      const moment = `${point.mode} ${point.at}: ${last.errors}`;
      expect(last.said.at(-1), moment).toMatchObject({ verdict: 'allow' });
      const after = await inspect(folder);
      checkSaid(last.said, after.entries);
      expect(after.intact).toBe(true);
      expect(after.open, moment).toEqual([]);
      expect(
        after.gates.map(gate => gate.state),
        moment,
      ).toEqual(['allowed', 'allowed']);
      expect(new Set(after.permits.map(permit => permit.of))).toEqual(new Set(after.gates.map(gate => gate.id)));
      expect(
        after.permits.map(permit => permit.state),
        moment,
      ).toEqual(['open', 'open']);
    }
  };
  await Promise.all([work(), work()]);
  expect(killed).toBeGreaterThanOrEqual(8);
});
