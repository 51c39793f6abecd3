import { type ByteCache, createByteCache } from '../../kernel/byte-cache.ts';
import { canonicalJson } from '../../kernel/canonical.ts';
import type { Card, Post } from '../../model/card.ts';
import type { Guard } from '../../ports/store.ts';
import { isOutput, logCard, type OutputBlock, outputCard, withoutOutput } from './cards/output.ts';
import type { Wanted } from './draft/context.ts';
import type { ThreadParts } from './parts.ts';
import { type Place, placesOf } from './places.ts';

/** Turns what the journal wants into posts, on each platform where its thread is. Posts that would show nothing new are left out. */
export interface Posting {
  postsFor(wanted: readonly Wanted[]): Promise<{ posts: Post[]; guards: Guard[] }>;
  /** The posts are stored now. */
  remember(posts: readonly Post[]): void;
}

/** The states of a step in which it prints nothing more. */
const ended: ReadonlySet<string> = new Set(['done', 'failed', 'skipped', 'unknown', 'undone', 'cancelled']);
/** Bytes of posts in memory, so that a usual alert needs no reads: some hundred cards. */
const mostKept = 2 * 1024 * 1024;

export function createPosting(parts: ThreadParts): Posting {
  // Only posts of immediate platforms are kept: this is their one writer. Posts of others are changed by their poster too.
  const kept = createByteCache<Post>(mostKept);
  const isImmediate = (platform: string) => parts.platforms().get(platform)?.immediate === true;
  return {
    async postsFor(wanted) {
      const batch = createBatch(parts, kept);
      await Promise.all(wanted.map(one => batch.lookUp(one)));
      for (const one of wanted) await addWanted(one, batch, parts);
      return batch.made();
    },
    remember(posts) {
      for (const post of posts) if (isImmediate(post.platform)) kept.set(nameOf(post.platform, post.key), post);
    },
  };
}

/** One subject in one place. */
interface Draft {
  key: string;
  thread: string | null;
  card: Card;
  one: Wanted;
  place: Place;
}

interface Batch {
  /** Reads ahead what the subject needs, so that the reads of a batch run together. */
  lookUp(one: Wanted): Promise<void>;
  find(platform: string, key: string): Promise<Post | null>;
  put(draft: Draft): Promise<void>;
  made(): { posts: Post[]; guards: Guard[] };
}

function createBatch(parts: ThreadParts, kept: ByteCache<Post>): Batch {
  const staged = new Map<string, Post>();
  const read = new Map<string, Promise<Post | null>>();
  const immediate = (platform: string) => parts.platforms().get(platform)?.immediate === true;

  async function stored(platform: string, key: string): Promise<Post | null> {
    const name = nameOf(platform, key);
    const known = kept.get(name) ?? read.get(name);
    if (known !== undefined) return await known;
    const asked = parts.store.post(platform, key);
    read.set(name, asked);
    return await asked;
  }

  /** True for a note of an immediate platform: it is written once, here, with its entry, so there is no stored one to read. */
  const isNew = (platform: string, key: string) => immediate(platform) && key.startsWith('note/');

  return {
    async lookUp({ thread, key }) {
      const wanted = [...parts.platforms().keys()].flatMap(platform =>
        [thread ?? key, ...(isNew(platform, key) ? [] : [key])].map(name => stored(platform, name)),
      );
      await Promise.all(wanted);
    },
    find: async (platform, key) => staged.get(nameOf(platform, key)) ?? (await stored(platform, key)),
    async put(draft) {
      const { platform } = draft.place;
      const before = isNew(platform, draft.key) ? null : await stored(platform, draft.key);
      const over = draft.one.over;
      const exact = kept.has(nameOf(platform, draft.key));
      if (before !== null && before.over === over && sameCard(before.card, draft.card, exact)) return;
      const post = before === null ? newPost(draft) : changedPost(before, draft);
      const done = immediate(platform) ? { ref: post.key, delivered: post.wanted } : {};
      staged.set(nameOf(platform, draft.key), { ...post, ...done });
    },
    made() {
      const posts = [...staged.values()];
      const guards = posts
        .filter(post => !immediate(post.platform))
        .map(({ platform, key, changed }) => ({ kind: 'post' as const, platform, key, changed }));
      return { posts, guards };
    },
  };
}

