import type { KeyedMutex } from '../kernel/mutex.ts';
import type { Card, Post } from '../model/card.ts';
import type { Run } from '../model/run.ts';
import type { Catalogue } from '../ports/catalogue.ts';
import type { StepOutline } from '../ports/runbook.ts';
import type { Row, Store } from '../ports/store.ts';
import type { CardTools } from './cards.ts';
import { createDraft, type Wanted } from './draft.ts';
import type { Feed, Following } from './feed.ts';

/**
 * Chat is a view (P5). This follows the journal and writes down what every thread should show: one post for each subject, rendered from
 * the state as it is now, in the same transaction as its cursor. flow/deliver.ts then makes the platforms show it. So nothing that a
 * platform does can block, repeat or lose a step, and after an outage the threads catch up in order.
 */
export interface ThreadParts {
  store: Store;
  feed: Feed;
  catalogue: Catalogue;
  mutex: KeyedMutex;
  cards: CardTools;
  /** The platforms that are on. */
  platforms(): readonly string[];
  /** The plan's steps, from its snapshot. */
  outline(run: Run): Promise<readonly StepOutline[]>;
}

const cursorName = 'threads';

/** Posts are read, changed and written under this key, by the projection and by the delivery. */
export const postsLock = 'posts';

export async function startThreads(parts: ThreadParts): Promise<Following> {
  return parts.feed.follow({
    name: cursorName,
    after: await parts.store.cursor(cursorName),
    batch: 256,
    handle: entries =>
      parts.mutex.with(postsLock, async () => {
        const draft = createDraft({ ...parts, config: () => parts.catalogue.current().config });
        for (const entry of entries) await draft.add(entry);
        const last = entries.at(-1);
        const rows: Row[] = [];
        for (const one of draft.wanted()) rows.push(...(await postsFor(one, parts)));
        if (rows.length > 0 && last !== undefined)
          await parts.feed.commit({ rows: [...rows, { table: 'cursor', name: cursorName, value: last.seq }] });
      }),
  });
}

/** The posts of one subject, on each platform where its thread is; those that would show nothing new are left out. */
async function postsFor(one: Wanted, parts: ThreadParts): Promise<Row[]> {
  const rendered = await one.render();
  const rows: Row[] = [];
  for (const { platform, channel } of await placesOf(one, parts)) {
    const known = await parts.store.post(platform, one.key);
    if (known !== null && JSON.stringify(known.card) === JSON.stringify(rendered)) continue;
    const doc: Post =
      known === null
        ? newPost(one, platform, channel, rendered)
        : { ...known, card: rendered, wanted: known.wanted + 1, severity: one.alert?.severity ?? known.severity };
    rows.push({ table: 'post', doc });
  }
  return rows;
}

function newPost(one: Wanted, platform: string, channel: string, rendered: Card): Post {
  return {
    platform,
    key: one.key,
    channel,
    thread: one.thread,
    card: rendered,
    wanted: 1,
    delivered: 0,
    ref: null,
    order: one.order,
    createdAt: one.at,
    changed: 0,
    severity: one.alert?.severity ?? null,
    alert: one.alert?.id ?? null,
    run: one.run,
  };
}

/** A thread stays where its root was posted, whatever the routes say later. */
async function placesOf(one: Wanted, parts: ThreadParts): Promise<{ platform: string; channel: string }[]> {
  const on = parts.platforms();
  if (one.thread !== null) {
    const roots = await Promise.all(on.map(platform => parts.store.post(platform, one.thread ?? '')));
    const known = roots.filter(root => root !== null);
    if (known.length > 0) return known.map(root => ({ platform: root.platform, channel: root.channel }));
  }
  const places = new Map<string, string>();
  for (const target of parts.catalogue.current().route({ event: null, alert: one.alert })) {
    const [platform = '', ...rest] = target.split(':');
    if (on.includes(platform) && !places.has(platform)) places.set(platform, rest.join(':'));
  }
  // Never nowhere: an alert whose platforms are all off is seen in the console.
  if (places.size === 0) places.set('console', 'alerts');
  return [...places].map(([platform, channel]) => ({ platform, channel }));
}
