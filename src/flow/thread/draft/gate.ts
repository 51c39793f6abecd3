import type { Entry, FactOf } from '../../../model/journal.ts';
import { gateApprovalCard, gateCard } from '../cards/gate.ts';
import { badNote, unbadNote } from '../cards/known-bad.ts';
import { gateNotesOf, notesOf } from '../notes.ts';
import { wantRoot } from './alert.ts';
import type { DraftContext } from './context.ts';
import { wantNotes } from './notes.ts';

/** What was let through without a word is not posted. */
export async function wantGate(ctx: DraftContext, id: string, entry: Entry): Promise<void> {
  const { store, cards, gates } = ctx.parts;
  const gate = await store.document('gate', id);
  if (gate === null || (gate.decision.verdict === 'auto' && gate.state === 'allowed')) return;
  const about = { alert: null, event: null, run: null, to: gates().get(gate.name)?.to ?? [] };
  const key = `gate/${id}`;
  const over = gate.state !== 'pending' && gate.state !== 'allowed';
  ctx.want({ key, thread: null, ...about, over, render: async () => gateCard(gate, cards) }, entry);
  const config = ctx.parts.config();
  const notes = [...notesOf(entry, null, config), ...gateNotesOf(entry, gate, config)];
  const approval = gate.approval === null ? null : await store.approval(gate.approval);
  if (approval !== null) {
    const render = async () => gateApprovalCard(approval, gate, cards);
    ctx.want({ key: `approval/${approval.id}`, thread: key, ...about, over: approval.state !== 'open', render }, entry);
  }
  wantNotes(ctx, entry, null, { ...about, thread: key }, notes);
}

/** In the thread of the incident that it came from; a root of its own where there is none. */
export async function wantBadNotes(
  ctx: DraftContext,
  fact: FactOf<'known-bad.added'> | FactOf<'known-bad.ended'>,
  entry: Entry,
): Promise<void> {
  const { store } = ctx.parts;
  const known = fact.kind === 'known-bad.added' ? fact.entry : await store.document('known-bad', fact.entry);
  if (known === null) return;
  const alert = known.alert === null ? null : await store.alert(known.alert);
  const thread = alert === null ? null : `alert/${alert.id}/${alert.episode}`;
  if (alert !== null) wantRoot(ctx, alert, alert.episode, entry);
  const key = `note/${entry.seq}/0`;
  const render = async () =>
    fact.kind === 'known-bad.added' ? badNote(fact.entry, entry) : unbadNote(known, fact, entry);
  ctx.want({ key, thread, alert, event: null, run: null, over: true, render }, entry);
}
