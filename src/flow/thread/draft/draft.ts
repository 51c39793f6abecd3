/** What the journal wants shown: each entry as the posts that it changes, by subject. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Entry } from '../../../model/journal.ts';
import { wantAlert } from './alert.ts';
import { wantApproval } from './approval.ts';
import { wantChange, wantWindow } from './change.ts';
import type { DraftContext, DraftParts, Wanted } from './context.ts';
import { wantDigest } from './digest.ts';
import { wantBadNotes, wantGate } from './gate.ts';
import { wantConsequences, wantOlder } from './news.ts';
import { wantNotes } from './notes.ts';
import { placeOfEvent } from './place.ts';
import { wantRun } from './run.ts';

/** How many entries are drafted at one time. */
const together = 128;

/** The posts that a batch of entries changes, in the order of the first change. Changes are coalesced: each subject is rendered once. */
export async function draftPosts(entries: readonly Entry[], parts: DraftParts): Promise<Wanted[]> {
  const { store } = parts;
  // The documents contain all entries of the batch already, so each is read once, and reads of several entries run together.
  const read: DraftParts['store'] = {
    alert: once(id => store.alert(id)),
    run: once(id => store.run(id)),
    approval: once(id => store.approval(id)),
    alertOf: (source, fingerprint) => store.alertOf(source, fingerprint),
    stream: name => store.stream(name),
    runs: query => store.runs(query),
    approvals: query => store.approvals(query),
    document: (kind, id) => store.document(kind, id),
  };
  const drafted: Wanted[][] = [];
  for (let from = 0; from < entries.length; from += together) {
    const some = entries.slice(from, from + together);
    drafted.push(...(await Promise.all(some.map(entry => draftEntry(entry, { ...parts, store: read })))));
    // Requests that arrived meanwhile go first: threads may lag, the door may not.
    await nextTurn();
  }
  const wanted = new Map<string, Wanted>();
  for (const one of drafted.flat()) {
    const known = wanted.get(one.key);
    if (known === undefined) wanted.set(one.key, one);
    else wanted.set(one.key, joined(known, one));
  }
  return [...wanted.values()];
}

/** The first of a subject says how it is rendered, and the last how what is shown is altered. */
function joined(first: Wanted, next: Wanted): Wanted {
  return {
    ...first,
    ...(next.alter === undefined ? {} : { alter: next.alter }),
    unchanged: first.unchanged === true && next.unchanged === true,
  };
}

async function draftEntry(entry: Entry, parts: DraftParts): Promise<Wanted[]> {
  const wanted: Wanted[] = [];
  await addEntry({ parts, want: (one, { seq, at }) => void wanted.push({ ...one, order: seq, at }) }, entry);
  return wanted;
}

function once<T>(read: (id: string) => Promise<T>): (id: string) => Promise<T> {
  const known = new Map<string, Promise<T>>();
  return id => {
    const asked = known.get(id) ?? read(id);
    known.set(id, asked);
    return asked;
  };
}

async function addEntry(ctx: DraftContext, entry: Entry): Promise<void> {
  const { fact } = entry;
  if ('gate' in fact) return await wantGate(ctx, typeof fact.gate === 'string' ? fact.gate : fact.gate.id, entry);
  if (fact.kind === 'break-glass.opened' || fact.kind === 'break-glass.ended' || fact.kind === 'break-glass.closed')
    return await wantWindow(ctx, fact.window, entry);
  if (fact.kind === 'digest.made') return wantDigest(ctx, fact, entry);
  if (fact.kind === 'known-bad.added' || fact.kind === 'known-bad.ended') return await wantBadNotes(ctx, fact, entry);
  if (fact.kind === 'change.judged' || fact.kind === 'change.claimed' || fact.kind === 'change.settled')
    await wantChange(ctx, fact.held, entry);
  if (fact.kind === 'change.claimed' || fact.kind === 'change.settled') return;
  if ('approval' in fact)
    return await wantApproval(ctx, typeof fact.approval === 'string' ? fact.approval : fact.approval.id, entry);
  if ('run' in fact && fact.run !== null)
    return await wantRun(ctx, typeof fact.run === 'string' ? fact.run : fact.run.id, entry);
  const event = fact.kind === 'event.accepted' ? fact.event : null;
  if (!('alert' in fact) || fact.alert === null)
    return wantNotes(ctx, entry, null, await placeOfEvent(ctx, event, entry));
  const alert = await ctx.parts.store.alert(fact.alert);
  const episode = 'episode' in fact && fact.episode !== null ? fact.episode : (alert?.episode ?? 1);
  // What nobody saw firing is kept and not posted.
  if (fact.kind === 'event.accepted' && fact.effect === 'unseen') return;
  if (alert !== null && (fact.kind === 'event.accepted' || fact.kind === 'alert.closed'))
    await wantConsequences(ctx, alert, fact, entry);
  if (alert !== null && fact.kind === 'event.accepted' && alert.episode > episode)
    wantOlder(ctx, alert, episode, fact, entry);
  else wantAlert(ctx, alert, episode, entry, { event });
  wantNotes(ctx, entry, null, { thread: `alert/${fact.alert}/${episode}`, alert, event });
}
