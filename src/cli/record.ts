import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import { recordingDoc } from '../http/source-docs.ts';
import { fileError } from '../kernel/file-error.ts';
import { type Client, createClient } from './client.ts';
import { type CliCommand, type CliInput, optionOf, usage } from './command.ts';
import { plain } from './plain.ts';
import { writeRecorded } from './recorded-file.ts';
import { exitCode, type Terminal } from './terminal.ts';

/** How often it asks for what came, milliseconds. */
const askEvery = 500;

export const record: CliCommand = {
  name: 'record',
  about: 'Keeps the next deliveries of a source as files, without their secrets, for `tocsin send`.',
  usage: '<source>',
  options: [
    { name: 'count', about: 'How many deliveries, 20 at most; 1 when left out.', value: 'number' },
    { name: 'for', about: 'How long to wait: 30s, 10m, 1h at most. 10m when left out.', value: 'duration' },
    { name: 'unproven', about: 'Also deliveries of senders that did not prove themselves.', value: null },
    { name: 'out', about: 'The folder for the files; the present one when left out.', value: 'folder' },
    { name: 'reason', about: 'Why, for the journal.', value: 'text' },
  ],
  words: { least: 1, most: 1 },
  examples: ['tocsin record github', 'tocsin record alertmanager --count 3 --for 1h --out payloads'],
  async run(input, terminal) {
    const client = createClient(terminal);
    const begun = await begin(input, client);
    terminal.err(`Waiting for ${begun.most === 1 ? 'a delivery' : `${begun.most} deliveries`} until ${begun.until}.`);
    try {
      const count = await fetchAll(begun, input, { client, terminal });
      if (count === 0) terminal.err('Nothing came. The page of the source shows what was refused.');
      return count === 0 ? exitCode.failed : exitCode.ok;
    } finally {
      await forget(begun.id, terminal);
    }
  },
};

type RecordingDoc = z.infer<typeof recordingDoc>;

async function begin(input: CliInput, client: Client): Promise<RecordingDoc> {
  const [source = ''] = input.words;
  const count = optionOf(input, 'count');
  if (count !== null && !/^([1-9]|1\d|20)$/.test(count)) throw usage(record, `--count ${count} is not 1 to 20.`);
  const json = {
    deliveries: Number(count ?? 1),
    unproven: input.options.has('unproven'),
    reason: optionOf(input, 'reason'),
    ...(input.options.has('for') ? { for: optionOf(input, 'for') } : {}),
  };
  return await client.json(recordingDoc, 'POST', `/api/v1/sources/${encodeURIComponent(source)}/recordings`, { json });
}

/** Writes each delivery when it came; resolves to how many when there will be no more. */
async function fetchAll(
  { id, source }: RecordingDoc,
  input: CliInput,
  { client, terminal }: { client: Client; terminal: Terminal },
): Promise<number> {
  let count = 0;
  for (;;) {
    const found = await client.json(recordingDoc, 'GET', `/api/v1/recordings/${id}?after=${count}`);
    for (const kept of found.deliveries) {
      const name = `${source}-${id.slice(-6)}-${kept.number}.http`.replace(/[^a-z0-9.-]/g, '');
      const file = join(optionOf(input, 'out') ?? '.', name);
      await save(file, writeRecorded(source, kept), terminal);
      const removed = kept.removed.length === 0 ? 'nothing' : kept.removed.join(', ');
      terminal.out(plain(`${file}  ${kept.outcome}; taken out: ${removed}`));
      count = kept.number;
    }
    if (!found.open) return count;
    await sleep(askEvery, undefined, { signal: terminal.signal });
  }
}

/** What others' systems wrote is for who asked alone. No file is overwritten. */
async function save(file: string, bytes: Buffer, terminal: Terminal): Promise<void> {
  const path = resolve(terminal.cwd, file);
  await writeFile(path, bytes, { flag: 'wx', mode: 0o600 }).catch(error => {
    throw fileError(error, file, path, 'Name a folder that this user may write to, with --out.');
  });
}

/** It would end by itself; after Ctrl-C too nothing more is kept. */
async function forget(id: string, terminal: Terminal): Promise<void> {
  const client = createClient({ ...terminal, signal: AbortSignal.timeout(5000) });
  await client.send('DELETE', `/api/v1/recordings/${id}`).catch(() => {
    terminal.err('The recording could not be deleted. It deletes itself ten minutes after its end.');
  });
}
