import { encodeArray } from './arrays.ts';
import type { ReadConnection } from './read-connection.ts';
import type { Statement } from './session.ts';

/** A statement that was prepared under its name. */
export type Question = Required<Statement>;

type Row = Record<string, unknown>;

/** Where reads are asked. */
export interface ReadBatcher {
  all(question: Question): Promise<Row[]>;
  /** The first row; many such questions of one statement, each with texts for values, are asked as one. */
  first(question: Question): Promise<Row | undefined>;
  close(): Promise<void>;
}

/** How long a read waits for the answers to others at most, milliseconds. */
const patience = 20;
/** How many questions are asked as one. */
const mostTogether = 500;

interface Waiting<T> {
  question: Question;
  answer: PromiseWithResolvers<T>;
}

/** What is sent in the next packet, by what makes two questions the same. */
interface ReadBatch {
  all: Map<string, Waiting<Row[]>>;
  first: Map<string, Waiting<Row | undefined>>;
}

const emptyPacket = (): ReadBatch => ({ all: new Map(), first: new Map() });

/**
 * One packet at a time on each connection: whatever is asked meanwhile makes the next one, and the same question is asked once in it. So
 * the packets grow with the load, as commits do, and a read that takes long keeps only one connection.
 */
export function createReadDesk(readers: readonly ReadConnection[]): ReadBatcher {
  let readBatch = emptyPacket();
  let planned = false;
  let late: NodeJS.Timeout | undefined;
  const freest = () => readers.reduce((best, reader) => (reader.busy() < best.busy() ? reader : best));

  function plan(): void {
    if (planned) return;
    planned = true;
    setImmediate(() => {
      planned = false;
      send(false);
    });
  }

  function send(anyhow: boolean): void {
    if (readBatch.all.size + readBatch.first.size === 0) return;
    const reader = freest();
    if (reader.busy() > 0 && !anyhow) {
      late ??= setTimeout(() => send(true), patience);
      return;
    }
    clearTimeout(late);
    late = undefined;
    const sent = readBatch;
    readBatch = emptyPacket();
    for (const { question, answer } of sent.all.values()) {
      const asked = reader.ask(question).then(({ rows }) => rows);
      asked.finally(plan).then(answer.resolve, answer.reject);
    }
    for (const group of groupsOf(sent.first.values())) void askFirst(group, reader).finally(plan);
  }

  function put<T>(place: Map<string, Waiting<T>>, question: Question): Promise<T> {
    const key = `${question.name} ${JSON.stringify(question.values)}`;
    const one = place.get(key) ?? { question, answer: Promise.withResolvers<T>() };
    place.set(key, one);
    plan();
    return one.answer.promise;
  }

  return {
    all: question => put(readBatch.all, question),
    first: question => put(readBatch.first, question),
    async close() {
      send(true);
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

/** Never rejects: those who wait are told. */
async function askFirst(group: Group, reader: ReadConnection): Promise<void> {
  const [one, ...others] = group;
  if (one === undefined) return;
  try {
    if (others.length === 0) {
      one.answer.resolve((await reader.ask(one.question)).rows[0]);
      return;
    }
    const rows = new Map<number, Row>();
    for (const { asked, ...row } of (await reader.ask(asOne(group.map(({ question }) => question)))).rows)
      rows.set(asked, row);
    for (const [index, { answer }] of group.entries()) answer.resolve(rows.get(index + 1));
  } catch (error) {
    for (const { answer } of group) answer.reject(error);
  }
}

const texts = new Map<string, string>();

/** One statement for many questions: their values are columns of a table that is joined with what each asks. */
function asOne(questions: readonly Question[]): Statement {
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

/** The limit keeps the planner at one look into an index for each; a join it might do as a walk over the whole table. */
function manyOf(text: string, count: number): string {
  const names = Array.from({ length: count }, (_, n) => `v${n + 1}`);
  const columns = names.map((_, n) => `$${n + 1}::text[]`);
  const one = text.replace(/\$(\d+)/g, (_, n) => `n.v${n}`);
  return `select n.asked, found.* from unnest(${columns.join()}) with ordinality n(${names.join()}, asked)
    cross join lateral (select * from (${one}) one limit 1) found`;
}
