import { parseDuration } from '../kernel/duration.ts';
import { TocsinError } from '../kernel/errors.ts';
import type { Alert } from '../model/alert.ts';
import type { ChatHost } from './chat.ts';
import type { CommandInput } from './command.ts';
import { pickByPrefix } from './command-answer.ts';

/** What the commands about an alert were given. */
export interface AlertWords {
  alert: Alert;
  /** Milliseconds; null when no time was given. */
  duration: number | null;
  reason: string | null;
}

/**
 * Reads `[alert] [for] [reason]`. The alert is the thread's own when none is named; `alert=`, `for=2h` and `reason="..."` may stand anywhere.
 * Rejects with `bad-request` or `not-found`.
 */
export async function readAlertWords(input: CommandInput, host: ChatHost): Promise<AlertWords> {
  const rest = [...input.words];
  const isTime = (word: string | undefined) => word !== undefined && parseDuration(word) !== null;
  const named = input.named.get('for');
  // The first word is an alert, unless it is a time: in a thread the alert need not be named.
  const word = input.named.get('alert') ?? (isTime(rest[0]) ? undefined : rest.shift());
  const alert = await chooseAlert(word, input, host);
  const duration = named ?? (isTime(rest[0]) ? rest.shift() : undefined);
  const reason = input.named.get('reason') ?? rest.join(' ');
  return {
    alert,
    duration: duration === undefined ? null : readDuration(duration),
    reason: reason.trim() === '' ? null : reason,
  };
}

/** Milliseconds of `30m`. Throws `bad-request` for anything else. */
export function readDuration(text: string): number {
  const value = parseDuration(text);
  if (value !== null) return value;
  throw new TocsinError('bad-request', {
    message: `"${text}" is not a duration.`,
    allowed: 'a number with its unit: 30m, 2h or 1d',
    given: text,
  });
}

async function chooseAlert(word: string | undefined, { context }: CommandInput, host: ChatHost): Promise<Alert> {
  const named = word ?? context.alert;
  const exact = named === null ? null : await host.store.alert(named);
  if (exact !== null) return exact;
  const [firing, silenced] = await Promise.all([
    host.store.alerts({ state: 'firing', limit: 500 }),
    host.store.alerts({ state: 'silenced', limit: 500 }),
  ]);
  const open = [...firing, ...silenced];
  if (word !== undefined) return pickByPrefix(word, open, one => one.id, 'open alert');
  throw new TocsinError('bad-request', {
    message: 'Say which alert.',
    allowed: open.length === 0 ? 'no alert is open now' : open.slice(0, 10).map(one => `${one.id} (${one.title})`),
  });
}
