import { canonicalJson, sha256 } from '../../kernel/canonical.ts';
import { isCode } from '../../kernel/errors.ts';
import { type Actor, identityOf } from '../../model/actor.ts';
import { streamOf } from '../../model/journal.ts';
import { type Beyond, beyondAll } from '../../model/ledger/import.ts';
import type { Importer } from '../../model/ledger/ledger-file.ts';
import type { Permit } from '../../model/ledger/permit.ts';
import type { PermitRequest } from '../../model/ledger/permit-request.ts';
import { principalName } from '../../model/ledger/principal.ts';
import type { CatalogueSet } from '../../ports/catalogue.ts';
import type { Guard } from '../../ports/store.ts';
import type { ChangesParts } from './parts.ts';

export type ImportParts = Pick<ChangesParts, 'clock' | 'store' | 'feed' | 'catalogue' | 'metrics'>;
type Changes = Pick<CatalogueSet, 'changes'>;

/** What changes.yaml lets this token or source import. */
function importersOf(who: Actor, { changes: { ledger } }: Changes): Importer[] {
  const identity = identityOf(who);
  return (ledger?.importers ?? []).filter(
    ({ service, person, source }) =>
      identity === `service:${service}` || identity === `person:${person}` || identity === `source:${source}`,
  );
}

/** True when it may import permits of any kind. */
export function isImporter(who: Actor, set: Changes): boolean {
  return importersOf(who, set).length > 0;
}

/**
 * How far back a permit may begin, milliseconds: as long as changes wait for their judgement, so that news of an approval may come as late as
 * news of its change. What was done before is judged.
 */
function backOf({ changes: { ledger } }: Changes): number {
  if (ledger === null) return 0;
  return Math.max(ledger.matchAfter, ...Object.values(ledger.sources).map(one => one.matchAfter)) + ledger.skew;
}

export interface Imported {
  who: Actor;
  request: PermitRequest;
  /** What it is told by, for ever the same: the request itself, or what its source calls it. */
  name: string;
  /** When it arrived, milliseconds since the epoch. */
  at: number;
  /** Further guards of the change. */
  guards: readonly Guard[];
}

/** With a principal as changes name it. */
export function asChangesName(request: PermitRequest): PermitRequest {
  return { ...request, principal: principalName(request.principal) };
}

/** The id of an imported permit, the same however often and on whichever node it is told. */
export function importedId(who: Actor, name: string): string {
  return `pmt_${sha256(canonicalJson({ importer: identityOf(who), name })).slice(0, 32)}`;
}

/** What it permits beyond what it may; null when all of it may be permitted. */
export function beyondOf({ who, request, at }: Omit<Imported, 'name' | 'guards'>, set: Changes): Beyond | null {
  if (request.principal === 'somebody unknown')
    return { what: 'principal', allowed: 'a principal that changes name', given: request.principal };
  return beyondAll(request, importersOf(who, set), { at, back: backOf(set) });
}

/**
 * Issues a permit once. Resolves to the one that is there when it was told before, also one that has ended: what was taken back does not
 * come again. Whether it may be permitted was decided before. Rejects with `guard-failed` of a further guard.
 */
export async function issueImported(imported: Imported, { clock, store, feed, metrics }: ImportParts): Promise<Permit> {
  const { who, guards } = imported;
  const id = importedId(who, imported.name);
  const stream = streamOf.permit(id);
  const at = clock.now();
  const permit = permitOf(id, imported, at);
  try {
    await feed.commit({
      guards: [...guards, { kind: 'stream', stream, version: 0 }],
      entries: [{ stream, actor: who, at, fact: { kind: 'permit.issued', permit } }],
      rows: [{ table: 'document', kind: 'permit', doc: permit }],
    });
    metrics.count('tocsin_permits_imported_total', { importer: identityOf(who), outcome: 'issued' });
    return permit;
  } catch (error) {
    const known = isCode(error, 'guard-failed') ? await store.document('permit', id) : null;
    if (known === null) throw error;
    return known;
  }
}

function permitOf(id: string, { who, request, at }: Imported, createdAt: number): Permit {
  const { principal, actions, resources, account, region, environment, from, until, change, reason } = request;
  return {
    id,
    origin: 'import',
    of: change,
    ...{ principal, nonce: '', key: '', actions, resources },
    ...{ account: account ?? null, region: region ?? null, environment: environment ?? null },
    ...{ from: from ?? at, until, state: 'open', importer: identityOf(who) },
    because: `${change}: ${reason}`,
    createdAt,
    version: 1,
  };
}
