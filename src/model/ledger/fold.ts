import type { Fact } from '../journal.ts';
import type { Held } from './held.ts';
import type { Permit } from './permit.ts';

/** Pure reducer: the permit after one more fact of its stream. The first fact must be `permit.issued`. `at` is the time of the entry. */
export function foldPermit(known: Permit | null, fact: Fact, at: number): Permit {
  if (fact.kind === 'permit.issued') return { ...fact.permit, version: 1 };
  if (known === null) throw new Error(`a permit's first entry is permit.issued, not ${fact.kind}`);
  const version = known.version + 1;
  if (fact.kind === 'permit.used') {
    const { principal, address } = fact;
    // The first principal stays; of its changes, the first with an address tells from where it acts.
    const seen = { principal: known.seen?.principal ?? principal, address: known.seen?.address ?? address };
    return { ...known, version, seen };
  }
  if (fact.kind !== 'permit.ended' || known.state === 'ended') return { ...known, version };
  // What was done before it ended was permitted, and is held against it later.
  return {
    ...known,
    version,
    state: 'ended',
    because: fact.because,
    until: Math.min(fact.until ?? at, known.until ?? at),
  };
}

/** The same for a change that is held against the permits; the first fact must be `change.held`. */
export function foldHeld(known: Held | null, fact: Fact, at: number): Held {
  if (fact.kind === 'change.held') return { ...fact.held, version: 1 };
  if (known === null) throw new Error(`the first entry is change.held, not ${fact.kind}`);
  const version = known.version + 1;
  switch (fact.kind) {
    case 'change.judged': {
      const { state, because, permit, alert, asks, bypassed } = fact;
      return { ...known, version, state, because, permit, alert, asks, bypassed, dueAt: null, judgedAt: at };
    }
    case 'change.claimed':
      return { ...known, version, claim: fact.approval };
    case 'change.settled':
      return { ...known, version, state: fact.state, because: fact.because, endedAt: fact.endedAt };
    default:
      return { ...known, version };
  }
}
