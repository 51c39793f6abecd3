import { showDuration } from '../../kernel/duration.ts';
import { TocsinError } from '../../kernel/errors.ts';
import type { Act, ActAnswer } from '../../model/act.ts';
import { type Actor, nameOf } from '../../model/actor.ts';
import type { Alert } from '../../model/alert.ts';
import { type Fact, streamOf } from '../../model/journal.ts';
import { everyOf } from '../journal/pages.ts';
import { type ActParts, refused, unknown } from './parts.ts';

export async function performAcknowledge(
  who: Actor,
  act: Extract<Act, { kind: 'acknowledge' }>,
  parts: ActParts,
): Promise<ActAnswer> {
  const after = await changeAlert(who, act.alert, parts, alert =>
    alert.acknowledgedBy === null
      ? { fact: { kind: 'alert.acknowledged', alert: alert.id }, next: { ...alert, acknowledgedBy: nameOf(who) } }
      : null,
  );
  return { ok: true, text: `Acknowledged by ${after.acknowledgedBy}.` };
}

/** Silences an alert's episode: nothing starts by itself for it. Rejects with `bad-request` for more than 30 days. */
export async function performSilence(
  who: Actor,
  act: Extract<Act, { kind: 'silence' }>,
  parts: ActParts,
): Promise<ActAnswer> {
  if (act.duration <= 0 || act.duration > 30 * 86_400_000)
    throw new TocsinError('bad-request', {
      message: 'A silence lasts from a moment to 30 days.',
      allowed: '1s to 30d',
      given: `${act.duration} ms`,
    });
  const until = parts.clock.now() + act.duration;
  const after = await changeAlert(who, act.alert, parts, alert =>
    alert.state === 'resolved'
      ? null
      : {
          fact: { kind: 'alert.silenced', alert: alert.id, until },
          next: { ...alert, state: 'silenced', silencedUntil: until },
        },
  );
  if (after.state === 'resolved') return refused('conflict', 409, 'The alert is resolved.');
  return { ok: true, text: `Silenced for ${showDuration(act.duration)}.` };
}

async function changeAlert(
  who: Actor,
  id: string,
  parts: ActParts,
  change: (alert: Alert) => { fact: Fact; next: Alert } | null,
): Promise<Alert> {
  for (let attempt = 1; ; attempt++) {
    const alert = await parts.store.alert(id);
    if (alert === null) throw unknown('alert', id, []);
    const changed = change(alert);
    if (changed === null) return alert;
    const stream = streamOf.alert(id);
    const next = { ...changed.next, version: alert.version + 1 };
    try {
      await parts.feed.commit({
        guards: [{ kind: 'stream', stream, version: alert.version }],
        entries: [{ stream, actor: who, at: parts.clock.now(), fact: changed.fact }],
        rows: [{ table: 'alert', doc: next }],
      });
      return next;
    } catch (error) {
      if (!(error instanceof TocsinError && error.code === 'guard-failed') || attempt >= 20) throw error;
    }
  }
}

/** The kill switch: while it is set no step starts anywhere and nothing new begins. Clearing it wakes all open runs. */
export async function performHalt(
  who: Actor,
  act: Extract<Act, { kind: 'halt' | 'resume' }>,
  parts: ActParts,
): Promise<ActAnswer> {
  const at = parts.clock.now();
  const halted = await parts.store.halted();
  if (act.kind === 'halt' && halted !== null)
    return { ok: true, text: `Halted already by ${halted.by}: ${halted.reason}` };
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
