import { setImmediate as nextTurn } from 'node:timers/promises';
import { sql as sqlText } from 'kysely';
import type { Alert } from '../../model/alert.ts';
import { streamOf } from '../../model/journal.ts';
import { type RunState, runState } from '../../model/run.ts';
import type { Store } from '../../ports/store.ts';
import type { Bases } from './bases.ts';
import { anyTarget, targetColumn } from './columns.ts';
import { readDoc, readDocument } from './docs.ts';
import { joinedEntry, type LikeRow, readLike } from './packed.ts';
import type { Sql } from './query.ts';
import { fromColumn, toColumn } from './text.ts';

export function limitOf(limit: number | undefined): number {
  return Math.min(Math.max(Math.floor(limit ?? 100), 0), 1000);
}

export function optional(text: string | undefined): string | undefined {
  return text === undefined ? undefined : toColumn(text);
}

/** How many rows of a list are unpacked and parsed at one go: a few milliseconds. */
const atOnce = 128;

/** Parses the rows of a list; other work goes on between the parts of a long one. */
export async function parseAll<R, T>(rows: readonly R[], parse: (row: R) => T): Promise<T[]> {
  const parsed: T[] = [];
  for (const row of rows) {
    if (parsed.length > 0 && parsed.length % atOnce === 0) await nextTurn();
    parsed.push(parse(row));
  }
  return parsed;
}

/** Alerts with the entries that their documents repeat. */
export function selectAlerts({ tables }: Sql) {
  return tables
    .selectFrom('alert')
    .leftJoin('journal as entry', 'entry.seq', 'alert.base')
    .select(['id', 'doc as text', 'alert.codec', 'alert.size', 'alert.packed', 'base', ...joinedEntry]);
}

export function parseAlert(row: LikeRow & { id: string }, bases: Bases): Alert {
  const id = fromColumn(row.id);
  return readDoc('alert', { doc: readLike(row, bases, `table alert: ${id}`, streamOf.alert(id)) });
}

