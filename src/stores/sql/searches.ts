import { type RawBuilder, sql as text } from 'kysely';
import { alertState } from '../../model/alert.ts';
import { severity } from '../../model/event.ts';
import type { SearchTerm } from '../../model/search/parse.ts';
import { runGroups } from '../../model/search/words.ts';
import type { AlertSort, Store } from '../../ports/store.ts';
import type { Bases } from './bases.ts';
import { readDoc } from './docs.ts';
import { fromLabelText, labelBegin, labelLine, textParts } from './labels.ts';
import type { Sql } from './query.ts';
import { limitOf, parseAlert, parseAll, selectAlerts } from './reads.ts';
import { toColumn } from './text.ts';

type Searches = Pick<
  Store,
  | 'findAlerts'
  | 'countAlerts'
  | 'unfoundAlerts'
  | 'findRuns'
  | 'countRuns'
  | 'findApprovals'
  | 'countApprovals'
  | 'countDocuments'
>;

/** What searches find, and exact counts. All values are bound, never written into a statement. */
export function createSearches(sql: Sql, bases: Bases): Searches {
  const { tables } = sql;
  return {
    ...createAlertSearches(sql, bases),
    ...createRunSearches(sql),
    ...createApprovalSearches(sql),
    async countDocuments(kind) {
      const states = tables.selectFrom('document').where('kind', '=', kind).groupBy('state');
      return (await sql.once(states.select(['state', text<number>`count(*)`.as('count')]))).map(counted);
    },
  };
}

/** A count comes as text from one of the databases. */
function counted<R extends { count: number }>(row: R): R {
  return { ...row, count: Number(row.count) };
}

type Condition = RawBuilder<boolean>;

function all(conditions: readonly Condition[]): Condition {
  return conditions.length === 0 ? text<boolean>`1 = 1` : text<boolean>`(${text.join(conditions, text` and `)})`;
}

function any(conditions: readonly Condition[]): Condition {
  return text<boolean>`(${text.join(conditions, text` or `)})`;
}

function notIf(not: boolean, condition: Condition): Condition {
  return not ? text<boolean>`not ${condition}` : condition;
}

function oneOf(column: RawBuilder<unknown>, values: readonly string[]): Condition {
  return text<boolean>`${column} in (${text.join(values.map(toColumn))})`;
}

const rank = text<number>`case alert.severity when 'critical' then 3 when 'error' then 2 when 'warning' then 1 else 0 end`;

/** What an order goes by, from its first to its last; the id makes it total. */
const orders: Record<AlertSort, { by: readonly RawBuilder<unknown>[]; direction: 'asc' | 'desc' }> = {
  newest: { by: [text.ref('alert.first_seen')], direction: 'desc' },
  oldest: { by: [text.ref('alert.first_seen')], direction: 'asc' },
  severity: { by: [rank, text.ref('alert.first_seen')], direction: 'desc' },
  changed: { by: [text.ref('alert.last_seen')], direction: 'desc' },
  title: { by: [text.ref('alert.title')], direction: 'asc' },
};

