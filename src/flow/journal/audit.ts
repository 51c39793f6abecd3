import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { messageOf, TocsinError } from '../../kernel/errors.ts';
import { entryHash, genesis } from '../../model/journal.ts';
import type { JournalRow, Store } from '../../ports/store.ts';

/** A position in the chain: the entry that was checked last. */
export interface Position {
  seq: number;
  hash: string;
}

export const beginning: Position = { seq: 0, hash: genesis };

export interface JournalCheck {
  /** The last entry that verified; the next check may go on from here. */
  at: Position;
  /** True when everything up to the head was checked. */
  done: boolean;
  /** `journal-broken`, with the first bad entry in `at`; null while all is well. */
  broken: TocsinError | null;
}

const pageSize = 500;

/**
 * Recomputes the hashes of up to `limit` entries after `from`, checks that each follows the one before, that the columns beside the
 * bytes say the same, and at the end that the head is the last entry. Yields to the event loop before each page. Only checkCheckpoint
 * finds a tail that was cut together with the head row.
 */
export async function verifyJournal(
  store: Pick<Store, 'journalRows' | 'head'>,
  { from = beginning, limit = Number.MAX_SAFE_INTEGER }: { from?: Position; limit?: number } = {},
): Promise<JournalCheck> {
  const checker = createChecker(from);
  let head = await store.head();
  for (let left = limit; left > 0; ) {
    await nextTurn();
    const page = await store.journalRows({ after: checker.at().seq, limit: Math.min(left, pageSize) });
    for (const row of page) {
      const broken = checker.take(row);
      if (broken !== null) return { at: checker.at(), done: false, broken };
    }
    if (page.length === 0) {
      // Entries may have come since the head was read, so one that is behind is read once more.
      if (head.seq < checker.at().seq) head = await store.head();
      const broken = endsAt(head, checker.at());
      return { at: checker.at(), done: broken === null, broken };
    }
    left -= page.length;
  }
  return { at: checker.at(), done: false, broken: null };
}

/** The journal as NDJSON lines, each with its line end: `{"seq", "prev", "hash", "bytes"}`, where `bytes` is the exact text that is hashed. */
export async function* exportJournal(
  store: Pick<Store, 'journalRows'>,
  { after = 0, limit = Number.MAX_SAFE_INTEGER }: { after?: number; limit?: number } = {},
): AsyncGenerator<string, void, undefined> {
  let last = after;
  for (let left = limit; left > 0; await nextTurn()) {
    const page = await store.journalRows({ after: last, limit: Math.min(left, pageSize) });
    if (page.length === 0) return;
    for (const { seq, prev, hash, bytes } of page) yield `${JSON.stringify({ seq, prev, hash, bytes })}\n`;
    last = page.at(-1)?.seq ?? last;
    left -= page.length;
  }
}

interface Checker {
  at(): Position;
  /** Null when the row follows the last one; its position is then that of the checker. */
  take(row: JournalRow): TocsinError | null;
}

function createChecker(from: Position): Checker {
  let at = from;
  /** The last position of each stream that was seen. A check from the beginning knows that streams begin at 1. */
  const positions = new Map<string, number>();

  function refuse(row: JournalRow): string | null {
    if (row.seq !== at.seq + 1) return `entry ${at.seq + 1} is missing`;
    if (row.prev !== at.hash) return 'its previous hash is not the hash of the entry before';
    if (entryHash(row.prev, row.seq, row.bytes) !== row.hash) return 'its bytes do not have its hash';
    const columns = columnsDiffer(row);
    if (columns !== null) return columns;
    const before = positions.get(row.stream) ?? (from.seq === 0 ? 0 : row.position - 1);
    positions.set(row.stream, before + 1);
    return row.position === before + 1 ? null : `its position in ${row.stream} is ${row.position}, not ${before + 1}`;
  }

  return {
    at: () => at,
    take(row) {
      const because = refuse(row);
      if (because !== null) return broken(at.seq + 1, because);
      at = { seq: row.seq, hash: row.hash };
      return null;
    },
  };
}

/** The columns for look-ups are outside of the hash, so they must say what the bytes say. */
function columnsDiffer(row: JournalRow): string | null {
  try {
    const { stream, fact } = JSON.parse(row.bytes);
    if (stream !== row.stream) return `its stream column is ${row.stream}`;
    return fact.kind === row.kind ? null : `its kind column is ${row.kind}`;
  } catch (error) {
    return `its bytes are no entry: ${messageOf(error)}`;
  }
}

