import { TocsinError } from '../../kernel/errors.ts';
import { countCharacters } from '../../kernel/text.ts';
import type { Act, ActAnswer } from '../../model/act.ts';
import type { Actor } from '../../model/actor.ts';
import { changeAlert } from './change-alert.ts';
import { type ActParts, unknown } from './parts.ts';

/** The longest note, characters: it is to fit one message of every platform. */
const longest = 1500;

/**
 * Keeps a note with what it is about. Nothing else follows from it here: threads show it, and the origin of the alert is told. Rejects with
 * `bad-request` for an empty or long one and where it is about nothing, and with `not-found`.
 */
export async function performNote(
  who: Actor,
  { alert, run, gate, text: given }: Extract<Act, { kind: 'note' }>,
  parts: ActParts,
): Promise<ActAnswer> {
  const text = given.trim();
  checkText(text);
  if (run !== null) {
    if ((await parts.store.run(run)) === null) throw unknown('run', run, []);
    await parts.streams.run(run, who, () => ({ facts: [{ kind: 'run.noted', run, text }] }));
    return { ok: true, text: 'Noted. Everybody sees it in the thread of the run.', run };
  }
  if (gate !== null) {
    if ((await parts.store.document('gate', gate)) === null) throw unknown('decision of a gate', gate, []);
    await parts.streams.document('gate', gate, who, () => ({ facts: [{ kind: 'gate.noted', gate, text }] }));
    return { ok: true, text: 'Noted. Everybody sees it in the thread of the gate.', gate };
  }
  if (alert === null)
    throw new TocsinError('bad-request', {
      message: 'A note is about an alert, a run or a gate.',
      allowed: 'a note in their thread, or with their id: note alt_… <text>',
      remedy: 'Write it in the thread, or put the id before it.',
    });
  await changeAlert(who, alert, parts, known => ({ kind: 'alert.noted', alert: known.id, text }));
  return { ok: true, text: 'Noted. Everybody sees it in the thread of the alert.' };
}

function checkText(text: string): void {
  if (text === '')
    throw new TocsinError('bad-request', { message: 'The note is empty.', remedy: 'Write: note <text>' });
  const length = countCharacters(text, 0);
  if (length > longest)
    throw new TocsinError('bad-request', {
      message: 'The note is too long.',
      allowed: `${longest} characters`,
      given: `${length} characters`,
      remedy: 'Shorten it, or link to where the whole text is.',
    });
}
