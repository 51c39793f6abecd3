/**
 * `npm run bench -- changes`: how long it takes to judge a change against 10,000 permits, beside one against 10, in one run over SQLite: permits of
 * other principals, and of the same one, nearly all of them over. Of 10,000 that are open at once for one principal each may fit, so all are
 * read; that is for information. Only reading and judging is measured: what is committed is the same. Exits with 1 when a target is missed;
 * --quick is short.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { judgeChange } from '../src/flow/changes/judge.ts';
import type { ChangeRules } from '../src/flow/changes/rules.ts';
import { system } from '../src/model/actor.ts';
import { streamOf } from '../src/model/journal.ts';
import type { Held } from '../src/model/ledger/held.ts';
import { ledgerKeys } from '../src/model/ledger/ledger-file.ts';
import type { Permit } from '../src/model/ledger/permit.ts';
import type { Store } from '../src/ports/store.ts';
import sqlite from '../src/stores/sqlite/index.ts';
import { below, middle, printLines } from './report.ts';

const quick = process.argv.includes('--quick');
const many = 10_000;
const rounds = quick ? 5 : 15;
const perRound = quick ? 10 : 40;
const now = Date.UTC(2026, 10, 30);
const minute = 60_000;
const rules: ChangeRules = { ...z.object(ledgerKeys).parse({}), principals: new Map(), guards: [] };
const roleOf = (name: string) => `arn:aws:iam::111122223333:role/${name}`;

/** Nearly all are over: ten are open, as in the small one. */
const cases = {
  few: { count: 10, of: () => 'deployer', isOpen: () => true },
  others: { count: many, of: (index: number) => `other-${index}`, isOpen: () => true },
  over: { count: many, of: () => 'deployer', isOpen: (index: number) => index < 10 },
  open: { count: many, of: () => 'deployer', isOpen: () => true },
};
const folder = await mkdtemp(join(tmpdir(), 'tocsin-changes-'));
try {
  const stores = new Map<string, Store>();
  for (const [name, { count, of, isOpen }] of Object.entries(cases)) {
    const store = await sqlite.open({ folder: join(folder, name), url: null, now: () => now });
    stores.set(name, store);
    for (let from = 0; from < count; from += 500) {
      const some = Array.from({ length: Math.min(500, count - from) }, (_, index) => from + index);
      await put(
        store,
        some.map(index => permitOf(index, roleOf(of(index)), isOpen(index))),
      );
    }
  }
  const times = new Map(Object.keys(cases).map(name => [name, [] as number[]]));
  // The first round warms up; in each all take turns.
  for (let round = -1; round < rounds; round++)
    for (const [name, store] of stores) {
      const took = await judgeSome(store, name === 'open' ? 1 : perRound);
      if (round >= 0) times.get(name)?.push(took);
    }
  for (const store of stores.values()) await store.close();
  const took = (name: keyof typeof cases) => middle(times.get(name) ?? []);
  const lines = [
    below('a change against 10 permits', took('few'), null, 'ms'),
    below('against 10,000 of others, times that against 10', took('others') / took('few'), 3, ''),
    below('against 10,000 of its principal that are over, times', took('over') / took('few'), 3, ''),
    below('against 10,000 of its principal that are all open', took('open'), null, 'ms'),
  ];
  printLines(lines);
  process.exitCode = lines.every(({ reached }) => reached) ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Milliseconds for each change, which nothing permits: so all that is near is looked at. */
async function judgeSome(store: Store, count: number): Promise<number> {
  const began = performance.now();
  for (let index = 0; index < count; index++) {
    const verdict = await judgeChange(heldOf(index), rules, store);
    if (verdict.state !== 'unpermitted') throw new Error(`it is ${verdict.state}: ${verdict.because}`);
  }
  return (performance.now() - began) / count;
}

async function put(store: Store, permits: readonly Permit[]): Promise<void> {
  const entries = permits.map(permit => ({
    stream: streamOf.permit(permit.id),
    actor: system,
    at: now,
    fact: { kind: 'permit.issued' as const, permit },
  }));
  await store.commit({ entries, rows: permits.map(doc => ({ table: 'document', kind: 'permit', doc })) });
}

function permitOf(index: number, principal: string, isOpen: boolean): Permit {
  const from = now - (index + 60) * minute;
  return {
    ...{ id: `pmt_${index}`, origin: 'import', of: `CHG-${index}`, principal, nonce: '', key: '' },
    ...{
      actions: ['PutObject'],
      resources: [`bucket-${index}`],
      account: '111122223333',
      region: null,
      environment: null,
    },
    ...{ from, until: isOpen ? now + minute * (index + 60) : from + 30 * minute, state: 'open' },
    ...{ because: `CHG-${index} was approved`, createdAt: from, version: 1 },
  };
}

function heldOf(index: number): Held {
  return {
    ...{ id: `hld_${index}`, event: `evt_${index}`, source: 'trail', title: 'a change', changeKey: `key-${index}` },
    ...{ principal: roleOf('deployer'), actor: roleOf('deployer'), action: 'DeleteBucket', resource: 'bucket-x' },
    ...{ account: '111122223333', region: 'eu-west-1', environment: null, nonce: '', address: null, keys: [] },
    ...{ unpinned: [], bypassed: null },
    ...{ outcome: 'success', was: null, became: null, trusted: true, state: 'open', because: '', asks: false },
    ...{ permit: null, alert: null, claim: null, occurredAt: now, ahead: false, dueAt: now, judgedAt: null },
    ...{ endedAt: null, version: 1 },
  };
}
