import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeliverParts } from '../../../src/flow/deliver/context.ts';
import { type Delivery, startDelivery } from '../../../src/flow/deliver/deliver.ts';
import { createFeed, type Feed } from '../../../src/flow/journal/feed.ts';
import { createOutputSignals, type OutputSignals } from '../../../src/flow/journal/output-signals.ts';
import { TocsinError } from '../../../src/kernel/errors.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import { createKeyedMutex, type KeyedMutex } from '../../../src/kernel/mutex.ts';
import { type Card, markOf, type Post } from '../../../src/model/card.ts';
import { configFile } from '../../../src/model/config.ts';
import type { ChatCapabilities, ChatConnection, ChatFile, Rate } from '../../../src/ports/chat.ts';
import type { Row, Store } from '../../../src/ports/store.ts';
import sqlite from '../../../src/stores/sqlite/index.ts';
import { samplePost } from '../../contracts/samples.ts';
import { createClock, type HandClock } from '../../doubles/clock.ts';

/** One thing that a person saw happen on the platform. */
export interface Seen {
  at: number;
  what: 'post' | 'edit' | 'file';
  key: string;
  channel: string;
  title: string;
  text: string;
}

/** A platform in memory that keeps its limits as strictly as the real ones: more than the rate is refused, and counted. */
export interface ScriptedChat {
  connection: ChatConnection;
  seen: Seen[];
  /** Requests that came though the documented rate did not allow them. */
  tooMany: number;
  /** Replies whose thread did not exist. */
  orphans: string[];
  down: boolean;
  /** So many of the next requests are done, but their answers do not arrive. */
  loseAnswers: number;
  /** Channels in which the bot is not. */
  closed: Set<string>;
  /** References of messages that somebody deleted. */
  deleted: Set<string>;
  /** Called before each request; may throw what the platform would answer. */
  script: (request: Omit<Seen, 'at' | 'text'>) => void | Promise<void>;
  /** The newest card of each message, by key. */
  shown: Map<string, Card>;
}

export const slackLike: ChatCapabilities = {
  maxText: 4000,
  streams: false,
  editEvery: 1000,
  rateLimits: { posts: { count: 1, per: 1000 }, allEdits: { count: 50, per: 60_000 } },
};

