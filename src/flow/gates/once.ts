import { sha256 } from '../../kernel/canonical.ts';
import { TocsinError } from '../../kernel/errors.ts';
import { type Actor, identityOf } from '../../model/actor.ts';
import type { Gate } from '../../model/gates/gate.ts';
import type { Guard } from '../../ports/store.ts';
import { everyOf } from '../journal/pages.ts';
import type { GateParts } from './parts.ts';

/** For how long a caller's name of a question is remembered, milliseconds. */
const remembered = 24 * 3_600_000;

interface Named {
  who: Actor;
  once: string | null;
}

/** One claim says that the name was used, the other with which gate. They are the caller's own: others may use the same name. */
function claimsOf(who: Actor, once: string, gate: string) {
  const key = sha256(`${identityOf(who)}\n${once}`);
  return { used: { space: 'gate-key', key }, with: { space: 'gate-key', key: `${key}/${gate}` } };
}

/** The guards that name a gate in the change that makes it; none where the caller gave no name. */
export function namesOf({ who, once }: Named, gate: string, at: number): Guard[] {
  if (once === null) return [];
  const claims = claimsOf(who, once, gate);
  return [claims.used, claims.with].map(claim => ({ kind: 'claim', ...claim, at, keep: remembered }));
}

/** Names a gate that is there already. Rejects with `guard-failed` when the name was used meanwhile. */
export async function nameAgain(gate: Gate, named: Named, { feed, clock }: GateParts): Promise<Gate> {
  const guards = namesOf(named, gate.id, clock.now());
  if (guards.length > 0) await feed.commit({ guards });
  return gate;
}

/** The gate that the caller asked under this name before; null for a new name. Rejects with `gate-key-used` for one of another subject. */
export async function namedBefore({ who, once }: Named, hash: string, { store }: GateParts): Promise<Gate | null> {
  if (once === null || !(await store.claimed(claimsOf(who, once, '').used))) return null;
  for await (const gate of everyOf(page => store.documents('gate', { ...page, other: hash })))
    if (await store.claimed(claimsOf(who, once, gate.id).with)) return gate;
  throw new TocsinError('gate-key-used', { given: once });
}
