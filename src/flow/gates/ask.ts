/** Callers outside that wait for a decision before they go on: their questions, what is known to be bad, and what an allow leaves. */

import { canonicalJson, sha256 } from '../../kernel/canonical.ts';
import { isCode, TocsinError } from '../../kernel/errors.ts';
import type { GatheredEvidence } from '../../model/act.ts';
import { type Actor, identityOf, system } from '../../model/actor.ts';
import type { Approval } from '../../model/approval.ts';
import type { Door, Gate } from '../../model/gates/gate.ts';
import { type Subject, subjectBytes, subjectHash, subjectText } from '../../model/gates/subject.ts';
import { type NewEntry, streamOf } from '../../model/journal.ts';
import type { GateSpec } from '../../ports/catalogue.ts';
import type { Guard, Row } from '../../ports/store.ts';
import { failedGuard } from '../journal/streams.ts';
import { considerGate } from './consider.ts';
import { decideGlass, type Glass } from './glass.ts';
import { nameAgain, namedBefore, namesOf } from './once.ts';
import type { GateParts } from './parts.ts';
import { issuing, permitOf } from './settle.ts';
import { endIfBad } from './void.ts';

export interface Question {
  gate: GateSpec;
  door: Door;
  subject: Subject;
  who: Actor;
  gathered: GatheredEvidence;
  /** What the door needs to answer its caller. */
  callback: Readonly<Record<string, string>>;
  /** Identities that may not vote, besides the one who asks: the person that the subject names. */
  barred: readonly string[];
  /** For how long a denial of the same subject stands, milliseconds; null where each request asks anew. */
  denialStands: number | null;
  /** Somebody lets it through for a time without being asked (glass.ts); null where policy decides. */
  glass: Glass | null;
  /** The caller's own name for the question; null without one. */
  once: string | null;
}

/** What others may do meanwhile, so that it is decided again: ask the same, name it the same, halt everything. */
const retried = ['claim', 'halt'];
/** The most tries against others who ask the same. */
const maxTries = 20;
/** How many earlier questions about the same subject are looked at, the newest first: of those before them none is open any more. */
const mostEarlier = 20;

/**
 * Asks a gate. The same subject is asked once: while a question is open, or its allow holds, everybody who asks gets that one, unless it
 * became known to be bad: then it ends here, also before the duty that looks for such gates has seen it, and is decided anew. Resolves to the
 * gate as it is stored.
 */
export async function askGate(question: Question, parts: GateParts): Promise<Gate> {
  const hash = subjectHash(question.gate.name, question.subject);
  for (let tries = 1; ; tries++) {
    const earlier = await parts.store.documents('gate', { other: hash, limit: mostEarlier });
    const named = await namedBefore(question, hash, parts);
    if (named !== null && (await endIfBad(named, parts))) continue;
    if (named !== null) return named;
    try {
      const standing = earlier.find(one => stands(one, question, parts.clock.now()));
      if (standing !== undefined && (await endIfBad(standing, parts))) continue;
      if (standing !== undefined) return await nameAgain(standing, question, parts);
      const decision = await decideQuestion(question, parts);
      return await commitQuestion(question, decision, { hash, after: earlier[0]?.id ?? 'none' }, parts);
    } catch (error) {
      const overtaken = isCode(error, 'guard-failed') && retried.includes(failedGuard(error as TocsinError));
      if (!overtaken || tries >= maxTries) throw error;
    }
  }
}

async function decideQuestion(
  { gate, gathered, glass, ...rest }: Question,
  parts: GateParts,
): ReturnType<typeof considerGate> {
  const { evidence } = gathered;
  return glass === null
    ? await considerGate({ ...rest, name: gate.name, evidence }, parts)
    : await decideGlass(glass, rest.subject, evidence, parts);
}

function stands(gate: Gate, { denialStands, glass }: Question, now: number): boolean {
  if (gate.state === 'pending') return glass === null;
  if (gate.state === 'allowed') return gate.holdsUntil === null || gate.holdsUntil > now;
  return denialStands !== null && (gate.closedAt ?? gate.createdAt) + denialStands > now;
}

