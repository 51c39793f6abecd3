import type { ServerResponse } from 'node:http';
import type { Clock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { ChatHost } from '../../ports/chat.ts';
import type { PageFeed } from './stream.ts';
import type { Viewer } from './viewer.ts';

export interface HubLimits {
  /** Open pages at the same time. */
  streams: number;
  /** Milliseconds between two messages to one page; changes in between are sent together. */
  pause: number;
  /** Milliseconds after which a quiet stream gets a comment, so that proxies keep it open. */
  heartbeat: number;
  /** Milliseconds that a page may accept no data before its stream is closed; the page reconnects by itself. */
  stalled: number;
}

export const hubLimits: HubLimits = { streams: 64, pause: 250, heartbeat: 15_000, stalled: 60_000 };

/** The open pages. Each has at most one message in flight; while it is slow, changes are coalesced. */
export interface Hub {
  /** False when there are too many. */
  full(): boolean;
  open(response: ServerResponse, feed: PageFeed, viewer: () => Promise<Viewer | null>): void;
  /** Updates all pages after a change. */
  wake(): void;
  count(): number;
  close(): void;
}

interface Stream {
  response: ServerResponse;
  feed: PageFeed;
  viewer: () => Promise<Viewer | null>;
  due: boolean;
  busy: boolean;
  lastSent: number;
  /** When it stopped taking data; null while it takes it. */
  blockedSince: number | null;
  timer: NodeJS.Timeout | null;
  outputs: Map<string, () => void>;
}

export function createHub(parts: { host: ChatHost; clock: Clock; log: Log; limits: HubLimits }): Hub {
  const { clock, limits } = parts;
  const streams = new Set<Stream>();
  const beat = setInterval(() => streams.forEach(keepAlive), limits.heartbeat).unref();

  function keepAlive(stream: Stream): void {
    if (stream.blockedSince !== null) {
      if (clock.monotonic() - stream.blockedSince > limits.stalled) drop(stream);
      return;
    }
    write(stream, ': still here\n\n');
    schedule(stream);
  }

  function schedule(stream: Stream): void {
    stream.due = true;
    if (stream.busy || stream.timer !== null || stream.blockedSince !== null || !streams.has(stream)) return;
    // Each page costs reads and rendering, so the pause grows with their number.
    const pause = limits.pause * (1 + streams.size / 8);
    const wait = Math.max(0, stream.lastSent + pause - clock.monotonic());
    stream.timer = setTimeout(() => {
      stream.timer = null;
      void send(stream);
    }, wait);
  }

  async function send(stream: Stream): Promise<void> {
    stream.due = false;
    stream.busy = true;
    try {
      const viewer = await stream.viewer();
      // The session has ended, so the page must not receive more.
      if (viewer === null) return drop(stream);
      const { texts, stamp } = await stream.feed.next(viewer);
      if (!streams.has(stream)) return;
      if (texts.length > 0) write(stream, frames(texts, stamp));
      followOutputs(stream, parts.host, () => schedule(stream));
    } catch (error) {
      parts.log.warn({ error: messageOf(error) }, 'a console page could not be brought up to date; it will reconnect');
      drop(stream);
    } finally {
      stream.busy = false;
      stream.lastSent = clock.monotonic();
    }
    if (stream.due) schedule(stream);
  }

  function write(stream: Stream, text: string): void {
    if (stream.response.write(text)) return;
    stream.blockedSince = clock.monotonic();
    stream.response.once('drain', () => {
      stream.blockedSince = null;
      if (stream.due) schedule(stream);
    });
  }

  function drop(stream: Stream): void {
    if (!streams.delete(stream)) return;
    release(stream);
  }

  return {
    full: () => streams.size >= limits.streams,
    count: () => streams.size,
    wake: () => streams.forEach(schedule),
    open(response, feed, viewer) {
      const stream = createStream(response, feed, viewer, clock.monotonic() - limits.pause);
      streams.add(stream);
      for (const end of ['close', 'error']) response.on(end, () => drop(stream));
      write(stream, 'retry: 1000\n\n');
      schedule(stream);
    },
    close() {
      clearInterval(beat);
      for (const stream of streams) drop(stream);
    },
  };
}

function createStream(
  response: Stream['response'],
  feed: Stream['feed'],
  viewer: Stream['viewer'],
  lastSent: number,
): Stream {
  return {
    response,
    feed,
    viewer,
    due: false,
    busy: false,
    lastSent,
    blockedSince: null,
    timer: null,
    outputs: new Map(),
  };
}

function release(stream: Stream): void {
  if (stream.timer !== null) clearTimeout(stream.timer);
  for (const stop of stream.outputs.values()) stop();
  stream.outputs.clear();
  stream.response.destroy();
}

/** Subscribes to the output of the runs that the page shows live, and unsubscribes from others. */
function followOutputs(stream: Stream, host: ChatHost, more: () => void): void {
  const wanted = new Set(stream.feed.liveRuns());
  for (const run of wanted) {
    if (!stream.outputs.has(run)) stream.outputs.set(run, host.onOutput(run, more));
  }
  for (const [run, stop] of stream.outputs) {
    if (wanted.has(run)) continue;
    stop();
    stream.outputs.delete(run);
  }
}

/** Encodes server-sent events. The id of the last is the stamp that the page is then at; it comes back as Last-Event-ID. */
function frames(texts: readonly string[], stamp: number): string {
  const bodies = texts.map(text =>
    text
      .split(/\r\n|\r|\n/)
      .map(line => `data: ${line}\n`)
      .join(''),
  );
  return bodies.map((body, index) => (index === bodies.length - 1 ? `id: ${stamp}\n${body}\n` : `${body}\n`)).join('');
}