export interface Harness {
  clock: HandClock;
  store: Store;
  feed: Feed;
  mutex: KeyedMutex;
  outputs: OutputSignals;
  chat: ScriptedChat;
  delivery: Delivery;
  /** Stores posts as the projection does. */
  put(...posts: Partial<Post>[]): Promise<void>;
  commit(...rows: Row[]): Promise<void>;
  /** Lets time pass in small steps, so that what is due happens when it is due. */
  pass(ms: number): Promise<void>;
  /** Lets time pass until nothing is undelivered. Returns the milliseconds that it took; fails after `most`. */
  settle(most?: number): Promise<number>;
  /** Stops the delivery and starts another, as a restart does. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function createHarness(
  options: {
    capabilities?: ChatCapabilities;
    config?: unknown;
    uploads?: boolean;
    step?: number;
    metrics?: DeliverParts['metrics'];
  } = {},
): Promise<Harness> {
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-deliver-'));
  const clock = createClock();
  const opened = await sqlite.open({ folder, url: null, now: clock.now });
  // The disk takes real time, of which the clock here knows nothing: it stands still until commits are through.
  const open = { commits: 0 };
  const store: Store = Object.assign(Object.create(opened), {
    async commit(change: Parameters<Store['commit']>[0]) {
      open.commits += 1;
      return await opened.commit(change).finally(() => {
        open.commits -= 1;
      });
    },
  });
  const breathe = async () => {
    for (let turn = 0; turn < 10; turn++) {
      do await new Promise(resolve => setImmediate(resolve));
      while (open.commits > 0);
    }
  };
  const feed = createFeed({ store, log: silentLog, sleep: ms => clock.sleep(ms) });
  const capabilities = options.capabilities ?? slackLike;
  const chat = createScriptedChat({ clock, capabilities, uploads: options.uploads ?? true });
  const config = configFile.parse(options.config ?? {});
  const console_: ChatCapabilities = { maxText: 1000, streams: true, editEvery: 0, immediate: true };
  const mutex = createKeyedMutex();
  const outputs = createOutputSignals();
  const start = () =>
    startDelivery({
      platform: 'slack',
      connection: chat.connection,
      platforms: () =>
        new Map([
          ['console', console_],
          ['slack', capabilities],
        ]),
      baseUrl: () => 'http://tocsin.example',
      store,
      feed,
      catalogue: { current: () => ({ config }) as never },
      cards: { showTime: at => new Date(at).toISOString() },
      mutex,
      outputs,
      clock,
      log: silentLog,
      ...(options.metrics === undefined ? {} : { metrics: options.metrics }),
    });
  let order = 0;
  const harness: Harness = {
    clock,
    store,
    feed,
    mutex,
    outputs,
    chat,
    delivery: start(),
    async put(...posts) {
      const rows: Row[] = posts.map(post => {
        order += 1;
        const doc = samplePost({ platform: 'slack', channel: '#ops', order, createdAt: clock.now(), ...post });
        return { table: 'post', doc };
      });
      await feed.commit({ rows });
    },
    commit: async (...rows) => void (await feed.commit({ rows })),
    async pass(ms) {
      const step = options.step ?? 50;
      for (let passed = 0; passed < ms; passed += step) {
        await clock.advance(Math.min(step, ms - passed));
        await breathe();
      }
    },
    async settle(most = 120_000) {
      const state = { settled: false };
      void harness.delivery.settled().then(() => {
        state.settled = true;
      });
      for (let passed = 0; passed <= most; passed += 50) {
        await breathe();
        if (state.settled) return passed;
        await clock.advance(50);
      }
      const left = await store.posts({ platform: 'slack', undelivered: true });
      throw new Error(`not settled after ${most} ms; left are ${left.map(post => post.key).join(', ')}`);
    },
    async restart() {
      await harness.delivery.stop();
      harness.delivery = start();
    },
    async close() {
      await harness.delivery.stop();
      await feed.close();
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return harness;
}

function createScriptedChat(parts: {
  clock: HandClock;
  capabilities: ChatCapabilities;
  uploads: boolean;
}): ScriptedChat {
  const { clock } = parts;
  const limits = createLimits(parts.capabilities, clock);
  const byKey = new Map<string, string>();
  let count = 0;
  const chat: ScriptedChat = {
    connection: {} as ChatConnection,
    seen: [],
    tooMany: 0,
    orphans: [],
    down: false,
    loseAnswers: 0,
    closed: new Set(),
    deleted: new Set(),
    script: () => {},
    shown: new Map(),
  };

  async function request(what: Seen['what'], post: Post, root: Post | null, text: string): Promise<void> {
    if (chat.down) throw new TocsinError('chat-down', { message: 'the socket is closed' });
    const { key, channel } = post;
    await chat.script({ what, key, channel, title: post.card.title });
    if (chat.closed.has(channel))
      throw new TocsinError('chat-refused', {
        at: `channel ${channel}`,
        message: 'not_in_channel',
        remedy: 'Invite it.',
      });
    const limited = limits.count(what, channel);
    if (limited !== null) {
      chat.tooMany += 1;
      throw limited;
    }
    if (root !== null && chat.deleted.has(root.ref ?? '')) throw new TocsinError('chat-root-gone');
    if (post.thread !== null && (root?.key !== post.thread || root.ref === null)) chat.orphans.push(key);
    chat.seen.push({ at: clock.monotonic(), what, key, channel, title: post.card.title, text });
  }

  chat.connection = {
    async deliver(post, root) {
      const found = post.ref ?? byKey.get(markOf(post));
      const known = found === undefined || chat.deleted.has(found) ? undefined : found;
      await request(known === undefined ? 'post' : 'edit', post, root, textOf(post.card));
      chat.shown.set(post.key, post.card);
      const ref = known ?? `m${++count}`;
      byKey.set(markOf(post), ref);
      if (chat.loseAnswers > 0) {
        chat.loseAnswers -= 1;
        throw new TocsinError('chat-down', { message: 'no answer in time' });
      }
      return ref;
    },
    channels: async () => ['#ops', '#other'],
    members: async () => null,
    trouble: () => null,
    close: async () => {},
  };
  if (parts.uploads)
    chat.connection.upload = async (post, file, root) =>
      await request('file', post, root, `${file.name}\n${await read(file)}`);
  return chat;
}

async function read(file: ChatFile): Promise<string> {
  if ('png' in file) return `${file.png.length > 0 ? 'a picture' : 'nothing'}: ${file.alt}`;
  if (typeof file.text === 'string') return file.text;
  let text = '';
  for await (const part of file.text) text += part;
  return text;
}

function textOf(card: Card): string {
  return card.blocks
    .map(block => ('tail' in block ? block.tail : 'text' in block ? block.text : JSON.stringify(block)))
    .join('\n');
}

/** Counts in windows that slide: at most `count` in any `per` milliseconds. */
function createLimits({ rateLimits }: ChatCapabilities, clock: HandClock) {
  const times = new Map<string, number[]>();
  function over(name: string, rate: Rate | undefined): boolean {
    if (rate === undefined) return false;
    const now = clock.monotonic();
    const recent = (times.get(name) ?? []).filter(at => now - at < rate.per);
    if (recent.length >= rate.count) return true;
    times.set(name, [...recent, now]);
    return false;
  }
  return {
    count(what: Seen['what'], channel: string): TocsinError | null {
      const [inChannel, inAll] =
        what === 'edit' ? [rateLimits?.edits, rateLimits?.allEdits] : [rateLimits?.posts, rateLimits?.allPosts];
      if (over(`${what} ${channel}`, inChannel))
        return new TocsinError('chat-limited', { at: `channel ${channel}`, retryAfter: 1000 });
      if (over(what, inAll)) return new TocsinError('chat-limited', { at: `method ${what}`, retryAfter: 5000 });
      return null;
    },
  };
}