function createAlertSearches(sql: Sql, bases: Bases): Pick<Searches, 'findAlerts' | 'countAlerts' | 'unfoundAlerts'> {
  const { tables } = sql;
  const labels = text.ref<string>('alert.labels');
  const whereOf = (terms: readonly SearchTerm[], now: number) => all(terms.map(term => alertCondition(term, now, sql)));
  return {
    async findAlerts({ terms, now, sort = 'newest', limit, after }) {
      const { by, direction } = orders[sort];
      const keys = [...by, text.ref('alert.id')];
      let query = selectAlerts(sql).where(whereOf(terms, now));
      if (after !== undefined) {
        const last = tables.selectFrom('alert').where('alert.id', '=', toColumn(after));
        const behind = text.raw(direction === 'asc' ? '>' : '<');
        const place = last.select(keys.map((key, index) => text`${key}`.as(`k${index}`)));
        query = query.where(text<boolean>`(${text.join(keys)}) ${behind} (${place})`);
      }
      for (const key of keys) query = query.orderBy(key, direction);
      return await parseAll(await sql.once(query.limit(limitOf(limit))), row => parseAlert(row, bases));
    },
    async countAlerts({ terms, now, by = [] }) {
      const values = by.map((name, index) => sql.between(labels, labelBegin(name), '\n').as(`v${index}`));
      const rows = await sql.once(
        tables
          .selectFrom('alert')
          .where(whereOf(terms, now))
          .select(['state', 'severity', text<number>`count(*)`.as('count'), ...values])
          // By their places: the expressions have parameters, which a database takes for different ones.
          .groupBy([text`1`, text`2`, ...by.map((_, index) => text`${text.raw(`${index + 4}`)}`)]),
      );
      return rows.map(row => ({
        state: alertState.parse(row.state),
        severity: severity.catch('info').parse(row.severity),
        count: Number(row.count),
        values: by.map((_, index) => fromLabelText((row as Record<string, unknown>)[`v${index}`]?.toString() ?? '')),
      }));
    },
    async unfoundAlerts(limit) {
      const stale = text<boolean>`alert.found <> alert.version`;
      const rows = await sql.once(selectAlerts(sql).where(stale).orderBy('alert.id').limit(limitOf(limit)));
      return await parseAll(rows, row => parseAlert(row, bases));
    },
  };
}

function alertCondition(term: SearchTerm, now: number, sql: Sql): Condition {
  const labels = text.ref<string>('alert.labels');
  switch (term.kind) {
    case 'text': {
      const { exact, folded, title } = textParts(term.text);
      const inTitle = sql.holds(text.ref('alert.title'), title);
      const inLabels = [sql.holds(labels, exact), sql.holds(text<string>`lower(alert.labels)`, folded)];
      return notIf(term.not, any([inTitle, ...inLabels]));
    }
    case 'label':
      return term.value === ''
        ? notIf(!term.not, sql.holds(labels, labelBegin(term.name)))
        : notIf(term.not, sql.holds(labels, labelLine(term.name, term.value)));
    case 'age':
      return term.op === '>'
        ? text<boolean>`alert.starts_at < ${now - term.milliseconds}`
        : text<boolean>`alert.starts_at > ${now - term.milliseconds}`;
    case 'key':
      return notIf(term.not, alertKey(term.key, term.values));
  }
}

function alertKey(key: string, values: readonly string[]): Condition {
  switch (key) {
    case 'state': {
      const states = values.flatMap(value => (value === 'live' ? ['firing', 'silenced'] : [value]));
      return oneOf(text.ref('alert.state'), states);
    }
    case 'severity':
    case 'source':
      return oneOf(text.ref(`alert.${key}`), values);
    case 'acknowledged':
      return any(values.map(value => text<boolean>`alert.acked = ${value === 'yes' ? 1 : 0}`));
    case 'runbook':
      return text<boolean>`exists (select 1 from run where run.alert = alert.id and ${oneOf(text.ref('run.runbook'), values)})`;
    default:
      return text<boolean>`1 = 0`;
  }
}

/** A member of a document as it stands in its text: documents are written by JSON.stringify alone, without spaces. */
function member(name: string, value: string): string {
  return `"${name}":${JSON.stringify(value)}`;
}

/** The text of a document, and what was asked for, without regard to the case of ASCII letters or exactly. */
function inDocument(table: 'run' | 'approval', asked: string, sql: Sql): Condition {
  const part = JSON.stringify(asked).slice(1, -1);
  return any([
    sql.holds(text.ref(`${table}.doc`), part),
    sql.holds(text<string>`lower(${text.ref(`${table}.doc`)})`, part.toLowerCase()),
  ]);
}

/** Who or what, with and without the kind of the identity. */
function identities(value: string): string[] {
  return value.includes(':') ? [value] : [value, `person:${value}`, `source:${value}`, `service:${value}`];
}

function ageOf(table: 'run' | 'approval', { op, milliseconds }: SearchTerm & { kind: 'age' }, now: number): Condition {
  const created = text.ref(`${table}.created_at`);
  return text<boolean>`${created} ${text.raw(op === '>' ? '<' : '>')} ${now - milliseconds}`;
}

