import type { Store } from '../../ports/store.ts';
import { anyTarget, targetColumn } from './columns.ts';
import { readDoc } from './docs.ts';
import type { Sql } from './query.ts';
import { toColumn } from './text.ts';

export function limitOf(limit: number | undefined): number {
  return Math.min(Math.max(Math.floor(limit ?? 100), 0), 1000);
}

export function optional(text: string | undefined): string | undefined {
  return text === undefined ? undefined : toColumn(text);
}

export function createAlertReads(sql: Sql): Pick<Store, 'alert' | 'alertOf' | 'alerts' | 'look'> {
  const { tables } = sql;
  const byId = sql.read<{ id: string }>()(v => tables.selectFrom('alert').select('doc').where('id', '=', v.id));
  const look = sql.read<{ alert: string }>()(v => tables.selectFrom('look').select('doc').where('alert', '=', v.alert));
  const byIdentity = sql.read<{ source: string; fingerprint: string }>()(v =>
    tables.selectFrom('alert').select('doc').where('source', '=', v.source).where('fingerprint', '=', v.fingerprint),
  );
  const list = sql.readFiltered<{ state: string; after: string; limit: number }>()((v, has) => {
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
      const row = await byId.first({ id: toColumn(id) });
      return row === undefined ? null : parse(row);
    },
    async alertOf(source, fingerprint) {
      const row = await byIdentity.first({ source: toColumn(source), fingerprint: toColumn(fingerprint) });
      return row === undefined ? null : parse(row);
    },
    async look(id) {
      const row = await look.first({ alert: toColumn(id) });
      return row === undefined ? null : readDoc('look', row);
    },
    async alerts(query) {
      const values = { state: query.state, after: optional(query.after), limit: limitOf(query.limit) };
      return (await list(values)).map(parse);
    },
  };
}

export function createRunReads(sql: Sql): Pick<Store, 'run' | 'runs' | 'autoRuns'> {
  const { tables } = sql;
  const byId = sql.read<{ id: string }>()(v => tables.selectFrom('run').select('doc').where('id', '=', v.id));
  const list = prepareRunList(sql);
  const auto = sql.read<{ runbook: string; target: string; since: number }>()(v =>
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
      const row = await byId.first({ id: toColumn(id) });
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
      return (await list(values)).map(parse);
    },
    async autoRuns({ runbook, target, since }) {
      const column = target === undefined ? anyTarget : targetColumn(target);
      return (await auto.all({ runbook: toColumn(runbook), target: column, since })).map(row => row.at);
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

function prepareRunList(sql: Sql) {
  const { tables } = sql;
  return sql.readFiltered<RunFilter>()((v, has) => {
    const order = has('due') ? 'asc' : 'desc';
    let query = tables.selectFrom('run').select('doc').orderBy('created_at', order).orderBy('id', order);
    if (has('states')) query = query.where('state', 'in', sql.words(v.states));
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

export function createApprovalReads(sql: Sql): Pick<Store, 'approval' | 'approvals'> {
  const { tables } = sql;
  const byId = sql.read<{ id: string }>()(v => tables.selectFrom('approval').select('doc').where('id', '=', v.id));
  const list = sql.readFiltered<{ state: string; run: string; expiredBy: number; after: string; limit: number }>()(
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
      const row = await byId.first({ id: toColumn(id) });
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
      return (await list(values)).map(parse);
    },
  };
}
