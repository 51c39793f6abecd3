import type { Held } from '../../model/ledger/held.ts';
import { fitsAny } from '../../model/ledger/pattern.ts';
import type { Permit } from '../../model/ledger/permit.ts';
import type { Store } from '../../ports/store.ts';
import type { ChangeRules, Guarded } from './rules.ts';

/** Where a change came in, and the gates that had to be asked. */
export interface GuardedPlace {
  environment: string;
  gates: readonly string[];
}

/** The guarded place into which the change brought an image or a commit; null when it brought none, or nothing guards where. */
export function guardedPlace(held: Held, { guards }: ChangeRules): GuardedPlace | null {
  if (held.keys.length === 0 && held.unpinned.length === 0) return null;
  const guarding = guards.filter(guard => isThere(held, guard));
  const [first] = guarding;
  if (first === undefined) return null;
  const same = guarding.filter(({ environment }) => environment === first.environment);
  return { environment: first.environment, gates: [...new Set(same.map(({ gate }) => gate))] };
}

/** Most sources tell no environment: there it is known by the cluster, account or resource. */
function isThere(held: Held, { environment, sources, accounts, resources }: Guarded): boolean {
  const named = sources.length + accounts.length + resources.length > 0;
  return (
    (held.environment === null ? named : held.environment === environment) &&
    fitsAny(sources, held.source) &&
    fitsAny(accounts, held.account ?? '') &&
    fitsAny(resources, held.resource)
  );
}

/** The permit by which all that it brought came in; null when a part of it did not come by one of these gates. */
export async function letThrough(
  held: Held,
  { gates }: GuardedPlace,
  fitting: readonly Permit[],
  store: Store,
): Promise<Permit | null> {
  const own: Permit[] = [];
  for (const permit of fitting) if (permit.origin === 'gate' && (await isOf(permit, gates, store))) own.push(permit);
  return byGates(held, own);
}

/** The first of the permits when gates let through each image and commit that it brought; else null. */
export function byGates({ keys, unpinned }: Held, permits: readonly Permit[]): Permit | null {
  const found = keys.flatMap(key => permits.find(permit => permit.origin === 'gate' && permit.key === key) ?? []);
  return found.length === keys.length && unpinned.length === 0 ? (found[0] ?? null) : null;
}

async function isOf(permit: Permit, gates: readonly string[], store: Store): Promise<boolean> {
  const gate = await store.document('gate', permit.of);
  return gate !== null && gates.includes(gate.name);
}

/** Why it is past the gate, for people. `nearest` tells of the permit that came nearest. */
export function bypassText(held: Held, { gates, environment }: GuardedPlace, nearest: string): string {
  const past = `it came into ${environment} past the gate ${gates.join(' or ')}`;
  const [tag] = held.unpinned;
  return tag === undefined ? `${past}: ${nearest}` : `${past}: ${tag} names no digest that could have been let through`;
}
