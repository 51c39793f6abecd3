/** What people and services do: vote, ask gates and take back what they allowed, break the glass, import permits, ban, start, cancel, answer, acknowledge, silence, close, test and record sources, redrive, halt; and the host through which chat and HTTP do it. */

import { TocsinError } from '../../kernel/errors.ts';
import type { Act, ActAnswer } from '../../model/act.ts';
import { type Actor, identityOf } from '../../model/actor.ts';
import { type Fact, streamOf } from '../../model/journal.ts';
import type { Run } from '../../model/run.ts';
import { isImporter } from '../changes/import.ts';
import { ownerOf as ownerOfChange } from '../changes/rules.ts';
import { authorise } from '../people/authorise.ts';
import { performAcknowledge, performClose, performSilence, performUnacknowledge, performUnsilence } from './alert.ts';
import { performBan, performUnban } from './ban.ts';
import { performBreakGlass, performEndBreakGlass } from './break-glass.ts';
import { performClaim } from './claim.ts';
import { performGate, performRevoke } from './gate.ts';
import { performHalt } from './halt.ts';
import { performLetter } from './letter.ts';
import { performNote } from './note.ts';
import { type ActParts, refused } from './parts.ts';
import { performPermit, performUnpermit } from './permit.ts';
import { performAnswer, performCancel } from './run.ts';
import { performRecord, performStopRecording, performTest } from './source.ts';
import { performStart } from './start.ts';
import { performVote } from './vote.ts';

/**
 * Authorises and performs an act. Every change that a person or service asks for comes through here (P7), and is authorised on the server
 * at that moment. Never rejects for a refusal: the answer says why, and a refusal with status 403 is journalled.
 */
export async function perform(who: Actor, act: Act, parts: ActParts): Promise<ActAnswer> {
  try {
    const refusal = await mayAct(who, act, parts);
    const answer = refusal === null ? await performAct(who, act, parts) : refused('forbidden', 403, refusal);
    if (!answer.ok && (answer.status === 403 || answer.code === 'permit-refused'))
      await journalRefusal(who, act, answer.text, parts);
    return answer;
  } catch (error) {
    if (error instanceof TocsinError) return fromError(error);
    parts.log.error({ err: error, act: act.kind }, 'an act failed');
    throw error;
  }
}

/** Why this actor may not do this now; null when they may. What the act itself refuses, such as a vote that is cast already, comes after it. */
export async function mayAct(who: Actor, act: Act, parts: ActParts): Promise<string | null> {
  const { config } = parts.catalogue.current();
  const run = await runOf(act, parts);
  return await authorise(who, act, {
    config,
    run,
    asked: await askedAbout(act, run, parts),
    gateAsk: act.kind === 'gate' ? (parts.catalogue.current().gates.get(act.gate)?.ask ?? null) : null,
    glassBy: parts.catalogue.current().changes.breakGlass?.by ?? null,
    glassOwner: act.kind === 'break-glass-end' ? await ownerOf(act, who, parts) : null,
    imports: act.kind === 'permit' && isImporter(who, parts.catalogue.current()),
    importer: act.kind === 'unpermit' ? ((await parts.store.document('permit', act.permit))?.importer ?? null) : null,
    changeOwner: act.kind === 'claim' ? await changeOwner(act, parts) : null,
    tokenMay: parts.mayOf(who),
    isAmong: async (person, names) => {
      const alert = run === null || run.alert === null ? null : await parts.store.alert(run.alert);
      return (await parts.groups.standing(person, names, { alert })) !== null;
    },
  });
}

function performAct(who: Actor, act: Act, parts: ActParts): Promise<ActAnswer> {
  switch (act.kind) {
    case 'run':
      return performStart(who, act, parts);
    case 'vote':
      return performVote(who, act, parts);
    case 'cancel':
      return performCancel(who, act, parts);
    case 'answer':
      return performAnswer(who, act, parts);
    case 'acknowledge':
      return performAcknowledge(who, act, parts);
    case 'silence':
      return performSilence(who, act, parts);
    case 'unacknowledge':
      return performUnacknowledge(who, act, parts);
    case 'unsilence':
      return performUnsilence(who, act, parts);
    case 'close':
      return performClose(who, act, parts);
    case 'note':
      return performNote(who, act, parts);
    case 'test':
      return performTest(who, act, parts);
    case 'record':
      return performRecord(who, act, parts);
    case 'unrecord':
      return performStopRecording(who, act, parts);
    case 'redrive':
    case 'discard':
      return performLetter(who, act, parts);
    case 'gate':
      return performGate(who, act, parts);
    case 'revoke':
      return performRevoke(who, act, parts);
    case 'permit':
      return performPermit(who, act, parts);
    case 'unpermit':
      return performUnpermit(who, act, parts);
    case 'claim':
      return performClaim(who, act, parts);
    case 'break-glass':
      return performBreakGlass(who, act, parts);
    case 'break-glass-end':
      return performEndBreakGlass(who, act, parts);
    case 'ban':
      return performBan(who, act, parts);
    case 'unban':
      return performUnban(who, act, parts);
    case 'halt':
    case 'resume':
      return performHalt(who, act, parts);
  }
}

