import type { Entry } from '../../../model/journal.ts';
import { wantClaim } from './change.ts';
import type { DraftContext } from './context.ts';
import { wantGate } from './gate.ts';
import { placeOf } from './place.ts';
import { wantQuestion, wantRun } from './run.ts';

export async function wantApproval(ctx: DraftContext, id: string, entry: Entry): Promise<void> {
  const { store } = ctx.parts;
  const approval = await store.approval(id);
  if (approval === null) return;
  if (approval.claim !== null) return await wantClaim(ctx, approval, approval.claim, entry);
  if (approval.run === null) return await wantGate(ctx, approval.gate ?? '', entry);
  const run = await store.run(approval.run);
  if (run === null) return;
  await wantRun(ctx, run.id, entry);
  wantQuestion(ctx, approval, run, await placeOf(ctx, run, entry), entry);
}
