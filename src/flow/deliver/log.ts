import { stripAnsi, visible } from '../../kernel/text.ts';
import type { Card, Post } from '../../model/card.ts';
import { streamOf } from '../../model/journal.ts';
import type { ChatFile } from '../../ports/chat.ts';
import type { Store } from '../../ports/store.ts';
import { isOutput, outputCard } from '../thread/cards/output.ts';

type LogStore = Pick<Store, 'stream' | 'blob' | 'run'>;

/** The most that is sent of one run's output, characters. */
const mostCharacters = 32 * 1024 * 1024;
/** Bytes from the end of a step's log that are read for its last lines. */
const mostLooked = 16 * 1024;

/** A step's stored log: the journal names its digest when the step is over. */
interface StepLog {
  step: string;
  digest: string;
}

async function logsOf(store: LogStore, run: string): Promise<StepLog[]> {
  const entries = await store.stream(streamOf.run(run));
  return entries.flatMap(({ fact }) =>
    fact.kind === 'step.finished' && fact.log !== null ? [{ step: fact.step, digest: fact.log }] : [],
  );
}

/** The full log of a run as a file: plain text, one section for each attempt of a step that ended. Null when nothing was printed. */
export async function logFile(store: LogStore, id: string): Promise<ChatFile | null> {
  const [run, logs] = await Promise.all([store.run(id), logsOf(store, id)]);
  if (run === null || logs.length === 0) return null;
  return { name: `${run.runbook}-${id}.log`.replace(/[^A-Za-z0-9._-]/g, '-'), text: textOf(store, logs) };
}

async function* textOf(store: LogStore, logs: readonly StepLog[]): AsyncIterable<string> {
  let size = 0;
  for (const { step, digest } of logs) {
    const bytes = await store.blob(digest);
    const text = bytes === null ? 'This log is not stored any more.\n' : plain(bytes);
    size += text.length;
    if (size > mostCharacters) return void (yield `== ${visible(step)} ==\nThe rest is in the console.\n`);
    yield `== ${visible(step)} ==\n${text}\n`;
  }
}

function plain(bytes: Uint8Array): string {
  return visible(stripAnsi(new TextDecoder().decode(bytes)));
}

/** The card with the last lines as they were printed. The projection knows only stdout and stderr, one after the other. */
export async function withLastLines(post: Post, store: LogStore, link: string): Promise<Card> {
  const block = post.card.blocks.find(isOutput);
  if (block === undefined || block.live) return post.card;
  const log = (await logsOf(store, block.run)).findLast(one => one.step === block.step);
  const bytes = log === undefined ? null : await store.blob(log.digest);
  if (bytes === null) return post.card;
  const tail = new TextDecoder().decode(bytes.subarray(Math.max(0, bytes.length - mostLooked)));
  const card = outputCard({ ...block, tail }, '', link);
  return { ...card, title: post.card.title };
}
