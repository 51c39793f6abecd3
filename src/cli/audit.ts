import { createWriteStream } from 'node:fs';
import { resolve } from 'node:path';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { TocsinError } from '../kernel/errors.ts';
import { fileError } from '../kernel/file-error.ts';
import { wholeNumber } from '../kernel/number.ts';
import { type CliCommand, type CliInput, optionOf, usage } from './command.ts';
import { type Position, verifyChain } from './journal/chain.ts';
import { verifyInBlocks } from './journal/file.ts';
import { readJournal } from './journal/journal.ts';
import { counted, createProgress } from './progress.ts';
import { exitCode, type Terminal } from './terminal.ts';

export const audit: CliCommand = {
  name: 'audit',
  about: 'Verifies the journal, or exports it as NDJSON.',
  usage: 'verify | export',
  options: [
    { name: 'file', about: 'Verify an exported file instead of the running process.', value: 'file' },
    {
      name: 'checkpoint',
      about: 'A seq:hash that an earlier verify printed: a journal that was cut or rewritten since does not hold it.',
      value: 'seq:hash',
    },
    {
      name: 'out',
      about: 'Export to this file, which must not exist yet; standard output when left out.',
      value: 'file',
    },
  ],
  words: { least: 1, most: 1 },
  examples: [
    'tocsin audit verify',
    'tocsin audit verify --checkpoint 1204:9f2c...',
    'tocsin audit export --out journal.ndjson',
  ],
  async run(input, terminal) {
    const [what] = input.words;
    if (what === 'verify') return await verify(input, terminal);
    if (what === 'export') return await exportTo(optionOf(input, 'out'), terminal);
    throw usage(audit, `There is no audit ${JSON.stringify(what)}.`);
  },
};

async function verify(input: CliInput, terminal: Terminal): Promise<number> {
  const checkpoint = parseCheckpoint(optionOf(input, 'checkpoint'));
  const head = await verified(optionOf(input, 'file'), checkpoint, terminal);
  if (checkpoint !== null && head.seq < checkpoint.seq) {
    throw new TocsinError('journal-broken', {
      message: `The journal ends at entry ${head.seq}, before the checkpoint: its tail was cut.`,
      allowed: `at least ${checkpoint.seq} entries`,
    });
  }
  terminal.err(`The journal verifies: ${head.seq} entries, each hash follows from the one before it.`);
  if (checkpoint === null) terminal.err('Keep this checkpoint elsewhere; with --checkpoint a cut tail is found later.');
  terminal.out(`${head.seq}:${head.hash}`);
  return exitCode.ok;
}

/** The head of a chain that verifies. A large file is read by threads, everything else as one stream. */
async function verified(file: string | null, checkpoint: Position | null, terminal: Terminal): Promise<Position> {
  const inBlocks =
    file === null
      ? null
      : await verifyInBlocks({
          path: resolve(terminal.cwd, file),
          name: file,
          checkpoint,
          tell: terminal.err,
          progress: total => createProgress(terminal, 'Verifying', { total, unit: 'bytes' }),
        });
  return inBlocks ?? (await verifyChain(counted(readJournal(file, terminal), terminal, 'Verifying'), checkpoint));
}

function parseCheckpoint(text: string | null): Position | null {
  if (text === null) return null;
  const found = /^(\d+):([0-9a-f]{64})$/.exec(text);
  const seq = wholeNumber(found?.[1] ?? '');
  if (found === null || seq === null)
    throw usage(audit, `--checkpoint ${JSON.stringify(text.slice(0, 100))} is not seq:hash, as verify prints it.`);
  return { seq, hash: found[2] ?? '' };
}

async function exportTo(out: string | null, terminal: Terminal): Promise<number> {
  let count = 0;
  async function* texts() {
    const lines = readJournal(null, terminal);
    // On a terminal the entries themselves show how far it is.
    for await (const line of out === null ? lines : counted(lines, terminal, 'Exporting')) {
      count += 1;
      yield `${JSON.stringify(line)}\n`;
    }
  }
  if (out === null) await pipeline(texts, terminalStream(terminal));
  else {
    const path = resolve(terminal.cwd, out);
    await pipeline(texts, createWriteStream(path, { flags: 'wx', mode: 0o600 })).catch(error => {
      throw fileError(
        error,
        out,
        path,
        'Name a file that does not exist yet, in a folder that is there and that this user may write to.',
      );
    });
  }
  terminal.err(`${count} entries exported${out === null ? '' : ` to ${out}`}.`);
  return exitCode.ok;
}

function terminalStream(terminal: Terminal): Writable {
  return new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      terminal.out(String(chunk).replace(/\n$/, ''));
      done();
    },
  });
}
