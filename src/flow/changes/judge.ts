import type { Held } from '../../model/ledger/held.ts';
import type { Permit } from '../../model/ledger/permit.ts';
import type { Store } from '../../ports/store.ts';
import { everyOf } from '../journal/pages.ts';
import { isElsewhere, knownOf, misfitsOf } from './fit.ts';
import { byGates, bypassText, type GuardedPlace, guardedPlace, letThrough } from './guard.ts';
import { type ChangeRules, ownerOf } from './rules.ts';

/** What a change turned out to be. */
export interface Verdict {
  state: 'permitted' | 'known' | 'break-glass' | 'failed' | 'unpermitted';
  because: string;
  /** The permit that fits, or the nearest that did not. */
  permit: Permit | null;
  /** True when it must not be undone without asking. */
  asks: boolean;
  /** The gate that it went past; left out for other changes. */
  bypassed?: string;
}

/** Holds the change against the permits that there are now, known automation and open windows of break-glass, in this order. */
export async function judgeChange(held: Held, spec: ChangeRules, store: Store): Promise<Verdict> {
  const asks = !held.trusted;
  if (held.outcome === 'failure' && spec.failed === 'leave out')
    return { state: 'failed', because: 'it was refused or failed', permit: null, asks };
  const place = guardedPlace(held, spec);
  if (place !== null) return await judgeGuarded({ ...held, environment: place.environment }, place, spec, store);
  const {
    candidates,
    fitting,
    whole: alone,
  } = await candidatesFor(held, spec, store, permit => mayAlone(permit, held));
  const whole = alone ?? byGates(held, fitting);
  if (whole !== null) return { state: 'permitted', because: whole.because, permit: whole, asks };
  const known = knownOf(held, spec);
  if (known !== null) return { state: 'known', because: known.reason, permit: null, asks };
  const window = fitting.find(permit => permit.origin === 'break-glass');
  if (window !== undefined) return { state: 'break-glass', because: window.because, permit: window, asks };
  const [elsewhere] = fitting;
  if (elsewhere !== undefined) return markElsewhere(elsewhere, held);
  return {
    state: 'unpermitted',
    asks,
    ...nearestOf([...candidates, ...(await othersNear(held, spec, store))], held, spec),
  };
}

/** Who broke the glass is listed, and a gate lets one image or commit through: other things that come with it have verdicts of their own. */
function mayAlone({ origin }: Permit, { keys, unpinned }: Held): boolean {
  return origin === 'gate' ? keys.length === 1 && unpinned.length === 0 : origin !== 'break-glass';
}

function markElsewhere(permit: Permit, held: Held): Verdict {
  const because = `the mark of ${permit.of} came from ${held.address}, and from ${permit.seen?.address} before`;
  return { state: 'unpermitted', because, permit, asks: true };
}

/**
 * What brings an image or commit to where a gate guards: the verdict of the gate permits it, a run, or a window of break-glass; no automation
 * and no other system's permit does.
 */
async function judgeGuarded(held: Held, place: GuardedPlace, spec: ChangeRules, store: Store): Promise<Verdict> {
  const asks = !held.trusted;
  const { candidates, fitting, whole: run } = await candidatesFor(held, spec, store, ({ origin }) => origin === 'run');
  const whole = run ?? (await letThrough(held, place, fitting, store));
  if (whole !== null) return { state: 'permitted', because: whole.because, permit: whole, asks };
  const window = fitting.find(permit => permit.origin === 'break-glass');
  if (window !== undefined) return { state: 'break-glass', because: window.because, permit: window, asks };
  const bypassed = place.gates[0] ?? '';
  const elsewhere = fitting.find(permit => permit.origin === 'run');
  if (elsewhere !== undefined) return { ...markElsewhere(elsewhere, held), bypassed };
  const nearest = nearestOf([...candidates, ...(await othersNear(held, spec, store))], held, spec);
  return { ...nearest, state: 'unpermitted', asks, bypassed, because: bypassText(held, place, nearest.because) };
}

/** What permits are found by for this change: the run's mark, images and commits, whose principal did it; and the principal. */
function namesOf(held: Held, spec: ChangeRules) {
  const owner = ownerOf(held, spec);
  const keys = [held.nonce, ...held.keys, owner === null ? '' : `break-glass:${owner}`].filter(key => key !== '');
  return { keys, others: [held.principal] };
}

interface Candidates {
  candidates: Permit[];
  /** Those that fit by who, when and what. */
  fitting: Permit[];
  /** The first that permits it alone; the others are not read then. */
  whole: Permit | null;
}

/** The permits that may fit: those that were open when it was done, by what permits are found by. */
async function candidatesFor(
  held: Held,
  spec: ChangeRules,
  store: Store,
  alone: (permit: Permit) => boolean,
): Promise<Candidates> {
  const { keys, others } = namesOf(held, spec);
  const open = { dueFrom: held.occurredAt - spec.skew, upTo: held.occurredAt + spec.skew };
  const candidates = new Map<string, Permit>();
  const fitting = new Map<string, Permit>();
  const found = (whole: Permit | null) => ({
    candidates: [...candidates.values()],
    fitting: [...fitting.values()],
    whole,
  });
  for (const by of [...keys.map(key => ({ key })), ...others.map(other => ({ other }))])
    for await (const permit of everyOf(page => store.documents('permit', { ...by, ...open, ...page }))) {
      candidates.set(permit.id, permit);
      if (misfitsOf(permit, held, spec).length > 0) continue;
      fitting.set(permit.id, permit);
      if (!isElsewhere(permit, held) && alone(permit)) return found(permit);
    }
  return found(null);
}

/** How many permits that cannot fit are looked at for an explanation, for each thing that they are found by. */
const mostNear = 5;

/** Permits that are about it in some other way: for this resource, of this principal at another time. The last that were over come first. */
async function othersNear(held: Held, { skew }: ChangeRules, store: Store): Promise<Permit[]> {
  const keys = [held.resource, held.nonce, ...held.keys].filter(key => key !== '');
  const edge = held.occurredAt - skew;
  const queries = [...keys.map(key => ({ key })), { other: held.principal }].flatMap(by => [
    { ...by, overBy: edge },
    { ...by, dueFrom: edge },
  ]);
  const found = await Promise.all(queries.map(by => store.documents('permit', { ...by, limit: mostNear })));
  return found.flat();
}

/** The permit that fits best, and why it does not fit, for people. */
function nearestOf(permits: readonly Permit[], held: Held, spec: ChangeRules): Pick<Verdict, 'permit' | 'because'> {
  let best: { permit: Permit; misfits: string[] } | null = null;
  for (const permit of permits) {
    const misfits = misfitsOf(permit, held, spec);
    if (best === null || misfits.length < best.misfits.length) best = { permit, misfits };
  }
  if (best === null) return { permit: null, because: 'no permit is near it' };
  if (best.misfits.length === 0)
    return { permit: best.permit, because: `the permit ${best.permit.id} (${best.permit.origin}) does not cover it` };
  return {
    permit: best.permit,
    because: `the nearest permit, ${best.permit.id}, does not fit: ${best.misfits.join('; ')}`,
  };
}
