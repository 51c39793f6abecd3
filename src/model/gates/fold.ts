import type { Fact } from '../journal.ts';
import type { Gate } from './gate.ts';
import type { KnownBad } from './known-bad.ts';

/** Pure reducer: the gate after one more fact of its stream. The first fact must be `gate.asked`. `at` is the time of the entry. */
export function foldGate(known: Gate | null, fact: Fact, at: number): Gate {
  if (fact.kind === 'gate.asked') return { ...fact.gate, version: 1 };
  if (known === null) throw new Error(`a gate's first entry is gate.asked, not ${fact.kind}`);
  const version = known.version + 1;
  switch (fact.kind) {
    case 'gate.closed':
      if (known.state !== 'pending') return { ...known, version };
      return { ...known, version, state: fact.state, because: fact.because, closedAt: at, permit: fact.permit };
    case 'gate.revoked':
      if (known.state !== 'allowed') return { ...known, version };
      return { ...known, version, state: fact.state, because: fact.because, closedAt: at };
    case 'gate.told':
      return { ...known, version, told: [...known.told, toldOf(fact, at)].slice(-mostTold) };
    default:
      return { ...known, version };
  }
}

/** How many are kept with the gate; the journal has them all. */
const mostTold = 20;

function toldOf({ key, ok, text }: Extract<Fact, { kind: 'gate.told' }>, at: number): Gate['told'][number] {
  return { key, ok, text, at };
}

/** The same for an entry of the known bad. */
export function foldKnownBad(known: KnownBad | null, fact: Fact): KnownBad {
  if (fact.kind === 'known-bad.added') return { ...fact.entry, version: 1 };
  if (known === null) throw new Error(`the first entry is known-bad.added, not ${fact.kind}`);
  const version = known.version + 1;
  return fact.kind === 'known-bad.ended' ? { ...known, version, state: 'ended' } : { ...known, version };
}
