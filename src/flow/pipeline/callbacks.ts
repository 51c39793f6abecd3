import type { Clock } from '../../kernel/clock.ts';
import { createFetchPublic } from '../../kernel/egress/public.ts';
import { isCode, messageOf, TocsinError } from '../../kernel/errors.ts';
import { cutLine } from '../../kernel/text.ts';
import type { Delivery } from '../../ports/source.ts';

/** Requests that a delivery needs before it can be taken, to addresses that its sender names and its source allows. */
export interface Callbacks {
  /**
   * The delivery with the key of this address. Rejects with `key-unreachable` when it is not known whether there is one, and with
   * `overloaded` while too many are fetched.
   */
  withKey(delivery: Delivery, address: string | null): Promise<Delivery>;
  /** The delivery with how a request to this address went. Never rejects. */
  askedBack(delivery: Delivery, address: string): Promise<Delivery>;
}

/** How long a key is believed, and that there is none, milliseconds. */
const keep = { key: 24 * 3_600_000, none: 60_000 };
/** The most keys that are kept, and the most that are fetched at one time: strangers can name addresses too. */
const most = { kept: 64, fetched: 8 };
/** Senders wait 15 s or longer, and the delivery has to be committed too. Milliseconds. */
const timeout = 5_000;

export function createCallbacks(parts: { clock: Pick<Clock, 'monotonic'>; fetchPublic?: typeof fetch }): Callbacks {
  const request = parts.fetchPublic ?? createFetchPublic();
  const known = new Map<string, { key: string | null; until: number }>();
  const fetched = new Map<string, Promise<string | null>>();

  async function keyOf(address: string): Promise<string | null> {
    const now = parts.clock.monotonic();
    const found = known.get(address);
    if (found !== undefined && now < found.until) return found.key;
    const under = fetched.get(address);
    if (under !== undefined) return await under;
    if (fetched.size >= most.fetched)
      // Strangers can bring this about, so it says nothing about the sender's key, and nobody is told.
      throw new TocsinError('overloaded', { message: 'Too many keys are fetched.' });
    const work = fetchKey(address, request).finally(() => fetched.delete(address));
    fetched.set(address, work);
    const key = await work;
    known.delete(address);
    known.set(address, { key, until: now + (key === null ? keep.none : keep.key) });
    forget(known);
    return key;
  }

  return {
    withKey: async (delivery, address) => (address === null ? delivery : { ...delivery, key: await keyOf(address) }),
    async askedBack(delivery, address) {
      try {
        const answer = await request(address, { redirect: 'error', signal: AbortSignal.timeout(timeout) });
        await answer.arrayBuffer();
        return { ...delivery, askedBack: answer.ok ? { ok: true } : failed(`it answered ${answer.status}`) };
      } catch (error) {
        return { ...delivery, askedBack: failed(messageOf(error)) };
      }
    },
  };
}

/** Drops those without a key first, so that made up addresses cannot put out the real ones. */
function forget(known: Map<string, { key: string | null }>): void {
  if (known.size <= most.kept) return;
  const [oldest] = known.keys();
  const without = [...known].find(([, { key }]) => key === null)?.[0];
  known.delete(without ?? oldest ?? '');
}

function failed(because: string): { ok: false; because: string } {
  return { ok: false, because: cutLine(because, 200) };
}

/** Statuses after which a key may be there all the same: a proxy that asks for a login, a server that is slow or busy. */
const passing = new Set([407, 408, 425, 429]);

/** Null when there is none. Rejects with `key-unreachable`. */
async function fetchKey(address: string, request: typeof fetch): Promise<string | null> {
  try {
    const answer = await request(address, { redirect: 'error', signal: AbortSignal.timeout(timeout) });
    const text = await answer.text();
    if (answer.ok) return text;
    if (answer.status < 500 && !passing.has(answer.status)) return null;
    throw new TocsinError('key-unreachable', {
      message: `The key cannot be fetched: its host answered ${answer.status}.`,
    });
  } catch (error) {
    if (isCode(error, 'key-unreachable')) throw error;
    if (isCode(error, 'response-too-large')) return null;
    throw new TocsinError('key-unreachable', {
      message: cutLine(`The key cannot be fetched: ${messageOf(error)}`, 300),
      cause: error,
    });
  }
}