async function addWanted(one: Wanted, batch: Batch, parts: ThreadParts): Promise<void> {
  let rendered: Promise<Card | null> | null = null;
  for (const place of await placesOf(one, batch.find, parts)) {
    const key = one.key + place.suffix;
    if (one.unchanged === true && (await batch.find(place.platform, key)) !== null) continue;
    const shown = one.alter === undefined ? null : await batch.find(place.platform, key);
    rendered ??= one.render();
    const card = shown === null ? await rendered : (one.alter?.(shown.card) ?? shown.card);
    if (card === null) continue;
    const thread = one.thread === null ? null : one.thread + place.suffix;
    const streams = parts.platforms().get(place.platform)?.streams !== false;
    await batch.put({ key, thread, card: streams ? card : withoutOutput(card), one, place });
    if (!streams && one.run !== null && one.key === `run/${one.run}`)
      await addOutputs({ key, thread: thread ?? key, card, one, place }, one.run, batch, parts);
  }
}

/**
 * Adds the posts of output where the platform cannot stream. Each step's output is a message of its own: the poster edits it while the
 * step runs (flow/deliver/output.ts); this adds its final text, and the full log when the run is over.
 */
async function addOutputs(draft: Draft, run: string, batch: Batch, parts: ThreadParts): Promise<void> {
  const { card, place } = draft;
  const link = `${parts.baseUrl()}/runs/${encodeURIComponent(run)}`;
  const progress = card.blocks.find(block => block.kind === 'progress');
  const one = { ...draft.one, over: true };
  for (const step of progress?.steps ?? []) {
    if (!ended.has(step.state)) continue;
    const key = outputKey(run, step.id) + place.suffix;
    const block = card.blocks.filter(isOutput).find(one => one.step === step.id && one.tail !== '');
    const left = block ?? (await liveBlock(key, batch, place));
    if (left === null) continue;
    await batch.put({ ...draft, one, key, card: outputCard({ ...left, live: false }, step.title, link) });
  }
  if (!draft.one.over) return;
  const some = await parts.store.output({ run, after: 0, limit: 1 });
  if (some.length > 0)
    await batch.put({ ...draft, one, key: logKey(run) + place.suffix, card: logCard(card.title, link) });
}

/** The live output of a step that left no text of its own: its message must not look live for ever. */
async function liveBlock(key: string, batch: Batch, place: Place): Promise<OutputBlock | null> {
  const shown = (await batch.find(place.platform, key))?.card.blocks.find(isOutput);
  return shown?.live === true ? shown : null;
}

export function outputKey(run: string, step: string): string {
  return `output/${run}/${step}`;
}

export function logKey(run: string): string {
  return `log/${run}`;
}

function nameOf(platform: string, key: string): string {
  return `${platform} ${key}`;
}

/** `exact` is for a card from memory. A card from the store may have its fields in another order. */
function sameCard(before: Card, after: Card, exact: boolean): boolean {
  if (JSON.stringify(before) === JSON.stringify(after)) return true;
  return !exact && canonicalJson(before) === canonicalJson(after);
}

function changedPost(before: Post, draft: Draft): Post {
  const { one, card } = draft;
  return {
    ...before,
    card,
    wanted: before.wanted + 1,
    severity: one.alert?.severity ?? before.severity,
    over: one.over,
  };
}

function newPost({ key, thread, card, one, place }: Draft): Post {
  return {
    platform: place.platform,
    key,
    channel: place.channel,
    thread,
    card,
    wanted: 1,
    delivered: 0,
    ref: null,
    order: one.order,
    createdAt: one.at,
    changed: 0,
    severity: one.alert?.severity ?? null,
    alert: one.alert?.id ?? null,
    run: one.run,
    over: one.over,
    ...(place.copies.length === 0 || thread !== null ? {} : { copies: [...place.copies] }),
  };
}
