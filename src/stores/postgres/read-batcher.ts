import { encodeArray } from './arrays.ts';
import type { ReadConnection } from './read-connection.ts';
import type { Statement } from './session.ts';

/** A prepared statement with its values. */
export type Question = Required<Statement>;

type Row = Record<string, unknown>;

/** Batches reads. */
export interface ReadBatcher {
  all(question: Question): Promise<Row[]>;
  /** The first row. Questions of the same statement whose values are all texts are merged into one statement. */
  first(question: Question): Promise<Row | undefined>;
  close(): Promise<void>;
}

/** The longest that a read waits for the answers to other reads, milliseconds. */
const patience = 20;
/** How many questions are merged into one statement at most. */
const mostTogether = 500;

interface Waiting<T> {
  question: Question;
  answer: PromiseWithResolvers<T>;
}

/** The next batch, by statement name and values, so that equal questions are asked once. */
interface ReadBatch {
  all: Map<string, Waiting<Row[]>>;
  first: Map<string, Waiting<Row | undefined>>;
}

const emptyBatch = (): ReadBatch => ({ all: new Map(), first: new Map() });

/**
 * Sends one batch at a time on each connection. Reads that are asked meanwhile form the next batch, and equal ones are asked once. So the
 * batches grow with the load, as commits do, and a slow read occupies only one connection.
 */
export function createReadBatcher(readers: readonly ReadConnection[]): ReadBatcher {
  let readBatch = emptyBatch();
  let planned = false;
  let late: NodeJS.Timeout | undefined;
  const freest = () => readers.reduce((best, reader) => (reader.busy() < best.busy() ? reader : best));

  function plan(): void {
    if (planned) return;
    planned = true;
    setImmediate(() => {
      planned = false;
      flush(false);
    });
  }

  function flush(force: boolean): void {
    if (readBatch.all.size + readBatch.first.size === 0) return;
    const reader = freest();
    if (reader.busy() > 0 && !force) {
      late ??= setTimeout(() => flush(true), patience);
      return;
    }
    clearTimeout(late);
    late = undefined;
    const sent = readBatch;
    readBatch = emptyBatch();
    for (const { question, answer } of sent.all.values()) {
      const asked = reader.ask(question).then(({ rows }) => rows);
      asked.finally(plan).then(answer.resolve, answer.reject);
    }
    for (const group of groupsOf(sent.first.values())) void askFirst(group, reader).finally(plan);
  }

  function put<T>(place: Map<string, Waiting<T>>, question: Question): Promise<T> {
    const key = `${question.name || question.text} ${JSON.stringify(question.values)}`;
    const one = place.get(key) ?? { question, answer: Promise.withResolvers<T>() };
    place.set(key, one);
    plan();
    return one.answer.promise;
  }

  return {
    all: question => put(readBatch.all, question),
    first: question => put(readBatch.first, question),
    async close() {
      flush(true);
      for (const reader of readers) await reader.close();
    },
  };
}

type Group = Waiting<Row | undefined>[];

function groupsOf(waiting: Iterable<Group[number]>): Group[] {
  const open = new Map<string, Group>();
  const groups: Group[] = [];
  for (const one of waiting) {
    const { name, values } = one.question;
    const known = open.get(name);
    if (known !== undefined && known.length < mostTogether) known.push(one);
    else {
      const group = [one];
      groups.push(group);
      if (values.length > 0 && values.every(value => typeof value === 'string')) open.set(name, group);
    }
  }
  return groups;
}

/** Settles every question of the group. Never rejects. */
async function askFirst(group: Group, reader: ReadConnection): Promise<void> {
  const [one, ...others] = group;
  if (one === undefined) return;
  try {
    if (others.length === 0) {
      one.answer.resolve((await reader.ask(one.question)).rows[0]);
      return;
    }
    const rows = new Map<number, Row>();
    for (const { asked, ...row } of (await reader.ask(mergeQuestions(group.map(({ question }) => question)))).rows)
      rows.set(asked, row);
    for (const [index, { answer }] of group.entries()) answer.resolve(rows.get(index + 1));
  } catch (error) {
    for (const { answer } of group) answer.reject(error);
  }
}

const texts = new Map<string, string>();

/** One statement for many questions: a table of their values, laterally joined with the statement. */
function mergeQuestions(questions: readonly Question[]): Statement {
  const [{ name = '', text = '', values = [] } = {}] = questions;
  const made = texts.get(text) ?? manyOf(text, values.length);
  texts.set(text, made);
  return {
    name: `${name}-many`,
    text: made,
    values: values.map((_, column) =>
      encodeArray(
        'text',
        questions.map(question => String(question.values[column])),
      ),
    ),
  };
}

/** With the limit the planner does one index look-up for each question; for a plain join it might scan the whole table. */
function manyOf(text: string, count: number): string {
  const names = Array.from({ length: count }, (_, n) => `v${n + 1}`);
  const columns = names.map((_, n) => `$${n + 1}::text[]`);
  const one = text.replace(/\$(\d+)/g, (_, n) => `n.v${n}`);
  return `select n.asked, found.* from unnest(${columns.join()}) with ordinality n(${names.join()}, asked)
    cross join lateral (select * from (${one}) one limit 1) found`;
}
