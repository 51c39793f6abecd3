import { isCode } from '../../kernel/errors.ts';
import { system } from '../../model/actor.ts';
import type { Held } from '../../model/ledger/held.ts';
import type { Permit } from '../../model/ledger/permit.ts';
import { runPermitId } from '../../model/ledger/principal.ts';
import type { ChangesParts } from './parts.ts';

/** Ends the permit of a run that ended at this time, however it ended. A run that never began has none. */
export async function endRunPermit(run: string, at: number, { streams }: Pick<ChangesParts, 'streams'>): Promise<void> {
  try {
    await streams.document('permit', runPermitId(run), system, permit =>
      permit.state === 'ended'
        ? null
        : { facts: [{ kind: 'permit.ended', permit: permit.id, because: 'its run ended', until: at }] },
    );
  } catch (error) {
    if (!isCode(error, 'not-found')) throw error;
  }
}

/** Notes who uses the mark of a run first, and from where: it is theirs from then on. Resolves to the permit as it is then. */
export async function noteUse(
  permit: Permit,
  { principal, address }: Held,
  { streams }: Pick<ChangesParts, 'streams'>,
): Promise<Permit> {
  const { id } = permit;
  if (permit.nonce === '') return permit;
  return await streams.document('permit', id, system, ({ seen }) => {
    const isNews = seen === undefined || (seen.address === null && address !== null);
    return isNews ? { facts: [{ kind: 'permit.used', permit: id, principal, address }] } : null;
  });
}
