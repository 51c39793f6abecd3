import type { Held } from '../../model/ledger/held.ts';
import type { LedgerFile } from '../../model/ledger/ledger-file.ts';
import type { CatalogueSet, ChangesSpec, GateSpec } from '../../ports/catalogue.ts';

/** What changes are held against, besides permits. */
export interface ChangeRules extends LedgerFile {
  principals: ChangesSpec['principals'];
  /** What gates guard, by gates.yaml. */
  guards: readonly Guarded[];
}

/** A place into which nothing comes without the verdict of this gate. */
export type Guarded = GateSpec['guards'][number] & { gate: string };

/** The rules in force; null when nothing is held. */
export function rulesOf({
  changes: { ledger, principals },
  gates,
}: Pick<CatalogueSet, 'changes' | 'gates'>): ChangeRules | null {
  if (ledger === null) return null;
  const guards = [...gates.values()].flatMap(gate => gate.guards.map(guard => ({ ...guard, gate: gate.name })));
  return { ...ledger, principals, guards };
}

/** The person whose own principal did it: by the whole name that the change carries, else by its role; null for nobody's. */
export function ownerOf(
  { actor, principal }: Pick<Held, 'actor' | 'principal'>,
  { principals }: Pick<ChangesSpec, 'principals'>,
): string | null {
  return principals.get(actor) ?? principals.get(principal) ?? null;
}