/** Whose window is to be ended; the caller's own where none is named. */
async function ownerOf(act: Extract<Act, { kind: 'break-glass-end' }>, who: Actor, { store }: ActParts) {
  if (act.window === undefined) return who.kind === 'person' ? who.id : null;
  return (await store.document('break-glass', act.window))?.person ?? null;
}

/** Whose own principal did the change; null for nobody's, and for a change that is not there. */
async function changeOwner({ change }: Extract<Act, { kind: 'claim' }>, { store, catalogue }: ActParts) {
  const held = await store.document('held', change);
  return held === null ? null : ownerOfChange(held, catalogue.current().changes);
}

async function runOf(act: Act, parts: ActParts): Promise<Run | null> {
  return act.kind === 'cancel' || act.kind === 'answer' ? await parts.store.run(act.run) : null;
}

/** Whom policy asked, and whom the approval asks since an escalation. */
async function askedAbout(act: Act, run: Run | null, { store }: ActParts): Promise<string[]> {
  if (act.kind === 'revoke') return (await store.document('gate', act.gate))?.decision.ask?.by ?? [];
  if (run === null) return [];
  const approval = run.approval === null ? null : await store.approval(run.approval);
  return [...new Set([...(run.decision.ask?.by ?? []), ...(approval?.ask.by ?? [])])];
}

function fromError(error: TocsinError): ActAnswer {
  const { code, status, message, allowed, given, at, fields, remedy } = error;
  const details = {
    ...(allowed === undefined ? {} : { allowed }),
    ...(given === undefined ? {} : { given }),
    ...(at === undefined ? {} : { at }),
    ...(fields === undefined ? {} : { fields }),
    remedy,
  };
  const limits = allowed === undefined ? '' : ` Allowed: ${Array.isArray(allowed) ? allowed.join(', ') : allowed}.`;
  return {
    ok: false,
    code,
    status,
    text: `${message}${limits}${given === undefined ? '' : ` Given: ${given}.`} ${remedy}`,
    details,
  };
}

/** Journals who tried what, and why it was refused. Repeated refusals of strangers are only counted. */
async function journalRefusal(who: Actor, act: Act, because: string, parts: ActParts): Promise<void> {
  parts.metrics.count('tocsin_acts_refused_total', { act: act.kind });
  const subject = subjectOf(act);
  if (!parts.refusals.admit(who, act.kind, subject)) {
    parts.metrics.count('tocsin_acts_unjournalled_total', { act: act.kind });
    return;
  }
  const fact: Fact =
    act.kind === 'permit'
      ? { kind: 'permit.refused', from: identityOf(who), because: `${subject}: ${because}` }
      : { kind: 'act.refused', act: act.kind, subject, because };
  await parts.feed.commit({ entries: [{ stream: streamOf.system, actor: who, at: parts.clock.now(), fact }] });
}

function subjectOf(act: Act): string {
  switch (act.kind) {
    case 'run':
      return act.runbook;
    case 'vote':
      return act.approval;
    case 'cancel':
    case 'answer':
      return act.run;
    case 'acknowledge':
    case 'unacknowledge':
    case 'silence':
    case 'unsilence':
    case 'close':
      return act.alert;
    case 'note':
      return act.run ?? act.gate ?? act.alert ?? '';
    case 'test':
    case 'record':
      return act.source;
    case 'unrecord':
      return act.recording;
    case 'redrive':
    case 'discard':
      return act.letter;
    case 'gate':
    case 'revoke':
      return act.gate;
    case 'permit':
      return act.permit.change;
    case 'unpermit':
      return act.permit;
    case 'claim':
      return act.change;
    case 'break-glass-end':
      return act.window ?? 'their own';
    case 'ban':
      return act.what ?? act.alert ?? 'nothing';
    case 'unban':
      return act.entry;
    default:
      return 'everything';
  }
}
