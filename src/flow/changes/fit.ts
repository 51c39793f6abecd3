import { showDuration } from '../../kernel/duration.ts';
import type { Held } from '../../model/ledger/held.ts';
import { fitsAny, matchesPattern } from '../../model/ledger/pattern.ts';
import type { Permit } from '../../model/ledger/permit.ts';
import { type ChangeRules, ownerOf } from './rules.ts';

/** Why a permit does not fit a change, each a part of a sentence; none when it fits. */
export function misfitsOf(permit: Permit, held: Held, spec: ChangeRules): string[] {
  const found = [whoOf(permit, held, spec), whenOf(permit, held, spec), ...whatOf(permit, held)];
  return found.filter(one => one !== null);
}

/** The key of a window of break-glass: the person whose own principals it covers. */
const glass = 'break-glass:';

/** Who: by the word of a run and the principal as which runs act; by principal; or by the image or commit that a gate let through. */
function whoOf(permit: Permit, held: Held, spec: ChangeRules): string | null {
  if (permit.nonce !== '') return runOf(permit, held, spec);
  if (permit.principal !== '')
    return permit.principal === held.principal ? null : `it permits ${permit.principal}, and ${held.principal} did it`;
  if (permit.key.startsWith(glass)) {
    const person = permit.key.slice(glass.length);
    return ownerOf(held, spec) === person ? null : `${held.principal} is no principal of ${person}`;
  }
  if (permit.key !== '' && held.keys.includes(permit.key)) return null;
  return `the change does not name ${permit.key || 'what it is for'}`;
}

function runOf(permit: Permit, held: Held, { runPrincipal }: ChangeRules): string | null {
  if (permit.nonce !== held.nonce) return 'it is for a run whose mark the change does not carry';
  if (!runPrincipal.includes(held.principal)) return `${held.principal} is not under runPrincipal of changes.yaml`;
  const first = permit.seen?.principal ?? held.principal;
  return first === held.principal ? null : `the mark of its run was used by ${first} first`;
}

/** Origins whose end is the moment at which something here ended, by our clock. What a system of changes says ends exactly then. */
const endsByOurClock: ReadonlySet<Permit['origin']> = new Set(['run', 'gate']);

function whenOf(
  { from, until, origin, state, because }: Permit,
  { occurredAt }: Held,
  { skew }: ChangeRules,
): string | null {
  if (occurredAt < from - skew) return `it begins ${showDuration(from - occurredAt)} later`;
  const end = until === null ? null : until + (endsByOurClock.has(origin) ? skew : 0);
  if (end === null || occurredAt <= end) return null;
  const after = showDuration(occurredAt - (until ?? 0));
  return state === 'ended' ? `it ended ${after} before: ${because}` : `it expired ${after} before`;
}

function whatOf(permit: Permit, held: Held): (string | null)[] {
  return [
    fitsAny(permit.actions, held.action) ? null : `it permits ${listed(permit.actions)}, not ${held.action}`,
    fitsAny(permit.resources, held.resource) ? null : `it is for ${listed(permit.resources)}`,
    placed('account', permit.account, held.account),
    placed('region', permit.region, held.region),
    placed('environment', permit.environment, held.environment),
  ];
}

function placed(what: string, permitted: string | null, was: string | null): string | null {
  if (permitted === null || permitted === was) return null;
  return was === null
    ? `the change names no ${what}, and it is for ${permitted}`
    : `it is for the ${what} ${permitted}, not ${was}`;
}

function listed(texts: readonly string[]): string {
  return texts.length > 3 ? `${texts.slice(0, 3).join(', ')} and ${texts.length - 3} more` : texts.join(', ');
}

/** True when the run's mark came from another address than before: somebody else may have got hold of it. */
export function isElsewhere({ nonce, seen }: Permit, { address }: Held): boolean {
  return nonce !== '' && address !== null && seen?.address != null && seen.address !== address;
}

/** The entry of `known:` that the change fits; null for none. */
export function knownOf(held: Held, { known }: ChangeRules): ChangeRules['known'][number] | null {
  const fits = (patterns: readonly string[], text: string | null) => fitsAny(patterns, text ?? '');
  return (
    known.find(
      one =>
        one.principals.some(pattern => matchesPattern(pattern, held.principal)) &&
        fits(one.sources, held.source) &&
        fits(one.actions, held.action) &&
        fits(one.resources, held.resource) &&
        fits(one.accounts, held.account) &&
        (one.from ?? Number.NEGATIVE_INFINITY) <= held.occurredAt &&
        (one.until ?? Number.POSITIVE_INFINITY) >= held.occurredAt,
    ) ?? null
  );
}
