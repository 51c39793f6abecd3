import type { Act, ActAnswer } from '../../model/act.ts';
import { type Actor, nameOf } from '../../model/actor.ts';
import { type Fact, streamOf } from '../../model/journal.ts';
import { everyOf } from '../journal/pages.ts';
import type { ActParts } from './parts.ts';

/** The kill switch: while it is set no step starts anywhere and nothing new begins. Clearing it wakes all open runs. */
export async function performHalt(
  who: Actor,
  act: Extract<Act, { kind: 'halt' | 'resume' }>,
  parts: ActParts,
): Promise<ActAnswer> {
  const at = parts.clock.now();
  const halted = await parts.store.halted();
  if (act.kind === 'halt' && halted !== null)
    return { ok: true, text: `Halted already by ${halted.by}${halted.reason === '' ? '.' : `: ${halted.reason}`}` };
  if (act.kind === 'resume' && halted === null) return { ok: true, text: 'Nothing was halted.' };
  const fact: Fact =
    act.kind === 'halt' ? { kind: 'halt.set', reason: act.reason } : { kind: 'halt.cleared', reason: act.reason };
  const doc = act.kind === 'halt' ? { by: nameOf(who), reason: act.reason, at } : null;
  await parts.feed.commit({
    entries: [{ stream: streamOf.system, actor: who, at, fact }],
    rows: [{ table: 'halt', doc }],
  });
  if (act.kind === 'halt') return { ok: true, text: 'Halted: no step starts until somebody resumes.' };
  const open = everyOf(page => parts.store.runs({ ...page, states: ['queued', 'running', 'waiting'] }));
  for await (const run of open) await parts.dispatcher.wake({ run: run.id });
  return { ok: true, text: 'Resumed.' };
}
