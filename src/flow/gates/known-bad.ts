import type { Clock } from '../../kernel/clock.ts';
import type { BadMatch, BadThing, KnownBad } from '../../model/gates/known-bad.ts';
import { digestOf, type Subject } from '../../model/gates/subject.ts';
import type { Store } from '../../ports/store.ts';
import { everyOf } from '../journal/pages.ts';
import type { KnownBadList } from './parts.ts';

/** The list of what people put there, read anew for each question: an entry counts on every node at once. */
export function createKnownBad({ store, clock }: { store: Store; clock: Clock }): KnownBadList {
  return {
    async match(subject) {
      const found: BadMatch[] = [];
      const now = clock.now();
      for await (const entry of everyOf(page => store.documents('known-bad', { ...page, state: 'open' }))) {
        const what = entry.until !== null && entry.until <= now ? null : namedIn(entry.thing, subject);
        if (what !== null) found.push(matchOf(entry, what));
      }
      return found;
    },
  };
}

/** What of the subject the entry names; null when nothing. */
function namedIn(thing: BadThing, subject: Subject): string | null {
  if (thing.kind === 'image') return digestOf(subject) === thing.digest ? thing.digest : null;
  return thing.kind === 'commit' && subject.sha === thing.sha ? thing.sha : null;
}

function matchOf({ id, reason, by, blocks, until }: KnownBad, what: string): BadMatch {
  return { what, reason, by, blocks, until, from: id };
}
