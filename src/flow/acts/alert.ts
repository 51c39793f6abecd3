import { showDuration } from '../../kernel/duration.ts';
import { TocsinError } from '../../kernel/errors.ts';
import type { Act, ActAnswer } from '../../model/act.ts';
import { type Actor, nameOf } from '../../model/actor.ts';
import type { Alert } from '../../model/alert.ts';
import { changeAlert } from './change-alert.ts';
import { type ActParts, refused } from './parts.ts';

type ActOf<K extends Act['kind']> = Extract<Act, { kind: K }>;

/** The longest acknowledgement and silence, milliseconds. */
const longest = 30 * 86_400_000;

const isResolved = refused('conflict', 409, 'The alert is resolved.');

/**
 * Somebody takes the alert on, until its episode ends or for a time. What a press repeats changes nothing; another time replaces it.
 * Rejects with `bad-request` for more than 30 days.
 */
export async function performAcknowledge(who: Actor, act: ActOf<'acknowledge'>, parts: ActParts): Promise<ActAnswer> {
  const { duration, reason } = act;
  if (duration !== undefined) checkDuration('An acknowledgement', duration);
  const { alert, changed } = await changeAlert(who, act.alert, parts, (known, now) => {
    const until = duration === undefined ? null : now + duration;
    const same = known.acknowledgedBy !== null && isSameEnd(known.acknowledgedUntil, until, duration ?? 0);
    if (known.state === 'resolved' || same) return null;
    return {
      kind: 'alert.acknowledged',
      alert: known.id,
      ...(until === null ? {} : { until }),
      ...given(reason),
    };
  });
  if (alert.state === 'resolved') return isResolved;
  return { ok: true, text: `Acknowledged by ${alert.acknowledgedBy}${lastingText(changed, duration)}.` };
}

export async function performUnacknowledge(
  who: Actor,
  act: ActOf<'unacknowledge'>,
  parts: ActParts,
): Promise<ActAnswer> {
  const { alert, changed } = await changeAlert(who, act.alert, parts, known =>
    known.state === 'resolved' || known.acknowledgedBy === null
      ? null
      : { kind: 'alert.unacknowledged', alert: known.id },
  );
  if (alert.state === 'resolved') return isResolved;
  return { ok: true, text: changed ? 'No longer acknowledged.' : 'Nobody acknowledges it now.' };
}

/** Silences an alert's episode: nothing starts by itself for it. Rejects with `bad-request` for more than 30 days. */
export async function performSilence(who: Actor, act: ActOf<'silence'>, parts: ActParts): Promise<ActAnswer> {
  const { duration, reason } = act;
  checkDuration('A silence', duration);
  const { alert, changed } = await changeAlert(who, act.alert, parts, (known, now) => {
    const until = now + duration;
    const same = known.state === 'silenced' && isSameEnd(known.silencedUntil, until, duration);
    if (known.state === 'resolved' || same) return null;
    return { kind: 'alert.silenced', alert: known.id, until, by: nameOf(who), ...given(reason) };
  });
  if (alert.state === 'resolved') return isResolved;
  const by = alert.silencedBy === null ? '' : ` by ${alert.silencedBy}`;
  return { ok: true, text: changed ? `Silenced for ${showDuration(duration)}.` : `Silenced already${by}.` };
}

/** Ends a silence before its time. The alert fires on, and nothing that the silence held back is started. */
export async function performUnsilence(who: Actor, act: ActOf<'unsilence'>, parts: ActParts): Promise<ActAnswer> {
  const { alert, changed } = await changeAlert(who, act.alert, parts, known =>
    known.silencedUntil !== null ? { kind: 'alert.unsilenced', alert: known.id } : null,
  );
  if (alert.state === 'resolved') return isResolved;
  const { source, silencedAtOrigin: muted } = alert;
  const text = changed ? 'The silence is ended.' : 'It is not silenced now.';
  if (muted === null) return { ok: true, text };
  const still = `${source} keeps it silenced (${muted.by}), which only ends there.`;
  return changed ? { ok: true, text: `${text} ${still}` } : refused('conflict', 409, still);
}

/**
 * Ends the episode because an operator says that it is over. When the alert fires again, its start decides whether the episode goes on.
 * The origin is not told. Rejects with `bad-request` without a reason.
 */
export async function performClose(who: Actor, act: ActOf<'close'>, parts: ActParts): Promise<ActAnswer> {
  const reason = act.reason.trim();
  if (reason === '')
    throw new TocsinError('bad-request', {
      message: 'Closing an alert needs a reason.',
      remedy: 'Say why it is over; the thread and the journal keep it.',
    });
  const { alert, changed } = await changeAlert(who, act.alert, parts, known =>
    known.state === 'resolved' || (act.episode ?? known.episode) !== known.episode
      ? null
      : { kind: 'alert.closed', alert: known.id, episode: known.episode, reason },
  );
  if (!changed) return notClosed(alert, act);
  return { ok: true, text: 'Closed. If it fires again, the thread or a new one says so.' };
}

/** A second press is answered like the first; a button of an earlier episode is not about the one that fires now. */
function notClosed(alert: Alert, act: ActOf<'close'>): ActAnswer {
  if (act.episode !== undefined && act.episode !== alert.episode)
    return refused('conflict', 409, `This is about episode ${act.episode}; the alert is in episode ${alert.episode}.`);
  if (alert.end?.how === 'closed') return { ok: true, text: `Closed already by ${alert.end.because}` };
  return isResolved;
}

function checkDuration(what: string, duration: number): void {
  if (duration > 0 && duration <= longest) return;
  throw new TocsinError('bad-request', {
    message: `${what} lasts from a moment to 30 days.`,
    allowed: '1s to 30d',
    given: `${duration} ms`,
  });
}

/** True when two ends are one wish: a press that came twice ends a moment later. */
function isSameEnd(known: number | null, wanted: number | null, duration: number): boolean {
  if (known === null || wanted === null) return known === wanted;
  return Math.abs(wanted - known) <= Math.min(60_000, duration / 10);
}

function given(reason: string | null | undefined): { reason?: string } {
  const text = reason?.trim() ?? '';
  return text === '' ? {} : { reason: text };
}

function lastingText(changed: boolean, duration: number | undefined): string {
  return changed && duration !== undefined ? ` for ${showDuration(duration)}` : '';
}
