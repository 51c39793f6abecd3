import { showDuration } from '../../../kernel/duration.ts';
import { nameOf } from '../../../model/actor.ts';
import type { Card } from '../../../model/card.ts';
import { type KnownBad, thingText } from '../../../model/gates/known-bad.ts';
import type { Entry, FactOf } from '../../../model/journal.ts';
import { noteCard } from './cards.ts';

/** What became known to be bad, and until when. */
export function badNote({ thing, reason, blocks, until, id, createdAt }: KnownBad, { actor }: Entry): Card {
  const lasts = until === null ? '' : ` for ${showDuration(until - createdAt)}`;
  const what = blocks === 'all' ? 'nothing of it starts any more' : 'no gate lets it through any more';
  return noteCard(
    `${nameOf(actor)}: never again ${thingText(thing)}${lasts} (${reason}); ${what}. Entry ${id}.`,
    'warning',
  );
}

export function unbadNote({ thing }: KnownBad, { reason }: FactOf<'known-bad.ended'>, { actor }: Entry): Card {
  return noteCard(`${nameOf(actor)} took ${thingText(thing)} off the list of what is known to be bad: ${reason}`);
}
