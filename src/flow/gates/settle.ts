import { isCode } from '../../kernel/errors.ts';
import { system } from '../../model/actor.ts';
import type { Approval } from '../../model/approval.ts';
import { type Evidence, evidence, noEvidence } from '../../model/gates/evidence.ts';
import type { Gate } from '../../model/gates/gate.ts';
import { badText, newlyBad } from '../../model/gates/known-bad.ts';
import { digestOf } from '../../model/gates/subject.ts';
import { type Fact, type NewEntry, streamOf } from '../../model/journal.ts';
import type { Permit } from '../../model/ledger/permit.ts';
import type { Change, Guard, Store } from '../../ports/store.ts';
import { failedGuard } from '../journal/streams.ts';
import { refusedNow } from './consider.ts';
import type { GateParts } from './parts.ts';

export type SettleParts = Pick<GateParts, 'clock' | 'ids' | 'streams' | 'store' | 'metrics' | 'knownBad' | 'catalogue'>;

const stateOf = { approved: 'allowed', denied: 'denied', expired: 'expired', void: 'void' } as const;

/**
 * Closes the gate of a closed approval. Also called on recovery, so it is idempotent. What became known to be bad while people voted is
 * not let through: an entry that comes at the same moment finds the gate open, or allowed, and ends it.
 */
export async function settleGate(approval: Approval, parts: SettleParts): Promise<Gate | null> {
  try {
    return await settle(approval, parts);
  } catch (error) {
    // A halt came in the same moment; now it is read.
    if (!isCode(error, 'guard-failed') || failedGuard(error) !== 'halt') throw error;
    return await settle(approval, parts);
  }
}

async function settle(approval: Approval, parts: SettleParts): Promise<Gate | null> {
  if (approval.gate === null || approval.state === 'open') return null;
  const state = stateOf[approval.state];
  const because = approval.because ?? approval.state;
  let closed = false;
  const gate = await parts.streams.document('gate', approval.gate, system, async now => {
    closed = false;
    if (now.state !== 'pending') return null;
    closed = true;
    const bad = state === 'allowed' ? await unfitNow(now, parts) : null;
    if (bad !== null) return { facts: [closing(now, 'void', bad, null)] };
    if (state !== 'allowed') return { facts: [closing(now, state, because, null)] };
    const permit = permitOf(now, because, parts);
    const issued = issuing(permit, parts.clock.now());
    const guards: Guard[] = [...(issued.guards ?? []), { kind: 'halt' }];
    return { facts: [closing(now, 'allowed', because, permit.id)], with: { ...issued, guards } };
  });
  if (closed) parts.metrics.count('tocsin_gates_total', { door: gate.door, state: gate.state });
  return gate;
}

/** Why it is not let through although people approved it; null when nothing is in its way. */
async function unfitNow(gate: Gate, parts: SettleParts): Promise<string | null> {
  const gone = refusedNow(gate, parts.catalogue.current());
  return (await haltedNow(parts)) ?? gone ?? (await badSince(gate, parts));
}

async function haltedNow({ store }: SettleParts): Promise<string | null> {
  const halted = await store.halted();
  return halted === null ? null : `${halted.by} halted everything: ${halted.reason}`;
}

/** Why it is surely bad by what was not known when it was decided; null when it is not. */
export async function badSince(gate: Gate, { knownBad, store }: SettleParts): Promise<string | null> {
  const found = newlyBad(await knownBad.match(gate.subject, await evidenceOf(gate, store)), gate.knownBad);
  return found === null ? null : badText(found);
}

/** The evidence as it was read when the gate was asked. What is not stored any more reads as absent. */
export async function evidenceOf({ found }: Gate, store: Pick<Store, 'blob'>): Promise<Evidence> {
  const bytes = found === null ? null : await store.blob(found);
  return bytes === null ? noEvidence : evidence.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
}

function closing(
  gate: Gate,
  state: 'allowed' | 'denied' | 'expired' | 'void',
  because: string,
  permit: string | null,
): Fact {
  return { kind: 'gate.closed', gate: gate.id, state, because, permit };
}

/** The permit that an allow leaves: this image or commit may come into its environment while the allow holds. */
export function permitOf(gate: Gate, because: string, { clock, ids }: Pick<SettleParts, 'clock' | 'ids'>): Permit {
  const at = clock.now();
  return {
    id: ids.next('pmt'),
    origin: 'gate',
    of: gate.id,
    principal: '',
    nonce: '',
    key: digestOf(gate.subject) ?? gate.subject.sha ?? '',
    actions: [],
    resources: [],
    account: null,
    region: null,
    environment: gate.subject.environment ?? null,
    from: at,
    until: gate.holdsUntil,
    state: 'open',
    because,
    createdAt: at,
    version: 1,
  };
}

/** The change that issues a permit: with its gate it is committed, or not at all. */
export function issuing(permit: Permit, at: number): Change & { entries: NewEntry[] } {
  const stream = streamOf.permit(permit.id);
  return {
    guards: [{ kind: 'stream', stream, version: 0 }],
    entries: [{ stream, actor: system, at, fact: { kind: 'permit.issued', permit } }],
    rows: [{ table: 'document', kind: 'permit', doc: permit }],
  };
}

/** Ends the permit of an allow, or of a window, that holds no more, in the same change. */
export async function endingPermit(
  gate: Pick<Gate, 'permit'>,
  because: string,
  { store, clock }: Pick<SettleParts, 'store' | 'clock'>,
): Promise<Change> {
  const known = gate.permit === null ? null : await store.document('permit', gate.permit);
  if (known === null || known.state === 'ended') return {};
  const at = clock.now();
  const stream = streamOf.permit(known.id);
  const doc: Permit = {
    ...known,
    state: 'ended',
    because,
    until: Math.min(at, known.until ?? at),
    version: known.version + 1,
  };
  return {
    guards: [{ kind: 'stream', stream, version: known.version }],
    entries: [{ stream, actor: system, at, fact: { kind: 'permit.ended', permit: known.id, because } }],
    rows: [{ table: 'document', kind: 'permit', doc }],
  };
}
