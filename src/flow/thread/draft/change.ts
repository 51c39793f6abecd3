import type { Approval } from '../../../model/approval.ts';
import type { Entry } from '../../../model/journal.ts';
import { changeCard, claimCard } from '../cards/change.ts';
import { doneCard, glassCard } from '../cards/glass.ts';
import { wantRoot } from './alert.ts';
import type { DraftContext } from './context.ts';
import { wantNotes } from './notes.ts';

/** An unpermitted change, in the thread of its alert. */
export async function wantChange(ctx: DraftContext, id: string, entry: Entry): Promise<void> {
  const { store, cards } = ctx.parts;
  const held = await store.document('held', id);
  const alert = held === null || held.alert === null ? null : await store.alert(held.alert);
  if (held === null || alert === null) return;
  wantRoot(ctx, alert, alert.episode, entry);
  const place = { thread: `alert/${alert.id}/${alert.episode}`, alert, event: null, run: null };
  const over = held.state !== 'unpermitted';
  ctx.want({ key: `change/${id}`, ...place, over, render: async () => changeCard(held, cards) }, entry);
}

/** "It was me", and who is asked about it. */
export async function wantClaim(ctx: DraftContext, approval: Approval, id: string, entry: Entry): Promise<void> {
  const { store, cards } = ctx.parts;
  const held = await store.document('held', id);
  const alert = approval.alert === null ? null : await store.alert(approval.alert);
  const thread = alert === null ? null : `alert/${alert.id}/${alert.episode}`;
  if (alert !== null) wantRoot(ctx, alert, alert.episode, entry);
  const about = { thread, alert, event: null, run: null, over: approval.state !== 'open' };
  const render = async () => claimCard(approval, held, cards);
  ctx.want({ key: `approval/${approval.id}`, ...about, render }, entry);
  wantNotes(ctx, entry, null, { thread: thread ?? `approval/${approval.id}`, alert, event: null });
}

/** Loud where it opens: a root of its own. What was done in it follows in its thread. */
export async function wantWindow(ctx: DraftContext, id: string, entry: Entry): Promise<void> {
  const { store, cards, glass } = ctx.parts;
  const window = await store.document('break-glass', id);
  if (window === null) return;
  const { to = [], mention = [] } = glass() ?? {};
  const about = { alert: null, event: null, run: null, to };
  const key = `glass/${id}`;
  const over = window.state === 'closed';
  ctx.want({ key, thread: null, ...about, over, render: async () => glassCard(window, mention, cards) }, entry);
  wantNotes(ctx, entry, null, { thread: key, ...about });
  if (entry.fact.kind !== 'break-glass.closed') return;
  const render = async () =>
    doneCard(window, await Promise.all(window.changes.map(one => store.document('held', one))), cards);
  ctx.want({ key: `note/${entry.seq}/done`, thread: key, ...about, over: true, render }, entry);
}
