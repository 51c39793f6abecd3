import { z } from 'zod';
import { alertDoc, approvalDoc, runDoc } from '../../http/docs.ts';
import { nearest } from '../../kernel/nearest.ts';
import { shortHash } from '../../model/plan.ts';
import { createClient } from '../client.ts';
import { type CliCommand, usage } from '../command.ts';
import { plain } from '../plain.ts';
import { exitCode } from '../terminal.ts';

/** One list: where it is, and a row of it as columns. */
interface List {
  path: string;
  none: string;
  read(answer: unknown): readonly (readonly string[])[];
}

const runbookDoc = z.object({ id: z.string(), title: z.string(), risk: z.string() });

const lists: Readonly<Record<string, List>> = {
  runbooks: listOf('/api/v1/runbooks', 'There are no runbooks.', runbookDoc, one => [
    one.id,
    `risk ${one.risk}`,
    one.title,
  ]),
  approvals: listOf('/api/v1/approvals?state=open', 'Nothing waits for a vote.', approvalDoc, one => [
    one.id,
    `risk ${one.risk}`,
    `plan ${shortHash(one.planHash)}`,
    `${one.missing} of ${one.by.join(', ')} until ${one.expiresAt}`,
    one.title,
  ]),
  runs: listOf('/api/v1/runs', 'Nothing has run.', runDoc, one => [one.id, one.state, one.createdAt, one.title]),
  alerts: listOf('/api/v1/alerts?state=firing', 'No alert fires.', alertDoc, one => [
    one.id,
    one.severity,
    one.acknowledgedBy === null ? '' : `acknowledged by ${one.acknowledgedBy}`,
    one.title,
  ]),
};

function listOf<S extends z.ZodType>(
  path: string,
  none: string,
  schema: S,
  row: (one: z.infer<S>) => readonly string[],
): List {
  return { path, none, read: answer => z.array(schema).parse(answer).map(row) };
}

export const list: CliCommand = {
  name: 'list',
  about: 'Lists runbooks, open approvals, the newest runs, or alerts that fire.',
  usage: '[runbooks | approvals | runs | alerts]',
  options: [{ name: 'json', about: 'Print the answer as JSON.', value: null }],
  words: { least: 0, most: 1 },
  examples: ['tocsin list', 'tocsin list approvals', 'tocsin list alerts --json'],
  async run(input, terminal) {
    const word = input.words[0] ?? 'runbooks';
    const chosen = Object.hasOwn(lists, word) ? lists[word] : undefined;
    if (chosen === undefined) {
      const near = nearest(word, Object.keys(lists));
      throw usage(list, `There is no list ${JSON.stringify(word.slice(0, 100))}.`, near && `Did you mean ${near}?`);
    }
    const answer = await createClient(terminal).json(z.unknown(), 'GET', chosen.path);
    const rows = chosen.read(answer);
    if (input.options.has('json')) terminal.out(JSON.stringify(answer, null, 2));
    else if (rows.length === 0) terminal.err(chosen.none);
    else for (const line of inColumns(rows)) terminal.out(line);
    return exitCode.ok;
  },
};

/** Every column as wide as its widest text. A text of somebody else is one line, and drives no terminal. */
function inColumns(rows: readonly (readonly string[])[]): string[] {
  const clean = rows.map(row => row.map(text => plain(text).replace(/\s+/g, ' ')));
  const widths = (clean[0] ?? []).map((_, at) => Math.max(...clean.map(row => row[at]?.length ?? 0)));
  return clean.map(row =>
    row
      .map((text, at) => text.padEnd(widths[at] ?? 0))
      .filter((text, at) => text !== '' || (widths[at] ?? 0) > 0)
      .join('  ')
      .trimEnd(),
  );
}
