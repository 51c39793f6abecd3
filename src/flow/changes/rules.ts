import type { Held } from '../../model/ledger/held.ts';
import type { LedgerFile } from '../../model/ledger/ledger-file.ts';
import type { CatalogueSet, ChangesSpec } from '../../ports/catalogue.ts';

/** What changes are held against, besides permits. */
export interface ChangeRules extends LedgerFile {
  principals: ChangesSpec['principals'];
}

/** The rules in force; null when nothing is held. */
export function rulesOf({ changes: { ledger, principals } }: Pick<CatalogueSet, 'changes'>): ChangeRules | null {
  return ledger === null ? null : { ...ledger, principals };
}

/** The person whose own principal did it: by the whole name that the change carries, else by its role; null for nobody's. */
export function ownerOf(
  { actor, principal }: Pick<Held, 'actor' | 'principal'>,
  { principals }: Pick<ChangesSpec, 'principals'>,
): string | null {
  return principals.get(actor) ?? principals.get(principal) ?? null;
}
