import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { Store } from '../../src/ports/store.ts';
import { createSql } from '../../src/stores/sql/query.ts';
import { createRunReads } from '../../src/stores/sql/reads.ts';
import { migrate } from '../../src/stores/sqlite/migrations.ts';
import { tables } from '../../src/stores/sqlite/query.ts';

/** How SQLite finds what a statement asks for (sqlite.org/eqp.html), one step a line. */
const planOf = (db: DatabaseSync, text: string) =>
  db
    .prepare(`explain query plan ${text}`)
    .all()
    .map(row => String(row['detail']));

function open(): DatabaseSync {
  const db = new DatabaseSync(':memory:');
  migrate(db, 0);
  return db;
}

test.each<[Parameters<Store['runs']>[0], string]>([
  [{}, 'run_newest'],
  [{ states: ['succeeded'] }, 'run_state'],
  [{ states: ['succeeded', 'failed', 'expired'], limit: 10 }, 'run_state'],
  [{ states: ['succeeded', 'failed'], after: 'run_1' }, 'run_state'],
  [{ states: ['queued', 'waiting'], due: 5 }, 'run_state'],
  [{ runbook: 'r' }, 'run_runbook'],
  [{ runbook: 'r', states: ['failed'] }, 'run_runbook_state'],
  [{ runbook: 'r', states: ['failed', 'ineffective'], limit: 100 }, 'run_runbook_state'],
  [{ alert: 'a', states: ['waiting', 'running'] }, 'run_alert'],
  [{ parent: 'p', states: ['waiting', 'running'] }, 'run_parent'],
])('runs of %j are found by %s, and never all of them are read or sorted', async (query, index) => {
  const db = open();
  const plans: string[][] = [];
  const ready = (text: string) => {
    plans.push(planOf(db, text));
    const statement = db.prepare(text);
    return {
      all: (values: readonly unknown[]) => statement.all(...(values as SQLInputValue[])),
      first: (values: readonly unknown[]) => statement.get(...(values as SQLInputValue[])),
    };
  };
  const words = (list: string) => sql<string>`(select value from json_each(${list}))`;
  const reads = createRunReads(
    createSql({ tables, words, ready, holds: () => sql`null`, between: () => sql`null`, once: () => [] }),
  );
  plans.length = 0;
  expect(await reads.runs(query)).toEqual([]);
  const [plan = []] = plans;
  const onRuns = plan.filter(step => /^(SCAN|SEARCH) run\b/.test(step) && !step.includes('sqlite_autoindex'));
  expect(onRuns.length).toBeGreaterThan(0);
  for (const step of onRuns) expect(step).toContain(`USING INDEX ${index}${index === 'run_newest' ? '' : ' ('}`);
  // What is sorted is one page of each state.
  const sorts = plan.filter((step, at) => step.includes('TEMP B-TREE') && plan[at - 1] !== 'SCAN part');
  expect(sorts).toEqual(index === 'run_parent' ? [expect.anything()] : []);
  db.close();
});

test('the leases that an earlier process left held are found among those of all runs', () => {
  const db = open();
  expect(planOf(db, 'update lease set holder = null where holder is not null')).toEqual([
    'SCAN lease USING INDEX lease_held',
  ]);
  db.close();
});
