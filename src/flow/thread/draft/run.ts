import type { Approval } from '../../../model/approval.ts';
import type { Entry } from '../../../model/journal.ts';
import { isEnded, type Run } from '../../../model/run.ts';
import { approvalCard } from '../cards/approval.ts';
import { runCard } from '../cards/cards.ts';
import type { DraftContext, Place } from './context.ts';
import { wantNotes } from './notes.ts';
import { placeOf } from './place.ts';

export async function wantRun(ctx: DraftContext, id: string, entry: Entry): Promise<void> {
  const run = await ctx.parts.store.run(id);
  if (run === null) return;
  const place = await placeOf(ctx, run, entry);
  const over = isEnded(run.state);
  // In a thread the approval comes first: people read it to decide, and the run's card follows below it.
  const asks = entry.fact.kind === 'run.created' && place.thread !== null ? run.approval : null;
  const approval = asks === null ? null : await ctx.parts.store.approval(asks);
  if (approval !== null) wantQuestion(ctx, approval, run, place, entry);
  if (tellsOutcome.has(entry.fact.kind)) await wantDecided(ctx, run, place, entry);
  ctx.want({ key: `run/${id}`, ...place, run: id, over, render: async () => runCard(run) }, entry);
  wantNotes(ctx, entry, run, { ...place, thread: place.thread ?? `run/${id}` });
}

/** After these the cards of a run's decided questions say what came of it. */
const tellsOutcome: ReadonlySet<Entry['fact']['kind']> = new Set(['run.asking', 'run.finished', 'run.amended']);

async function wantDecided(ctx: DraftContext, run: Run, place: Place, entry: Entry): Promise<void> {
  if (run.approval === null && run.steps.every(step => step.type !== 'approve')) return;
  const approvals = await ctx.parts.store.approvals({ run: run.id });
  for (const one of approvals) if (one.state !== 'open') wantQuestion(ctx, one, run, place, entry);
}

export function wantQuestion(ctx: DraftContext, approval: Approval, run: Run, place: Place, entry: Entry): void {
  const { cards, outline, beforehand } = ctx.parts;
  const { alert, event } = place;
  const open = approval.state === 'open';
  const render = async () => {
    const card = approvalCard({ approval, run, outline: await outline(run), alert, event }, cards);
    return (await beforehand.look(card, { approval, run, alert, open }, 'card')).card;
  };
  // An approved one still learns what came of it.
  const over = !open && (approval.state !== 'approved' || isEnded(run.state));
  const thread = place.thread ?? `run/${run.id}`;
  ctx.want({ key: `approval/${approval.id}`, ...place, thread, run: run.id, over, render }, entry);
}
