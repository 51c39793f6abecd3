import type { DatabaseSync } from 'node:sqlite';
import { sql } from 'kysely';
import type { Store } from '../../ports/store.ts';
import { anyTarget, targetColumn } from '../sql/columns.ts';
import { readDoc } from '../sql/docs.ts';
import { toColumn } from '../sql/text.ts';
import { prepare, prepareFiltered, tables } from './query.ts';

export function limitOf(limit: number | undefined): number {
  return Math.min(Math.max(Math.floor(limit ?? 100), 0), 1000);
}

export function optional(text: string | undefined): string | undefined {
  return text === undefined ? undefined : toColumn(text);
}

export function createAlertReads(db: DatabaseSync): Pick<Store, 'alert' | 'alertOf' | 'alerts'> {
  const byId = prepare<{ id: string }>(db)(v => tables.selectFrom('alert').select('doc').where('id', '=', v.id));
  const byIdentity = prepare<{ source: string; fingerprint: string }>(db)(v =>
    tables.selectFrom('alert').select('doc').where('source', '=', v.source).where('fingerprint', '=', v.fingerprint),
  );
  const list = prepareFiltered<{ state: string; after: string; limit: number }>(db)((v, has) => {
    let query = tables.selectFrom('alert').select('doc').orderBy('first_seen', 'desc').orderBy('id', 'desc');
    if (has('state')) query = query.where('state', '=', v.state);
    if (has('after')) {
      const last = tables.selectFrom('alert').select(['first_seen', 'id']).where('id', '=', v.after);
      query = query.where(e => e(e.refTuple('first_seen', 'id'), '<', last.$asTuple('first_seen', 'id')));
    }
    return query.limit(v.limit);
  });
  const parse = (row: { doc: string }) => readDoc('alert', row);
  return {
    async alert(id) {
      const row = byId.first({ id: toColumn(id) });
      return row === undefined ? null : parse(row);
    },
    async alertOf(source, fingerprint) {
      const row = byIdentity.first({ source: toColumn(source), fingerprint: toColumn(fingerprint) });
      return row === undefined ? null : parse(row);
    },
    async alerts(query) {
      const values = { state: query.state, after: optional(query.after), limit: limitOf(query.limit) };
      return list(values).map(parse);
    },
  };
}

export function createRunReads(db: DatabaseSync): Pick<Store, 'run' | 'runs' | 'autoRuns'> {
  const byId = prepare<{ id: string }>(db)(v => tables.selectFrom('run').select('doc').where('id', '=', v.id));
  const list = prepareRunList(db);
  const auto = prepare<{ runbook: string; target: string; since: number }>(db)(v =>
    tables
      .selectFrom('auto_run')
      .select('at')
      .where('runbook', '=', v.runbook)
      .where('target', '=', v.target)
      .where('at', '>=', v.since)
      .orderBy('at'),
  );
  const parse = (row: { doc: string }) => readDoc('run', row);
  return {
    async run(id) {
      const row = byId.first({ id: toColumn(id) });
      return row === undefined ? null : parse(row);
    },
    async runs(query) {
      const values = {
        states: query.states === undefined ? undefined : JSON.stringify(query.states),
        runbook: optional(query.runbook),
        alert: optional(query.alert),
        parent: optional(query.parent),
        due: query.due,
        after: optional(query.after),
        limit: limitOf(query.limit),
      };
      return list(values).map(parse);
    },
    async autoRuns({ runbook, target, since }) {
      const column = target === undefined ? anyTarget : targetColumn(target);
      return auto.all({ runbook: toColumn(runbook), target: column, since }).map(row => row.at);
    },
  };
}

interface RunFilter extends Record<string, string | number> {
  states: string;
  runbook: string;
  alert: string;
  parent: string;
  due: number;
  after: string;
  limit: number;
}

function prepareRunList(db: DatabaseSync) {
  return prepareFiltered<RunFilter>(db)((v, has) => {
    const order = has('due') ? 'asc' : 'desc';
    let query = tables.selectFrom('run').select('doc').orderBy('created_at', order).orderBy('id', order);
    if (has('states')) query = query.where('state', 'in', wordsOf(v.states));
    if (has('runbook')) query = query.where('runbook', '=', v.runbook);
    if (has('alert')) query = query.where('alert', '=', v.alert);
    if (has('parent')) query = query.where('parent', '=', v.parent);
    if (has('due')) query = query.where(e => e.or([e('state', '=', 'queued'), e('wake_at', '<=', v.due)]));
    if (has('after')) {
      const last = tables.selectFrom('run').select(['created_at', 'id']).where('id', '=', v.after);
      const beyond = has('due') ? '>' : '<';
      query = query.where(e => e(e.refTuple('created_at', 'id'), beyond, last.$asTuple('created_at', 'id')));
    }
    return query.limit(v.limit);
  });
}

/** The words of a JSON array, so that one statement serves lists of any length. */
function wordsOf(list: string) {
  return sql<string>`(select value from json_each(${list}))`;
}

export function createApprovalReads(db: DatabaseSync): Pick<Store, 'approval' | 'approvals'> {
  const byId = prepare<{ id: string }>(db)(v => tables.selectFrom('approval').select('doc').where('id', '=', v.id));
  const list = prepareFiltered<{ state: string; run: string; expiredBy: number; after: string; limit: number }>(db)(
    (v, has) => {
      const [column, order] = has('expiredBy') ? (['expires_at', 'asc'] as const) : (['created_at', 'desc'] as const);
      let query = tables.selectFrom('approval').select('doc').orderBy(column, order).orderBy('id', order);
      if (has('state')) query = query.where('state', '=', v.state);
      if (has('run')) query = query.where('run', '=', v.run);
      if (has('expiredBy')) query = query.where('state', '=', 'open').where('expires_at', '<=', v.expiredBy);
      if (has('after')) {
        const last = tables.selectFrom('approval').select([column, 'id']).where('id', '=', v.after);
        const beyond = has('expiredBy') ? '>' : '<';
        query = query.where(e => e(e.refTuple(column, 'id'), beyond, last.$asTuple(column, 'id')));
      }
      return query.limit(v.limit);
    },
  );
  const parse = (row: { doc: string }) => readDoc('approval', row);
  return {
    async approval(id) {
      const row = byId.first({ id: toColumn(id) });
      return row === undefined ? null : parse(row);
    },
    async approvals(query) {
      const values = {
        state: query.state,
        run: optional(query.run),
        expiredBy: query.expiredBy,
        after: optional(query.after),
        limit: limitOf(query.limit),
      };
      return list(values).map(parse);
    },
  };
}
