import { everyOf } from '../../flow/journal/pages.ts';
import type { Clock } from '../../kernel/clock.ts';
import { noEvidence } from '../../model/gates/evidence.ts';
import type { Gate } from '../../model/gates/gate.ts';
import type { BadMatch } from '../../model/gates/known-bad.ts';
import type { Subject } from '../../model/gates/subject.ts';
import type { Store } from '../../ports/store.ts';

/** What is looked for: this image, where it would start, and who would start it. */
export interface Wanted {
  subject: Subject & { image: string };
  digest: string;
  environment: string;
  namespace: string;
  cluster: string;
  /** True for a pod that a controller makes of a workload which was admitted before. */
  byController: boolean;
  /** For how long a denial is not asked about again, milliseconds. */
  denialStands: number;
}

export type Found =
  | { kind: 'allowed'; gate: Gate; because: string }
  | { kind: 'pending'; gate: Gate }
  | { kind: 'denied'; gate: Gate; because: string }
  /** It is known to be bad, and no decision was taken in knowledge of it. `earlier` is a denial by policy that still stands. */
  | { kind: 'bad'; because: string; earlier: Gate | null }
  | { kind: 'none'; earlier: Gate | null };

/** The key of a gate's callback that says where alone it holds, and by whose word. */
export const glassKey = 'glass';

/** What the store knows of a digest in an environment. `at` is the time by the monotonic clock before it was read. */
export interface Known {
  gates: readonly Gate[];
  bad: readonly BadMatch[];
  at: number;
}

export interface KnownParts {
  clock: Pick<Clock, 'monotonic'>;
  store: Pick<Store, 'documents'>;
  knownBad: { match(subject: Subject, evidence: typeof noEvidence): Promise<readonly BadMatch[]> };
}

/** Reads all decisions about the digest in this environment, the newest first, and what is known to be bad. */
export async function readKnown({ subject, digest, environment }: Wanted, parts: KnownParts): Promise<Known> {
  const at = parts.clock.monotonic();
  const [bad, gates] = await Promise.all([
    parts.knownBad.match(subject, noEvidence),
    gatesOf(digest, environment, parts.store),
  ]);
  return { gates, bad, at };
}

async function gatesOf(digest: string, environment: string, store: KnownParts['store']): Promise<Gate[]> {
  const gates: Gate[] = [];
  for await (const gate of everyOf(page => store.documents('gate', { ...page, key: digest })))
    if (gate.subject.environment === environment) gates.push(gate);
  return gates;
}

/** Pure: what follows from what is known. A revocation counts against all allows before it; one of a broken glass against itself alone. */
export function findDecision(wanted: Wanted, known: Known, now: number): Found {
  const here = known.gates.filter(gate => holdsHere(gate, wanted));
  const ruled = here.filter(gate => !isGlass(gate));
  const revoked = ruled.find(({ state }) => state === 'revoked');
  const since = Math.max(0, ...ruled.filter(({ state }) => state === 'revoked').map(closedAt));
  const allow = here.find(
    gate => gate.state === 'allowed' && holds(gate, now) && (isGlass(gate) || closedAt(gate) > since),
  );
  const bad = known.bad.filter(one => !knows(allow, one));
  const earlier =
    here.find(gate => gate.state === 'denied' && gate.approval === null && stands(gate, wanted, now)) ?? null;
  if (bad.length > 0) {
    const because = bad
      .map(({ what, reason, by, from }) => `${what} is known to be bad: ${reason} (${by}, ${from})`)
      .join('; ');
    const admitted = allow ?? ruled.find(gate => wasAdmitted(gate, since, now));
    if (wanted.byController && admitted !== undefined && bad.every(({ blocks }) => blocks === 'rollout'))
      return { kind: 'allowed', gate: admitted, because: `admitted before; for new workloads ${because}` };
    return { kind: 'bad', because, earlier };
  }
  if (allow !== undefined) return { kind: 'allowed', gate: allow, because: allow.because };
  const pending = ruled.find(({ state }) => state === 'pending');
  if (pending !== undefined) return { kind: 'pending', gate: pending };
  if (revoked !== undefined)
    return {
      kind: 'denied',
      gate: revoked,
      because: `what was allowed was revoked: ${revoked.because}. Ask its gate anew`,
    };
  const byPeople = ruled.find(gate => isClosedByPeople(gate) && stands(gate, wanted, now));
  return byPeople === undefined
    ? { kind: 'none', earlier }
    : { kind: 'denied', gate: byPeople, because: byPeople.because };
}

function isGlass({ callback }: Gate): boolean {
  return callback[glassKey] !== undefined;
}

/** Breaking the glass holds in its namespace alone. */
function holdsHere(gate: Gate, { cluster, namespace }: Wanted): boolean {
  return !isGlass(gate) || (gate.callback['cluster'] === cluster && gate.callback['namespace'] === namespace);
}

function closedAt({ closedAt, createdAt }: Gate): number {
  return closedAt ?? createdAt;
}

function holds({ holdsUntil }: Gate, now: number): boolean {
  return holdsUntil === null || holdsUntil > now;
}

function stands(gate: Gate, { denialStands }: Wanted, now: number): boolean {
  return closedAt(gate) + denialStands > now;
}

function isClosedByPeople({ state, approval }: Gate): boolean {
  return approval !== null && (state === 'denied' || state === 'expired');
}

/** Decided in knowledge of this entry. */
function knows(gate: Gate | undefined, bad: BadMatch): boolean {
  return gate?.knownBad.some(({ what, from }) => what === bad.what && from === bad.from) ?? false;
}

/** It was allowed once, and ended only because it became known to be bad. */
function wasAdmitted(gate: Gate, since: number, now: number): boolean {
  return gate.state === 'void' && gate.permit !== null && holds(gate, now) && gate.createdAt > since;
}
