import { Readable } from 'node:stream';
import { z } from 'zod';
import { digits } from '../../kernel/number.ts';
import { content } from '../../model/journal.ts';
import type { JournalRow, Store } from '../../ports/store.ts';
import { defineRoute } from '../route.ts';
import { none, refusals } from './common.ts';

const batch = 500;

const readJournal = defineRoute({
  method: 'GET',
  path: '/api/v1/journal',
  about:
    'The journal as NDJSON, oldest first, up to its head at the time of the request. `bytes` is the exact text that is hashed.',
  params: none,
  query: z.strictObject({
    after: digits(z.int().min(0).default(0)).meta({ description: 'Only entries after this sequence.' }),
    limit: digits(z.int().min(1)).optional().meta({ description: 'At most this many; all when left out.' }),
  }),
  body: null,
  answers: {
    200: { about: 'One entry a line.', schema: null, type: 'application/x-ndjson' },
    ...refusals(400, 401),
  },
  async handle({ query, parts }) {
    const { seq } = await parts.store.head();
    const last = Math.min(seq, query.after + (query.limit ?? Number.MAX_SAFE_INTEGER));
    const stream = Readable.from(journalLines(parts.store, query.after, last));
    return { status: 200, type: 'application/x-ndjson', stream };
  },
});

const journalState = defineRoute({
  method: 'GET',
  path: '/api/v1/journal/state',
  about: 'Whether the journal verifies, as far as it was checked, or the first bad entry.',
  params: none,
  query: none,
  body: null,
  answers: {
    200: {
      about: 'The state.',
      schema: z.object({ ok: z.boolean(), head: z.int(), checked: z.int(), because: z.string().nullable() }),
    },
    ...refusals(401),
  },
  handle: async ({ parts }) => ({ status: 200, json: await parts.host.journalState() }),
});

/** Reads in batches, as the client consumes them, so that a slow client costs no memory. */
async function* journalLines(store: Store, from: number, last: number): AsyncGenerator<string> {
  let after = from;
  while (after < last) {
    const rows = await store.journalRows({ after, limit: Math.min(batch, last - after) });
    if (rows.length === 0) return;
    yield rows.map(showRow).join('');
    after = rows.at(-1)?.seq ?? last;
  }
}

/** A row as it is stored, and its parsed bytes. A damaged row is shown too, because it is evidence. */
function showRow(row: JournalRow): string {
  const { seq, stream, kind, bytes, prev, hash } = row;
  return `${JSON.stringify({ seq, stream, kind, ...readBytes(bytes), bytes, prev, hash })}\n`;
}

function readBytes(bytes: string): Record<string, unknown> {
  try {
    const { v, actor, at, fact } = content.parse(JSON.parse(bytes));
    return { version: v, actor, at: new Date(at).toISOString(), fact };
  } catch {
    return { damaged: true };
  }
}

export const journalRoutes = [readJournal, journalState];
