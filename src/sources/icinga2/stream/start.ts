import { randomUUID } from 'node:crypto';
import type { Egress } from '../../../kernel/egress/egress.ts';
import { messageOf } from '../../../kernel/errors.ts';
import { basicHeader } from '../../../kernel/signature.ts';
import type { EmitTools } from '../../../ports/emit.ts';
import { requesterOf } from '../api.ts';
import type { ApiOptions, Options } from '../options.ts';
import { createDesk } from './desk.ts';
import { createFollower, type Follower } from './follow.ts';
import { createLines } from './lines.ts';
import { eventTypes, streamEvent } from './shapes.ts';

/** Back-off between two connections, milliseconds. A reload of Icinga takes a second or two. */
const backoff = [500, 1000, 2000, 5000, 10_000, 30_000];
/** What closes streams sooner than this, again and again, is not asked for lists all the time. Milliseconds. */
const shortest = 10_000;
/** After so many failures one after the other, the operators are told. */
const patience = 4;
/** How long the head of the answer may take, milliseconds. Icinga sends it once it collects events for us. */
const headTime = 10_000;
/** The longest list of problems, bytes. */
const longestList = 64 * 1024 * 1024;

type Parts = EmitTools & { signal: AbortSignal };

/** Follows the stream until it is stopped. It resolves at once: an Icinga that cannot be reached is tried again. */
export async function start(options: Options, tools: EmitTools): Promise<() => Promise<void>> {
  const { api } = options;
  if (api?.stream !== true) return async () => {};
  const stopping = new AbortController();
  const ended = run(api, options, { ...tools, signal: stopping.signal });
  return async () => {
    stopping.abort(new Error('stopped'));
    await ended;
  };
}

async function run(api: ApiOptions, options: Options, parts: Parts): Promise<void> {
  const { clock, log, signal } = parts;
  const { host } = new URL(api.url);
  // Loaded by the first that follows a stream, because it is heavy.
  const { createEgress } = await import('../../../kernel/egress/egress.ts');
  const reach = { allow: [host], private: [host], ca: api.ca };
  // The time without a byte is counted by the clock of the session; the egress is the backstop.
  const list = createEgress({ ...reach, maxBody: longestList });
  const stream = createEgress({ ...reach, maxBody: Number.POSITIVE_INFINITY, patience: 2 * api.lookEvery + 60_000 });
  const request = requesterOf(api, { fetch: list.fetch, signal });
  const desk = createDesk(options, parts);
  const follower = createFollower({
    password: api.password,
    // With a token the notifications bring the words.
    tellsWords: options.token === undefined,
    desk,
    request,
    live: () => parts.liveAlerts(),
  });
  let failures = 0;
  let short = 0;
  while (!signal.aborted) {
    const since = clock.monotonic();
    try {
      const how = await session(api, stream, follower, { ...parts, well: () => well() });
      log.debug({ how }, 'the event stream of Icinga ended, and is opened again');
    } catch (error) {
      if (signal.aborted) break;
      failures++;
      const because = messageOf(error);
      if (failures === 1) log.warn({ because }, 'the event stream of Icinga cannot be followed, and is tried again');
      if (failures >= patience) parts.trouble(`the event stream of Icinga cannot be followed: ${because}`);
    }
    short = clock.monotonic() - since < shortest ? short + 1 : 0;
    const step = Math.max(failures, short - 1);
    await clock.sleep(backoff[Math.min(step, backoff.length - 1)] ?? 0, signal).catch(() => {});
  }
  await Promise.all([list.close(), stream.close()]);

  function well(): void {
    if (failures > 0) log.info({}, 'the event stream of Icinga is followed again');
    if (failures >= patience) parts.trouble(null);
    failures = 0;
  }
}

/**
 * One connection. Icinga collects events from before it sends the head of its answer, so the list that is asked for then and the events
 * behind it leave no gap. Resolves to why it ended; rejects when it cannot be opened, or the list cannot be asked for.
 */
async function session(
  api: ApiOptions,
  egress: Egress,
  follower: Follower,
  { clock, log, signal, well }: Parts & { well(): void },
): Promise<'closed' | 'broken' | 'silent'> {
  const ending = new AbortController();
  const both = AbortSignal.any([signal, ending.signal]);
  try {
    const reader = await open(api, egress, { clock, signal: both, ending });
    await follower.compare();
    well();
    const read = createLines();
    let heard = false;
    let isDue = false;
    let look = clock.sleep(api.lookEvery, both).then(
      () => null,
      () => null,
    );
    let next = reader.read();
    next.catch(() => {});
    for (;;) {
      const part = await Promise.race([next, look]).catch(() => 'broken' as const);
      signal.throwIfAborted();
      if (part === 'broken') return 'broken';
      if (part === null) {
        // Nothing tells a quiet Icinga from a connection that is dead.
        if (!heard) return 'silent';
        heard = false;
        look = clock.sleep(api.lookEvery, both).then(
          () => null,
          () => null,
        );
        isDue = true;
      } else if (part.done) return 'closed';
      else {
        heard = true;
        next = reader.read();
        next.catch(() => {});
        for (const line of read(part.value)) if (await hearLine(line, follower, log)) isDue = true;
      }
      if (isDue) await follower.compare();
      isDue = false;
    }
  } finally {
    ending.abort(new Error('the session is over'));
  }
}

async function open(
  api: ApiOptions,
  egress: Egress,
  { clock, signal, ending }: Pick<Parts, 'clock' | 'signal'> & { ending: AbortController },
) {
  const answered = new AbortController();
  clock.sleep(headTime, answered.signal).then(
    () => ending.abort(new Error('Icinga sent no answer within 10 s')),
    () => {},
  );
  try {
    const answer = await egress.fetch(`${api.url.replace(/\/+$/, '')}/v1/events`, {
      method: 'POST',
      redirect: 'error',
      headers: {
        accept: 'application/json',
        'content-type': 'application/json',
        authorization: basicHeader(api.user, api.password),
      },
      // A queue of its own for each connection, so that no other takes events out of it.
      body: JSON.stringify({ queue: `tocsin-${randomUUID()}`, types: eventTypes }),
      signal,
    });
    if (answer.status !== 200 || answer.body === null)
      throw new Error(`Icinga answered ${answer.status}: ${remedyOf(answer.status)}`);
    return answer.body.getReader();
  } finally {
    answered.abort();
  }
}

function remedyOf(status: number): string {
  if (status === 401) return 'api.user or api.password is wrong';
  if (status === 403 || status === 404) return 'the ApiUser lacks a permission, and `npx tocsin doctor` says which';
  return 'it gives no stream';
}

/** True when only a list tells what became of it. */
async function hearLine(line: string, follower: Follower, log: Parts['log']): Promise<boolean> {
  const event = eventOf(line);
  if (event !== null) return follower.hear(event);
  log.warn({}, 'a line of the event stream of Icinga cannot be read, so its problems are listed');
  return true;
}

function eventOf(line: string) {
  try {
    return streamEvent.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}
