import { system } from '../../../model/actor.ts';
import type { Fact } from '../../../model/journal.ts';
import { isEnded, type Run } from '../../../model/run.ts';
import { settleClaim } from '../../gates/claims.ts';
import { everyOf } from '../../journal/pages.ts';
import { journalCancel } from '../../pipeline/cancel.ts';
import { closePlanApproval } from '../../pipeline/close.ts';
import { endAlert, settleChange } from '../settle.ts';
import type { UndoParts } from './parts.ts';

/** What the end of a run, of a claim or of a change itself means for the change, its alert, and the runs that were to undo it. */
export async function settleNews(fact: Fact, parts: UndoParts): Promise<void> {
  switch (fact.kind) {
    case 'run.finished':
      return fact.state === 'succeeded' ? await undone(fact.run, parts) : undefined;
    case 'approval.closed': {
      const approval = await parts.store.approval(fact.approval);
      return approval?.claim == null ? undefined : void (await settleClaim(approval, parts));
    }
    case 'change.settled':
      return await settled(fact.held, fact.because, parts);
  }
}

async function undone(id: string, parts: UndoParts): Promise<void> {
  const run = await parts.store.run(id);
  if (run === null || run.undoes === null) return;
  const because = `undone by ${run.title} (${run.id})`;
  await settleChange(run.undoes, system, { state: 'undone', because, endedAt: run.finishedAt }, parts);
}

/** Its alert ends with the last of its changes, and what was to undo it and has not begun does not begin. */
async function settled(id: string, because: string, parts: UndoParts): Promise<void> {
  const held = await parts.store.document('held', id);
  if (held === null || held.alert === null) return;
  const { alert } = held;
  for await (const run of everyOf(page => parts.store.runs({ ...page, alert, states: ['waiting', 'queued'] })))
    if (run.undoes === id) await endUnbegun(run, `the change is ${held.state}: ${because}; so nothing runs`, parts);
  await endAlert(held, because, parts);
}

async function endUnbegun(run: Run, because: string, parts: UndoParts): Promise<void> {
  if (run.startedAt !== null || isEnded(run.state)) return;
  if (run.state === 'waiting' && run.approval !== null)
    return await closePlanApproval(run.approval, 'void', because, parts);
  if (run.state === 'queued') await journalCancel(parts.streams, run.id, system, because);
}
