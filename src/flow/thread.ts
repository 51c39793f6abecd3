import type { KeyedMutex } from '../kernel/mutex.ts';
import type { Alert } from '../model/alert.ts';
import type { Card, Post } from '../model/card.ts';
import type { Entry } from '../model/journal.ts';
import type { Run } from '../model/run.ts';
import type { Catalogue } from '../ports/catalogue.ts';
import type { StepOutline } from '../ports/runbook.ts';
import type { Row, Store } from '../ports/store.ts';
import { alertCard, approvalCard, type CardTools, runCard } from './cards.ts';
import type { Feed, Following } from './feed.ts';
import { notesOf } from './notes.ts';

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
        const draft = createDraft(parts);
        for (const entry of entries) await draft.add(entry);
        const last = entries.at(-1);
        const rows = await draft.rows();
        if (rows.length > 0 && last !== undefined)
          await parts.feed.commit({ rows: [...rows, { table: 'cursor', name: cursorName, value: last.seq }] });
      }),
  });
}

/** Where a subject is shown: the key of its root, or null when it is a root itself. */
interface Place {
  thread: string | null;
  event: Alert | null;
}

interface Wanted extends Place {
  key: string;
  order: number;
  at: number;
  render(): Promise<Card | null>;
  alert: string | null;
  run: string | null;
}

interface Draft {
  add(entry: Entry): Promise<void>;
  rows(): Promise<Row[]>;
}

/** Collects what a batch of entries changes, so that a subject that changed ten times is rendered once. */
function createDraft(parts: ThreadParts): Draft {
  const wanted = new Map<string, Wanted>();
  const want = (one: Wanted) => {
    if (!wanted.has(one.key)) wanted.set(one.key, one);
  };

  async function wantAlert(id: string, episode: number, entry: Entry): Promise<Alert | null> {
    const alert = await parts.store.alert(id);
    // An older episode's root keeps what it showed last: the document speaks of the newest one only.
    if (alert?.episode === episode) {
      want({
        key: `alert/${id}/${episode}`,
        thread: null,
        event: alert,
        order: entry.seq,
        at: entry.at,
        alert: id,
        run: null,
        render: async () => alertCard(alert, parts.cards),
      });
    }
    return alert;
  }

  async function placeOf(run: Run, entry: Entry): Promise<Place> {
    if (run.parent !== null) {
      const parent = await parts.store.run(run.parent.run);
      if (parent !== null) {
        const place = await placeOf(parent, entry);
        return place.thread === null ? { ...place, thread: `run/${parent.id}` } : place;
      }
    }
    if (run.alert === null || run.episode === null) return { thread: null, event: null };
    return { thread: `alert/${run.alert}/${run.episode}`, event: await wantAlert(run.alert, run.episode, entry) };
  }

  async function wantRun(id: string, entry: Entry): Promise<void> {
    const run = await parts.store.run(id);
    if (run === null) return;
    const place = await placeOf(run, entry);
    want({
      key: `run/${id}`,
      ...place,
      order: entry.seq,
      at: entry.at,
      alert: run.alert,
      run: id,
      render: async () => runCard(run),
    });
    await wantNotes(entry, run, place.thread ?? `run/${id}`, place.event);
  }

  async function wantApproval(id: string, entry: Entry): Promise<void> {
    const approval = await parts.store.approval(id);
    const run = approval === null ? null : await parts.store.run(approval.run);
    if (approval === null || run === null) return;
    await wantRun(run.id, entry);
    const place = await placeOf(run, entry);
    const render = async () =>
      approvalCard(approval, run, approval.step === null ? await parts.outline(run) : [], parts.cards);
    want({
      key: `approval/${id}`,
      thread: place.thread ?? `run/${run.id}`,
      event: place.event,
      order: entry.seq,
      at: entry.at,
      alert: run.alert,
      run: run.id,
      render,
    });
  }

  async function wantNotes(entry: Entry, run: Run | null, thread: string | null, event: Alert | null): Promise<void> {
    for (const [index, card] of notesOf(entry, run, parts.catalogue.current().config).entries()) {
      want({
        key: `note/${entry.seq}/${index}`,
        thread,
        event,
        order: entry.seq,
        at: entry.at,
        alert: event?.id ?? null,
        run: run?.id ?? null,
        render: async () => card,
      });
    }
  }

  return {
    async add(entry) {
      const { fact } = entry;
      if ('approval' in fact)
        return await wantApproval(typeof fact.approval === 'string' ? fact.approval : fact.approval.id, entry);
      if ('run' in fact) return await wantRun(typeof fact.run === 'string' ? fact.run : fact.run.id, entry);
      if (!('alert' in fact) || fact.alert === null) return await wantNotes(entry, null, null, null);
      const alert = await parts.store.alert(fact.alert);
      const episode = 'episode' in fact && fact.episode !== null ? fact.episode : (alert?.episode ?? 1);
      await wantAlert(fact.alert, episode, entry);
      await wantNotes(entry, null, `alert/${fact.alert}/${episode}`, alert);
    },
    async rows() {
      const rows: Row[] = [];
      for (const one of wanted.values()) rows.push(...(await postsFor(one, parts)));
      return rows;
    },
  };
}

/** The posts of one subject, on each platform where its thread is; those that would show nothing new are left out. */
async function postsFor(one: Wanted, parts: ThreadParts): Promise<Row[]> {
  const rendered = await one.render();
  if (rendered === null) return [];
  const rows: Row[] = [];
  for (const { platform, channel } of await placesOf(one, parts)) {
    const known = await parts.store.post(platform, one.key);
    if (known !== null && JSON.stringify(known.card) === JSON.stringify(rendered)) continue;
    const doc: Post =
      known === null
        ? newPost(one, platform, channel, rendered)
        : { ...known, card: rendered, wanted: known.wanted + 1, severity: one.event?.severity ?? known.severity };
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
    severity: one.event?.severity ?? null,
    alert: one.alert,
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
  for (const target of parts.catalogue.current().route({ event: null, alert: one.event })) {
    const [platform = '', ...rest] = target.split(':');
    if (on.includes(platform) && !places.has(platform)) places.set(platform, rest.join(':'));
  }
  // Never nowhere: an alert whose platforms are all off is seen in the console.
  if (places.size === 0) places.set('console', 'alerts');
  return [...places].map(([platform, channel]) => ({ platform, channel }));
}
