import { showDuration, showInstant } from '../../kernel/duration.ts';
import type { Act, ActAnswer } from '../../model/act.ts';
import type { Actor } from '../../model/actor.ts';
import { endWindow, newestWindow, openWindow } from '../changes/glass/window.ts';
import { type ActParts, refused, unknown } from './parts.ts';

/** The longest reason, characters: everybody reads it in the channel. */
const longestReason = 1000;

/** Opens a window for the person who asks. That they may was authorised, by changes.yaml and their membership now. */
export async function performBreakGlass(
  who: Actor,
  act: Extract<Act, { kind: 'break-glass' }>,
  parts: ActParts,
): Promise<ActAnswer> {
  const spec = parts.catalogue.current().changes.breakGlass;
  if (spec === null || who.kind !== 'person') return refused('forbidden', 403, 'Nobody may open a window.');
  const reason = act.reason.trim();
  if (reason === '' || reason.length > longestReason)
    return refused('bad-request', 400, `Say why, in at most ${longestReason} characters: everybody will ask.`);
  const duration = act.duration ?? spec.max;
  if (duration > spec.max)
    return refused(
      'bad-request',
      400,
      `A window is at most ${showDuration(spec.max)} long by changes.yaml. Given: ${showDuration(duration)}.`,
    );
  const window = await openWindow(who, { reason, duration }, parts);
  const text = `Your window is open until ${showInstant(window.until)}. It covers changes by your own principals, and lifts no vote, plan or gate.`;
  return { ok: true, text, window: window.id };
}

/** Ends a window before its time: one's own, or as an operator that of somebody else. */
export async function performEndBreakGlass(
  who: Actor,
  act: Extract<Act, { kind: 'break-glass-end' }>,
  parts: ActParts,
): Promise<ActAnswer> {
  const known =
    act.window === undefined
      ? await newestWindow(who.kind === 'person' ? who.id : '', parts.store)
      : await parts.store.document('break-glass', act.window);
  if (known === null && act.window !== undefined) throw unknown('break-glass window', act.window, []);
  if (known === null || known.state !== 'open') return refused('conflict', 409, 'There is no open window to end.');
  const reason = act.reason?.trim() ?? '';
  const because = `ended by ${who.id}${reason === '' ? '' : `: ${reason.slice(0, longestReason)}`}`;
  const window = await endWindow(known.id, who, because, parts);
  return { ok: true, text: 'The window is closed. What was done in it is listed in its thread.', window: window.id };
}