export function createAlertReads(sql: Sql, bases: Bases): Pick<Store, 'alert' | 'alertOf' | 'alerts' | 'look'> {
  const { tables } = sql;
  const alerts = selectAlerts(sql);
  const byId = sql.read<{ id: string }>()(v => alerts.where('id', '=', v.id));
  const look = sql.read<{ alert: string }>()(v => tables.selectFrom('look').select('doc').where('alert', '=', v.alert));
  const byIdentity = sql.read<{ source: string; fingerprint: string }>()(v =>
    alerts.where('source', '=', v.source).where('fingerprint', '=', v.fingerprint),
  );
  const list = sql.readFiltered<{ state: string; after: string; limit: number }>()((v, has) => {
    let query = alerts.orderBy('first_seen', 'desc').orderBy('id', 'desc');
    if (has('state')) query = query.where('state', '=', v.state);
    if (has('after')) {
      const last = tables.selectFrom('alert').select(['first_seen', 'id']).where('id', '=', v.after);
      query = query.where(e => e(e.refTuple('first_seen', 'id'), '<', last.$asTuple('first_seen', 'id')));
    }
    return query.limit(v.limit);
  });
  const parse = (row: LikeRow & { id: string }) => parseAlert(row, bases);
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
      return await parseAll(await list(values), parse);
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
      if (query.states?.length === 0) return [];
      const few = query.alert !== undefined || query.parent !== undefined;
      const values = {
        ...statesOf(query.states, few),
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
  /** The states as a JSON array, where few runs are left by the other filters. */
  states: string;
  runbook: string;
  alert: string;
  parent: string;
  due: number;
  after: string;
  limit: number;
}

/** A value of its own for each state, so that each can be looked up by an index. */
const stateKeys = runState.options.map((_, index) => `state${index}`);

function statesOf(states: readonly RunState[] | undefined, few: boolean): { states: string | undefined } {
  if (states === undefined) return { states: undefined };
  if (few) return { states: JSON.stringify(states) };
  const own = Object.fromEntries([...new Set(states)].map((state, index) => [`state${index}`, state]));
  return { states: undefined, ...own };
}

/**
 * Runs of several states are found state by state, as an index has those of one state in order: for a list of states in one clause
 * PostgreSQL reads and sorts all their runs, or all runs until enough of these states were met.
 */
function prepareRunList(sql: Sql) {
  const { tables } = sql;
  return sql.readFiltered<RunFilter>()((v, has) => {
    const order = has('due') ? 'asc' : 'desc';
    const list = (state: string | null) => {
      let query = tables.selectFrom('run').select(['doc', 'created_at', 'id']);
      if (state !== null) query = query.where('state', '=', state);
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
      return query.orderBy('created_at', order).orderBy('id', order).limit(v.limit);
    };
    const [first = null, ...others] = stateKeys.filter(has).map(key => v[key] as string);
    if (others.length === 0) return list(first);
    const part = (state: string | null) => tables.selectFrom(list(state).as('part')).selectAll();
    const all = others.reduce((query, state) => query.unionAll(part(state)), part(first));
    return tables
      .selectFrom(all.as('run'))
      .selectAll()
      .orderBy('created_at', order)
      .orderBy('id', order)
      .limit(v.limit);
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

export function createDocumentReads(sql: Sql): Pick<Store, 'document' | 'documents'> {
  const { tables } = sql;
  const byId = sql.read<{ kind: string; id: string }>()(v =>
    tables.selectFrom('document').select('doc').where('id', '=', v.id).where('kind', '=', v.kind),
  );
  const list = sql.readFiltered<{
    kind: string;
    state: string;
    key: string;
    other: string;
    upTo: number;
    dueFrom: number;
    dueBy: number;
    overBy: number;
    after: string;
    limit: number;
  }>()((v, has) => {
    const order = has('dueBy') || has('overBy') ? 'due' : 'at';
    const direction = has('dueBy') ? 'asc' : 'desc';
    // With a name to find them by, the order of the whole kind is no way to read: a sum is in no index, so the planner takes that of the name.
    const isNamed = has('key') || has('other');
    const at = isNamed ? sqlText<number>`(document.at + 0)` : sqlText<number>`document.at`;
    const by = order === 'at' ? at : sqlText<number>`document.due`;
    let query = tables
      .selectFrom('document')
      .select('doc')
      .where('kind', '=', v.kind)
      .orderBy(by, direction)
      .orderBy('id', direction);
    if (has('state')) query = query.where('state', '=', v.state);
    if (has('key')) query = query.where('key', '=', v.key);
    if (has('other')) query = query.where('other', '=', v.other);
    if (has('upTo')) query = query.where(at, '<=', v.upTo);
    if (has('dueFrom')) query = query.where('due', '>=', v.dueFrom);
    if (has('dueBy')) query = query.where('due', '<=', v.dueBy);
    if (has('overBy')) query = query.where('due', '<', v.overBy);
    if (has('after')) {
      const last = tables.selectFrom('document').select([order, 'id']).where('id', '=', v.after);
      const behind = direction === 'asc' ? '>' : '<';
      query = query.where(e => e(e.tuple(by, e.ref('document.id')), behind, last.$asTuple(order, 'id')));
    }
    return query.limit(v.limit);
  });
  return {
    async document(kind, id) {
      const row = await byId.first({ kind, id: toColumn(id) });
      return row === undefined ? null : readDocument(kind, row);
    },
    async documents(kind, { state, key, other, upTo, dueFrom, dueBy, overBy, after, limit }) {
      const texts = { key: optional(key), other: optional(other), after: optional(after) };
      const rows = await list({ kind, state, ...texts, upTo, dueFrom, dueBy, overBy, limit: limitOf(limit) });
      return await parseAll(rows, row => readDocument(kind, row));
    },
  };
}

export function createLetterReads(sql: Sql): Pick<Store, 'letter' | 'letters'> {
  const { tables } = sql;
  const byId = sql.read<{ id: string }>()(v => tables.selectFrom('letter').select('doc').where('id', '=', v.id));
  const list = sql.readFiltered<{ source: string; state: string; after: string; limit: number }>()((v, has) => {
    let query = tables.selectFrom('letter').select('doc').orderBy('first_at', 'desc').orderBy('id', 'desc');
    if (has('state')) query = query.where('state', '=', v.state);
    if (has('source')) query = query.where('source', '=', v.source);
    if (has('after')) {
      const last = tables.selectFrom('letter').select(['first_at', 'id']).where('id', '=', v.after);
      query = query.where(e => e(e.refTuple('first_at', 'id'), '<', last.$asTuple('first_at', 'id')));
    }
    return query.limit(v.limit);
  });
  const parse = (row: { doc: string }) => readDoc('letter', row);
  return {
    async letter(id) {
      const row = await byId.first({ id: toColumn(id) });
      return row === undefined ? null : parse(row);
    },
    async letters({ source, state, after, limit }) {
      const values = { source: optional(source), state, after: optional(after), limit: limitOf(limit) };
      return (await list(values)).map(parse);
    },
  };
}