function endsAt(head: Position, at: Position): TocsinError | null {
  if (at.seq < head.seq) return broken(at.seq + 1, `it is missing, and the head is entry ${head.seq}`);
  if (at.seq > head.seq) return broken(head.seq + 1, `it is there, but the head is entry ${head.seq}`);
  return at.hash === head.hash ? null : broken(at.seq, 'the head has another hash for it');
}

function broken(seq: number, because: string): TocsinError {
  return new TocsinError('journal-broken', { at: `entry ${seq}`, given: because });
}

/**
 * A note of the head to keep outside of the database, signed with Ed25519: `origin`, sequence and hash, each on its line, an empty
 * line, and the signature in the form of signed notes (c2sp.org/signed-note), so that other tools verify it too.
 * `origin` names this installation: one word without spaces or a plus sign. Throws `bad-request` for any other.
 */
export function createCheckpoint(origin: string, head: Position, privateKey: KeyObject): string {
  if (!/^[^\s+]+$/u.test(origin)) {
    const allowed = 'one word without spaces or a plus sign';
    throw new TocsinError('bad-request', { message: 'This cannot be an origin.', allowed, given: origin });
  }
  const text = `${origin}\n${head.seq}\n${head.hash}\n`;
  const signature = Buffer.concat([
    keyHash(origin, createPublicKey(privateKey)),
    sign(null, Buffer.from(text), privateKey),
  ]);
  return `${text}\n\u2014 ${origin} ${signature.toString('base64')}\n`;
}

/**
 * Checks a checkpoint against the journal as it is now and resolves to its position. Rejects with `journal-broken` when it is
 * not signed by this key for this origin, when the journal ends before it (a cut tail, an old backup), or when that entry is another.
 */
export async function checkCheckpoint(
  store: Pick<Store, 'journalRows' | 'head'>,
  note: string,
  { origin, publicKey }: { origin: string; publicKey: KeyObject },
): Promise<Position> {
  const claimed = readCheckpoint(note, origin, publicKey);
  const head = await store.head();
  if (head.seq < claimed.seq) {
    throw new TocsinError('journal-broken', {
      message: 'The journal ends before the checkpoint: its tail was cut, or an old copy was put back.',
      at: `entry ${head.seq + 1}`,
      allowed: `at least ${claimed.seq} entries`,
      given: `${head.seq}`,
    });
  }
  const [row] = claimed.seq === 0 ? [] : await store.journalRows({ after: claimed.seq - 1, limit: 1 });
  const found = claimed.seq === 0 ? beginning : row;
  if (found?.seq === claimed.seq && found.hash === claimed.hash) return claimed;
  throw new TocsinError('journal-broken', {
    message: 'The journal is not the one that the checkpoint was made of.',
    at: `entry ${claimed.seq}`,
    allowed: claimed.hash,
    given: found?.hash ?? 'no entry',
  });
}

/** The position in a checkpoint. Throws `journal-broken` unless it is signed by this key for this origin. */
function readCheckpoint(note: string, origin: string, publicKey: KeyObject): Position {
  const [, text = '', name, seq, hash, signer, base64 = ''] =
    /^(([^\n]+)\n(\d{1,15})\n([0-9a-f]{64})\n)\n\u2014 ([^ \n]+) ([A-Za-z0-9+/=]+)\n$/u.exec(note) ?? [];
  const signature = Buffer.from(base64, 'base64');
  const signed =
    name === origin &&
    signer === origin &&
    signature.subarray(0, 4).equals(keyHash(origin, publicKey)) &&
    verify(null, Buffer.from(text), publicKey, signature.subarray(4));
  if (!signed || hash === undefined) {
    throw new TocsinError('journal-broken', {
      message: 'This is no checkpoint that was signed by this key.',
      allowed: `a note of ${origin}`,
      given: name === undefined ? 'no note' : `a note of ${name}`,
      remedy: 'Use the checkpoint and the public key that belong together.',
    });
  }
  return { seq: Number(seq), hash };
}

/** The first four bytes of SHA-256 over name, line end, 1 for Ed25519 and the raw public key (c2sp.org/signed-note). */
function keyHash(name: string, publicKey: KeyObject): Buffer {
  const raw = Buffer.from(String(publicKey.export({ format: 'jwk' }).x), 'base64url');
  const hash = createHash('sha256')
    .update(`${name}\n`)
    .update(Buffer.from([1]))
    .update(raw);
  return hash.digest().subarray(0, 4);
}

/** A new key pair for checkpoints, as PEM. The private one belongs outside of the data folder. */
export function createCheckpointKeys(): { privateKey: string; publicKey: string } {
  return generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
}