function createRunSearches(sql: Sql): Pick<Searches, 'findRuns' | 'countRuns'> {
  const { tables } = sql;
  const condition = (term: SearchTerm, now: number): Condition => {
    if (term.kind === 'text') return notIf(term.not, inDocument('run', term.text, sql));
    if (term.kind === 'age') return ageOf('run', term, now);
    if (term.kind === 'label') return text<boolean>`1 = 0`;
    const { key, values } = term;
    const doc = text.ref<string>('run.doc');
    const named = (name: string, names: readonly string[]) =>
      any(names.map(value => sql.holds(doc, member(name, value))));
    if (key === 'runbook') return notIf(term.not, oneOf(text.ref('run.runbook'), values));
    if (key === 'state') return notIf(term.not, oneOf(text.ref('run.state'), values.flatMap(statesOf)));
    return notIf(term.not, key === 'by' ? named('requestedBy', values.flatMap(identities)) : named('trigger', values));
  };
  const whereOf = (terms: readonly SearchTerm[], now: number) => all(terms.map(term => condition(term, now)));
  return {
    async findRuns({ terms, now, limit, after }) {
      let query = tables.selectFrom('run').select('doc').where(whereOf(terms, now));
      if (after !== undefined)
        query = query.where(
          text<boolean>`(created_at, id) < (select created_at, id from run where id = ${toColumn(after)})`,
        );
      const rows = await sql.once(query.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limitOf(limit)));
      return await parseAll(rows, row => readDoc('run', row));
    },
    async countRuns({ terms, now }) {
      const query = tables.selectFrom('run').where(whereOf(terms, now)).groupBy('state');
      return (await sql.once(query.select(['state', text<number>`count(*)`.as('count')]))).map(counted);
    },
  };
}

function statesOf(value: string): readonly string[] {
  return value === 'open' || value === 'trouble' ? runGroups[value] : [value];
}

function createApprovalSearches(sql: Sql): Pick<Searches, 'findApprovals' | 'countApprovals'> {
  const { tables } = sql;
  const doc = text.ref<string>('approval.doc');
  const condition = (term: SearchTerm, now: number): Condition => {
    if (term.kind === 'text') return notIf(term.not, inDocument('approval', term.text, sql));
    if (term.kind === 'age') return ageOf('approval', term, now);
    if (term.kind === 'label') return text<boolean>`1 = 0`;
    const { key, values } = term;
    if (key === 'state') return notIf(term.not, oneOf(text.ref('approval.state'), values));
    if (key === 'kind') return notIf(term.not, any(values.map(value => waits(value, doc, sql))));
    // Who is barred from voting is who asked for it.
    const names = values.flatMap(identities);
    const voted = names.map(name => sql.holds(doc, member('person', name)));
    const asked = names.map(name =>
      sql.holds(sql.between(doc, '"barred":[', ']') as RawBuilder<string>, JSON.stringify(name)),
    );
    return notIf(term.not, any([...voted, ...asked]));
  };
  const whereOf = (terms: readonly SearchTerm[], now: number) => all(terms.map(term => condition(term, now)));
  return {
    async findApprovals({ terms, now, limit, after }) {
      let query = tables.selectFrom('approval').select('doc').where(whereOf(terms, now));
      if (after !== undefined)
        query = query.where(
          text<boolean>`(created_at, id) < (select created_at, id from approval where id = ${toColumn(after)})`,
        );
      const rows = await sql.once(query.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limitOf(limit)));
      return await parseAll(rows, row => readDoc('approval', row));
    },
    async countApprovals({ terms, now }) {
      const query = tables.selectFrom('approval').where(whereOf(terms, now)).groupBy('state');
      return (await sql.once(query.select(['state', text<number>`count(*)`.as('count')]))).map(counted);
    },
  };
}

/** What waits for an approval: a run when it is neither a gate nor a claim. */
function waits(kind: string, doc: RawBuilder<string>, sql: Sql): Condition {
  if (kind === 'gate') return sql.holds(doc, '"gate":"');
  if (kind === 'change') return sql.holds(doc, '"claim":"');
  return text<boolean>`approval.run <> ''`;
}
