import { expect, it } from 'vitest';
import { startDelivery } from '../../src/flow/deliver/deliver.ts';
import { createFeed } from '../../src/flow/journal/feed.ts';
import { createOutputSignals } from '../../src/flow/journal/output-signals.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { createKeyedMutex } from '../../src/kernel/mutex.ts';
import type { Card, Post } from '../../src/model/card.ts';
import { configFile } from '../../src/model/config.ts';
import type { ChatConnection } from '../../src/ports/chat.ts';
import type { Change, Store } from '../../src/ports/store.ts';
import type { ChatHarness } from './chat.ts';
import { samplePost } from './samples.ts';

/** How often a thread is opened: a race that is lost one time in two does not win all of these. */
const rounds = 50;
/** A hold ends by itself, milliseconds: whoever waits for the record before it goes on is right too. */
const longestHold = 500;

/**
 * A thread is opened while an older one changes. The commit that writes the root's reference down takes its time, just where a reply may
 * be on its way: nothing may be lost in between, whatever the platform looks up.
 */
export function lateRootContract(start: () => Promise<ChatHarness>): void {
  it('loses nothing of a thread whose first message is written down late', async () => {
    const harness = await start();
    for (let round = 0; round < rounds; round++) harness.openChannel(`room-${round}`);
    const immediate = harness.platform.capabilities.immediate === true;
    const flow = deliverLate(harness);
    const known = post(harness, 'alert/known/1', 'alerts');
    await flow.put(known);
    await flow.delivery.settled();
    for (let round = 0; round < rounds; round++) {
      const channel = `room-${round}`;
      const root = post(harness, `alert/r${round}/1`, channel);
      const inThread = { thread: root.key, order: 2 };
      const ask = post(harness, `approval/r${round}`, channel, { ...inThread, card: card(`Run it? ${round}`, 'ask') });
      const note = post(harness, `note/r${round}/0`, channel, {
        ...inThread,
        card: card(`Noted ${round}`),
        over: true,
      });
      // A row that is the message cannot be known late.
      if (!immediate) flow.holdBack(root.key, () => flow.change(known.key, `Known ${round}`));
      await flow.put(root, ask, note);
      await flow.until(async () => (await flow.missing([root, ask, note])).length === 0);
      const texts = (await harness.thread(root)).join('\n');
      expect(texts).toContain(`Run it? ${round}`);
      expect(texts).toContain(`Noted ${round}`);
    }
    expect(flow.held()).toBe(immediate ? 0 : rounds);
    expect(flow.delivery.trouble()).toBeNull();
    await flow.stop();
  }, 120_000);
}

function card(title: string, tone: Card['tone'] = 'warning'): Card {
  return { tone, title, badge: null, blocks: [], buttons: [], mention: [] };
}

function post({ platform }: ChatHarness, key: string, channel: string, over: Partial<Post> = {}): Post {
  const made = samplePost({ platform: platform.id, key, channel, createdAt: Date.now(), card: card(key), ...over });
  // What a platform shows from the store is delivered as soon as it is stored.
  return platform.capabilities.immediate === true ? { ...made, ref: key, delivered: made.wanted } : made;
}

/** The real delivery over the connection, with a store that holds back what is known of roots until a reply was tried. */
function deliverLate(harness: ChatHarness) {
  const { double, platform } = harness;
  const { rateLimits: _, ...capabilities } = { ...platform.capabilities, editEvery: 0 };
  const tried = new Set<string>();
  let late: { root: string; meanwhile(): Promise<void> } | null = null;
  let held = 0;
  const connection: ChatConnection = {
    ...harness.bare,
    async deliver(one, root) {
      try {
        return await harness.bare.deliver(one, root);
      } finally {
        if (one.thread !== null) tried.add(one.thread);
      }
    },
  };
  const store: Store = Object.assign(Object.create(double.store), {
    async commit(change: Change) {
      const hold = late;
      if (hold !== null && givesReference(change, hold.root)) {
        late = null;
        held += 1;
        await hold.meanwhile();
        await until(() => tried.has(hold.root), longestHold);
      }
      return await double.store.commit(change);
    },
  });
  const feed = createFeed({ store, log: silentLog, sleep: ms => new Promise(resolve => setTimeout(resolve, ms)) });
  const delivery = startDelivery({
    platform: platform.id,
    connection,
    platforms: () => new Map([[platform.id, capabilities]]),
    baseUrl: () => 'http://tocsin.example',
    store,
    feed,
    catalogue: { current: () => ({ config: configFile.parse({}) }) as never },
    cards: { showTime: at => new Date(at).toISOString() },
    mutex: createKeyedMutex(),
    outputs: createOutputSignals(),
    clock: double.host.clock,
    log: silentLog,
  });
  return {
    delivery,
    /** What is written down about this root comes late, and something else happens first. */
    holdBack(root: string, meanwhile: () => Promise<void>) {
      late = { root, meanwhile };
    },
    held: () => held,
    async change(key: string, title: string) {
      const row = await double.store.post(platform.id, key);
      if (row === null) throw new Error(`${key} is not stored`);
      await feed.commit({ rows: [{ table: 'post', doc: { ...row, wanted: row.wanted + 1, card: card(title) } }] });
    },
    async put(...posts: Post[]) {
      await feed.commit({ rows: posts.map(doc => ({ table: 'post', doc })) });
    },
    /** Those that the platform does not show as they are wanted. */
    async missing(posts: readonly Post[]) {
      const rows = await Promise.all(posts.map(({ key }) => double.store.post(platform.id, key)));
      return rows.filter(row => row === null || row.wanted > row.delivered || row.ref === null);
    },
    async until(holds: () => Promise<boolean>) {
      for (let tries = 0; tries < 2000; tries++) {
        if (await holds()) return;
        await new Promise(resolve => setTimeout(resolve, 5));
      }
      throw new Error('a thread was not delivered in ten seconds');
    },
    async stop() {
      await delivery.stop();
      await feed.close();
    },
  };
}

function givesReference(change: Change, root: string): boolean {
  return (change.rows ?? []).some(row => row.table === 'post' && row.doc.key === root && row.doc.ref !== null);
}

async function until(holds: () => boolean, most: number): Promise<void> {
  for (let waited = 0; waited < most && !holds(); waited += 5) await new Promise(resolve => setTimeout(resolve, 5));
}
