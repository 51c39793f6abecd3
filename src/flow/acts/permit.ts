import { canonicalJson, sha256 } from '../../kernel/canonical.ts';
import { isCode, TocsinError } from '../../kernel/errors.ts';
import type { Act, ActAnswer } from '../../model/act.ts';
import { type Actor, identityOf, nameOf } from '../../model/actor.ts';
import type { Guard } from '../../ports/store.ts';
import { asChangesName, beyondOf, importedId, issueImported } from '../changes/import.ts';
import { failedGuard } from '../journal/streams.ts';
import { type ActParts, refused, unknown } from './parts.ts';

type PermitAct = Extract<Act, { kind: 'permit' }>;

/** Imports a permit for a caller that changes.yaml lets import, within what it may permit. */
export async function performPermit(who: Actor, act: PermitAct, parts: ActParts): Promise<ActAnswer> {
  const request = asChangesName(act.permit);
  // Told again, it is the one that is there, also when it is over, and whatever changes.yaml says by now.
  const name = sha256(canonicalJson({ permit: request }));
  const id = importedId(who, name);
  if (act.once !== undefined) await checkKey(who, act.once, id, parts);
  const known = await parts.store.document('permit', id);
  if (known !== null) return await answered(who, act, id, parts);
  const at = parts.clock.now();
  const beyond = beyondOf({ who, request, at }, parts.catalogue.current());
  if (beyond !== null) {
    parts.metrics.count('tocsin_permits_imported_total', { importer: identityOf(who), outcome: 'refused' });
    parts.log.warn({ importer: identityOf(who), change: request.change, ...beyond }, 'a permit was refused');
    return beyondAnswer(who, beyond);
  }
  try {
    await issueImported({ who, request, name, at, guards: keyGuards(who, act.once, id, at) }, parts);
  } catch (error) {
    if (!isCode(error, 'guard-failed') || failedGuard(error) !== 'claim') throw error;
    // The key was used in the same moment, for this permit or another.
    await checkKey(who, act.once ?? '', id, parts);
  }
  return { ok: true, text: `It is permitted until ${new Date(request.until).toISOString()}.`, permit: id };
}

function beyondAnswer(
  who: Actor,
  { what, allowed, given }: { what: string; allowed: string; given: string },
): ActAnswer {
  const error = new TocsinError('permit-refused', {
    message: `${nameOf(who)} may not permit this ${what}.`,
    allowed,
    given,
  });
  const { code, status, message, remedy } = error;
  return {
    ok: false,
    ...{ code, status, details: { allowed, given, remedy } },
    text: `${message} Allowed: ${allowed}. Given: ${given}.`,
  };
}

/** Names a permit that is there already with the key of this request. */
async function answered(who: Actor, { once }: PermitAct, id: string, parts: ActParts): Promise<ActAnswer> {
  try {
    const guards = keyGuards(who, once, id, parts.clock.now());
    if (guards.length > 0) await parts.feed.commit({ guards });
  } catch (error) {
    if (!isCode(error, 'guard-failed')) throw error;
    await checkKey(who, once ?? '', id, parts);
  }
  return { ok: true, text: 'It was permitted before.', permit: id };
}

/** For how long a caller's name of a permit is remembered, milliseconds. */
const remembered = 24 * 3_600_000;

/** One claim says that the key was used, the other for which permit. */
function claimsOf(who: Actor, once: string, id: string) {
  const key = sha256(`${identityOf(who)}\n${once}`);
  return { used: { space: 'permit-key', key }, with: { space: 'permit-key', key: `${key}/${id}` } };
}

function keyGuards(who: Actor, once: string | undefined, id: string, at: number): Guard[] {
  if (once === undefined) return [];
  const claims = claimsOf(who, once, id);
  return [claims.used, claims.with].map(claim => ({ kind: 'claim', ...claim, at, keep: remembered }));
}

async function checkKey(who: Actor, once: string, id: string, { store }: ActParts): Promise<void> {
  const claims = claimsOf(who, once, id);
  if (!(await store.claimed(claims.used)) || (await store.claimed(claims.with))) return;
  throw new TocsinError('gate-key-used', {
    message: 'This Idempotency-Key was sent with another permit.',
    given: once,
  });
}

/** Takes back an imported permit: what was done before was permitted, and what is done from now on is not. */
export async function performUnpermit(
  who: Actor,
  act: Extract<Act, { kind: 'unpermit' }>,
  parts: ActParts,
): Promise<ActAnswer> {
  const known = await parts.store.document('permit', act.permit);
  if (known === null) throw unknown('permit', act.permit, []);
  if (known.origin !== 'import')
    return refused(
      'conflict',
      409,
      'Only imported permits are taken back like this. Revoke its gate, or end its window.',
    );
  const reason = act.reason?.trim().slice(0, 1000) ?? '';
  const because = `taken back by ${nameOf(who)}${reason === '' ? '' : `: ${reason}`}`;
  const permit = await parts.streams.document('permit', known.id, who, now =>
    now.state === 'ended' ? null : { facts: [{ kind: 'permit.ended', permit: now.id, because }] },
  );
  return { ok: true, text: 'It permits nothing any more.', permit: permit.id };
}
