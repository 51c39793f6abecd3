import { isCode } from '../../kernel/errors.ts';
import type { Act, ActAnswer } from '../../model/act.ts';
import type { Actor } from '../../model/actor.ts';
import { type Fact, streamOf } from '../../model/journal.ts';
import type { Letter } from '../../model/letter.ts';
import { type ActParts, refused, unknown } from './parts.ts';

/** The most tries against a source that changes the same letter. */
const maxTries = 5;

/** Another try of what a source could not read, or the end of it. What a press repeats changes nothing. */
export async function performLetter(
  who: Actor,
  act: Extract<Act, { kind: 'redrive' | 'discard' }>,
  parts: ActParts,
): Promise<ActAnswer> {
  for (let attempt = 1; ; attempt++) {
    const known = await parts.store.letter(act.letter);
    if (known === null) throw unknown('dead letter', act.letter, []);
    const ended = endOf(known, act.kind);
    if (ended !== null) return ended;
    const at = parts.clock.now();
    const stream = streamOf.letter(known.id);
    const [state, fact] = outcomeOf(known.id, act);
    try {
      await parts.feed.commit({
        guards: [{ kind: 'stream', stream, version: known.version }],
        entries: [{ stream, actor: who, at, fact }],
        rows: [{ table: 'letter', doc: { ...known, state, version: known.version + 1 } }],
      });
      const text = state === 'retrying' ? 'It is read again in a moment.' : 'It is off the list.';
      return { ok: true, text };
    } catch (error) {
      if (!isCode(error, 'guard-failed') || attempt >= maxTries) throw error;
    }
  }
}

/** The answer where there is nothing to do; null when there is. */
function endOf({ state, again }: Letter, wanted: 'redrive' | 'discard'): ActAnswer | null {
  if (state === 'read') return refused('conflict', 409, 'It was read meanwhile.');
  if (state === 'discarded')
    return wanted === 'discard'
      ? { ok: true, text: 'It is off the list already.' }
      : refused('conflict', 409, 'It was taken off the list.');
  if (wanted === 'discard') return null;
  if (again === null) return refused('conflict', 409, 'There is nothing left to read: the message is gone.');
  return state === 'retrying' ? { ok: true, text: 'It is being read again already.' } : null;
}

function outcomeOf(
  letter: string,
  { kind, reason }: Extract<Act, { kind: 'redrive' | 'discard' }>,
): ['retrying' | 'discarded', Fact] {
  if (kind === 'redrive') return ['retrying', { kind: 'letter.retrying', letter, reason }];
  return ['discarded', { kind: 'letter.settled', letter, state: 'discarded', reason }];
}
