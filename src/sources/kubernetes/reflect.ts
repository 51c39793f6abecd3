import type { Clock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { IncomingAlert } from '../../model/event.ts';
import { ApiRefusal, type Client } from './client.ts';
import { kubeStatus } from './shapes.ts';

/** One change that a watch told. */
export interface Change {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: unknown;
}

/** What follows a list and a watch of one kind of object. Both are called one after the other, and tried again when they reject. */
export interface Follower {
  /** All objects, as of `version`; `begun` is when they were asked for, by our clock, milliseconds. */
  listed(items: readonly unknown[], version: string, begun: number): Promise<void>;
  /** Changes in order; `version` is that of the last one. No changes: a bookmark. */
  changed(changes: readonly Change[], version: string): Promise<void>;
}

/** Follows something that has a state, so that what is not in it any more is over. It is listed at each start: its state is no news. */
export interface StateFollower extends Follower {
  /** Looks at what only time decides: a container that runs steadily, a condition that lasts. Called within `exclusive`. */
  sweep(): Promise<IncomingAlert[]>;
}

export interface ReflectParts {
  client: Client;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  /** Told whether the watch is well, each time that this changes. */
  health(path: string, trouble: string | null): void;
}

/** The most changes that wait; then the stream is left, and followed again from what was handled. */
const mostWaiting = 5000;

/** Back-off after failures, milliseconds. */
const shortest = 500;
const longest = 30_000;

/** After so long without any change or bookmark the objects are listed anew: a restored cluster may be silent for ever, milliseconds. */
const longestSilence = 30 * 60_000;

/**
 * Follows one path until the signal aborts: a list where there is no version to go on from, then watches, each from the last version that
 * was handled. A version that the server no longer has (410, as an answer or within the stream) is a new list.
 */
export async function reflect(
  path: string,
  from: string | null,
  follower: Follower,
  parts: ReflectParts,
): Promise<void> {
  const { client, clock, signal } = parts;
  let version = from;
  let heard = clock.monotonic();
  // How often in a row the version was refused, and the stream fell silent.
  let [gone, silent, pause] = [0, 0, 0];

  async function once(): Promise<void> {
    if (version === null || clock.monotonic() - heard > longestSilence) {
      const asked = clock.now();
      const list = await client.list(path, signal);
      await follower.listed(list.items, list.version, asked);
      version = list.version;
      heard = clock.monotonic();
      // That it can be listed does not say yet that it can be watched.
      if (pause === 0) parts.health(path, null);
    }
    const [begun, before] = [clock.monotonic(), version];
    version = await stream(path, before, follower, parts);
    if (version !== before) heard = clock.monotonic();
    else if (clock.monotonic() - begun < 1000) throw new Error('the stream ended at once');
  }

  /** Keeps what was handled, and decides how it goes on; resolves after a pause. */
  async function recover(error: unknown): Promise<void> {
    if (error instanceof Broken) version = error.version;
    const why = error instanceof Broken ? error.why : error;
    gone = isGone(why) ? gone + 1 : 0;
    silent = isSilent(why) ? silent + 1 : 0;
    if (gone > 0) version = null;
    const usual = gone === 1 || silent === 1;
    if (!usual) parts.health(path, messageOf(why));
    pause = usual ? 0 : Math.min(longest, Math.max(shortest, pause * 2));
    await clock.sleep(pause * (0.75 + Math.random() / 2), signal).catch(() => {});
  }

  while (!signal.aborted) {
    try {
      await once();
      [gone, silent, pause] = [0, 0, 0];
      parts.health(path, null);
    } catch (error) {
      if (!signal.aborted) await recover(error);
    }
  }
}

/** The stream broke; what came until `version` was handled. */
class Broken extends Error {
  readonly version: string;
  readonly why: unknown;
  constructor(version: string, why: unknown) {
    super(messageOf(why));
    this.version = version;
    this.why = why;
  }
}

/** One watch. Resolves to the last version that was handled. */
async function stream(path: string, from: string, follower: Follower, parts: ReflectParts): Promise<string> {
  const end = new AbortController();
  const waiting: { change: Change | null; version: string }[] = [];
  let version = from;
  let failure: unknown = null;
  let turn: Promise<void> | null = null;

  async function drain(): Promise<void> {
    while (waiting.length > 0 && failure === null) {
      const some = waiting.splice(0, 100);
      const last = some.at(-1)?.version ?? version;
      await follower.changed(
        some.flatMap(({ change }) => (change === null ? [] : [change])),
        last,
      );
      version = last;
      parts.health(path, null);
    }
  }

  function fail(error: unknown): void {
    failure ??= error;
    end.abort();
  }

  function hear(type: string, object: unknown): void {
    const found = versionOf(object);
    const known = type === 'BOOKMARK' || type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED';
    if (failure !== null) return;
    if (type === 'ERROR') fail(errorOf(object));
    else if (waiting.length >= mostWaiting) fail(new Error('more changes came than could be handled'));
    if (failure !== null || found === null || !known) return;
    waiting.push({ change: type === 'BOOKMARK' ? null : { type, object }, version: found });
    turn ??= drain()
      .catch(fail)
      .finally(() => {
        turn = null;
      });
  }

  const signal = AbortSignal.any([parts.signal, end.signal]);
  await parts.client.watch(path, from, hear, signal).catch(fail);
  while (turn !== null) await turn;
  if (failure !== null) throw new Broken(version, failure);
  return version;
}

/** The client swallows what a callback throws, so nothing here may throw. */
function versionOf(object: unknown): string | null {
  const found = (object as { metadata?: { resourceVersion?: unknown } } | null)?.metadata?.resourceVersion;
  return typeof found === 'string' && found !== '' && found.length <= 256 ? found : null;
}

function errorOf(object: unknown): ApiRefusal {
  const parsed = kubeStatus.safeParse(object);
  if (!parsed.success) return new ApiRefusal(500, 'an error without a status');
  const { code, reason, message } = parsed.data;
  const gone = reason === 'Expired' || reason === 'Gone';
  return new ApiRefusal(gone ? 410 : (code ?? 500), `${code ?? 500} ${message.slice(0, 300) || reason}`);
}

/** The version is no longer there, or is none of this server (one of another cluster, or of before a restore). */
function isGone(error: unknown): boolean {
  return error instanceof ApiRefusal && [400, 410, 422].includes(error.status);
}

/** Nothing came for 30 s, although the server ends each watch earlier: the connection is dead, which a network does now and then. */
function isSilent(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError';
}