const stateOf = { auto: 'allowed', notify: 'allowed', approve: 'pending', deny: 'denied' } as const;

async function commitQuestion(
  question: Question,
  { decision, knownBad }: Awaited<ReturnType<typeof considerGate>>,
  { hash, after }: { hash: string; after: string },
  parts: GateParts,
): Promise<Gate> {
  const at = parts.clock.now();
  const state = stateOf[decision.verdict];
  const found = foundIn(question.gathered);
  const bare: Gate = {
    id: parts.ids.next('gat'),
    name: question.gate.name,
    door: question.door,
    subject: question.subject,
    hash,
    requestedBy: identityOf(question.who),
    decision,
    approval: null,
    state,
    because: decision.because,
    evidence: [...question.gathered.refs],
    found: found?.digest ?? null,
    knownBad: [...knownBad],
    callback: { ...question.callback },
    createdAt: at,
    expiresAt: at + (decision.ask?.expires ?? 0),
    closedAt: state === 'pending' ? null : at,
    holdsUntil: holdsUntil(question, at),
    told: [],
    permit: null,
    version: 1,
  };
  const permit = state === 'allowed' ? permitOf(bare, decision.because, parts) : null;
  const approval = state === 'pending' ? approvalOf(bare, question, parts) : null;
  const gate: Gate = { ...bare, approval: approval?.id ?? null, permit: permit?.id ?? null };
  const entries: NewEntry[] = [
    { stream: streamOf.gate(gate.id), actor: question.who, at, fact: { kind: 'gate.asked', gate } },
  ];
  const rows: Row[] = [{ table: 'document', kind: 'gate', doc: gate }];
  const guards: Guard[] = [
    { kind: 'claim', space: 'gate', key: `${hash}/${after}`, at, keep: null },
    ...namesOf(question, bare.id, at),
  ];
  // What was decided before a halt does not get in after it.
  if (state === 'allowed') guards.push({ kind: 'halt' });
  if (approval !== null) {
    const fact = { kind: 'approval.requested', approval } as const;
    entries.push({ stream: streamOf.approval(approval.id), actor: system, at, fact });
    rows.push({ table: 'approval', doc: approval });
  }
  const issued = permit === null ? null : issuing(permit, at);
  await parts.feed.commit({
    guards: [...guards, ...(issued?.guards ?? [])],
    entries: [...entries, ...(issued?.entries ?? [])],
    rows: [...rows, ...(issued?.rows ?? [])],
    blobs: [
      { digest: hash, bytes: subjectBytes(gate.name, gate.subject) },
      ...question.gathered.blobs,
      ...(found === null ? [] : [found]),
    ],
  });
  parts.metrics.count('tocsin_gates_total', { door: gate.door, state: gate.state });
  return gate;
}

function holdsUntil({ gate, glass }: Question, at: number): number | null {
  const holds = glass?.for ?? gate.holds;
  return holds === null ? null : at + holds;
}

/** What the evidence said, to be held against what becomes known to be bad later. */
function foundIn({ evidence, refs }: GatheredEvidence): { digest: string; bytes: string } | null {
  if (refs.length === 0) return null;
  const bytes = canonicalJson(evidence);
  return { digest: sha256(bytes), bytes };
}

function approvalOf(gate: Gate, { who, barred }: Question, { ids }: GateParts): Approval {
  const { decision, subject } = gate;
  if (decision.ask === null) throw new TocsinError('internal', { message: 'A decision to ask names nobody.' });
  return {
    id: ids.next('apv'),
    run: null,
    gate: gate.id,
    claim: null,
    step: null,
    alert: null,
    runbook: gate.name,
    planHash: gate.hash,
    title: subjectText(subject),
    question: `Let ${subjectText(subject)} through?`,
    // A gate has no risk of its own; a deployment can always do harm.
    risk: 'high',
    rule: decision.rule,
    ask: decision.ask,
    barred: [...new Set([identityOf(who), ...barred])],
    state: 'open',
    votes: [],
    because: null,
    createdAt: gate.createdAt,
    expiresAt: gate.expiresAt,
    closedAt: null,
    warned: [],
    escalated: false,
    version: 1,
  };
}
