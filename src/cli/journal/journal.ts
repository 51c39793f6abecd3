import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { isCode, messageOf, TocsinError } from '../../kernel/errors.ts';
import { fileError } from '../../kernel/file-error.ts';
import type { Store } from '../../ports/store.ts';
import { createClient } from '../client.ts';
import { readSettings } from '../environment.ts';
import { assertDatabase } from '../files.ts';
import type { Terminal } from '../terminal.ts';
import { brokenLine } from './chain.ts';
import { type JournalLine, linesOf, parseLine } from './lines.ts';

/**
 * Reads the stored journal, oldest first: from an exported file, else from the running process, else from the database when no process
 * answers (an embedded one only while no process has it open). Rejects with `file-missing`, `file-unusable`, `not-reachable` or the store's
 * errors.
 */
export async function* readJournal(file: string | null, terminal: Terminal): AsyncGenerator<JournalLine> {
  if (file !== null) {
    const path = resolve(terminal.cwd, file);
    return yield* parseLines(createReadStream(path), file, error => fileError(error, file, path));
  }
  try {
    const client = createClient(terminal);
    const response = await client.send('GET', '/api/v1/journal');
    if (response.body !== null)
      yield* parseLines(Readable.fromWeb(response.body as never), client.url, error => cutOff(error, client.url));
    return;
  } catch (error) {
    // With TOCSIN_URL the process must answer; without it, the database is read when no process runs.
    if (!isCode(error, 'not-reachable') || terminal.env['TOCSIN_URL']) throw error;
  }
  yield* readStored(terminal);
}

/** The error for an answer of the process that ended early. */
function cutOff(error: unknown, at: string): TocsinError {
  return new TocsinError('not-reachable', { message: messageOf(error), at, cause: error });
}

async function* parseLines(
  input: AsyncIterable<Uint8Array>,
  from: string,
  explain: (error: unknown) => unknown,
): AsyncGenerator<JournalLine> {
  let number = 0;
  try {
    for await (const line of linesOf(input)) {
      number += 1;
      if (line === '') continue;
      const entry = parseLine(line);
      if (entry === null) throw brokenLine(`${from}:${number}`);
      yield entry;
    }
  } catch (error) {
    throw error instanceof TocsinError ? error : explain(error);
  }
}

async function openStored(terminal: Terminal): Promise<Store> {
  const { dataFolder: folder } = readSettings(terminal.env, terminal.cwd);
  const url = terminal.env['DATABASE_URL']?.trim() || null;
  if (url === null)
    assertDatabase(
      folder,
      'Start Tocsin, set TOCSIN_DATA to its data folder, or name an exported journal with --file.',
    );
  terminal.err(`Nothing answers, so the database ${url === null ? `in ${folder}` : 'of DATABASE_URL'} is read.`);
  const { default: driver } =
    url === null ? await import('../../stores/sqlite/index.ts') : await import('../../stores/postgres/index.ts');
  return await driver.open({ folder, url, now: Date.now });
}

async function* readStored(terminal: Terminal): AsyncGenerator<JournalLine> {
  const store = await openStored(terminal);
  try {
    for (let after = 0; ; ) {
      const rows = await store.journalRows({ after, limit: 500 });
      yield* rows;
      const last = rows.at(-1);
      if (last === undefined) return;
      after = last.seq;
    }
  } finally {
    await store.close();
  }
}
