/** Identities and what proves them, groups, and the one function that says what somebody may do. */

import type { Act } from '../../model/act.ts';
import { type Actor, identityOf, nameOf } from '../../model/actor.ts';
import type { Config } from '../../model/config.ts';
import type { Run } from '../../model/run.ts';

/** Those of tocsin.yaml. */
type Known = Extract<Actor, { kind: 'person' | 'service' }>;

export interface AuthoriseFacts {
  config: Config;
  run: Run | null;
  /** The groups and people who were asked to approve the run, also those that it escalated to. */
  asked: readonly string[];
  /** The identities that may ask the gate, by gates.yaml; null where the act asks no gate, or one that is not there. */
  gateAsk: readonly string[] | null;
  /** The groups and people that may break the glass, by changes.yaml; null when nobody may. */
  glassBy: readonly string[] | null;
  /** Whose break-glass window the act is about; null where it is about none. */
  glassOwner: string | null;
  /** True where changes.yaml lets this caller import permits; what it may permit is decided after it. */
  imports: boolean;
  /** Who imported the permit that is taken back; null where the act takes back none. */
  importer: string | null;
  /** Whose own principal did the change that is claimed, by changes.yaml; null for nobody's. */
  changeOwner: string | null;
  tokenMay: readonly string[] | null;
  /** Whether a person is now in one of the groups, or is one of the people, named (flow/people/groups.ts). */
  isAmong(person: string, names: readonly string[]): Promise<boolean>;
}

/**
 * The one authorisation function (P7): whether this actor may do this, at the moment of the act; null when they may, else the reason.
 * It is asked for clicks, commands, HTTP, the command line and schedules alike, and denies what it does not know. Whether a vote
 * counts and whether policy allows a run are decided after it, by flow/pipeline/approve.ts and flow/pipeline/decide.ts.
 */
export async function authorise(who: Actor, act: Act, facts: AuthoriseFacts): Promise<string | null> {
  if (who.kind === 'system') return null;
  if (who.kind === 'source') return 'A source delivers events and does nothing else.';
  if (who.kind === 'stranger') return `${who.id} is not in people of tocsin.yaml: ${who.because}`;
  if (facts.tokenMay !== null && !facts.tokenMay.includes(act.kind))
    return `This token may only ${facts.tokenMay.join(', ')}.`;
  switch (act.kind) {
    case 'run':
    case 'acknowledge':
    case 'unacknowledge':
      return null;
    case 'vote':
      return who.kind === 'person' ? null : `Only people vote, and ${nameOf(who)} is not a person.`;
    case 'note':
      // It goes to the origin under the name of who wrote it; a program writes only where its token says so.
      return who.kind === 'person' || facts.tokenMay !== null
        ? null
        : 'A service writes notes only with a token whose `may` in tocsin.yaml names note.';
    case 'answer':
      return who.kind === 'person'
        ? await operatorOr(who, facts)
        : 'Only people answer for a step whose outcome is unknown.';
    case 'cancel':
      return await operatorOr(who, facts);
    case 'close':
      // To say that a condition is over is a judgement; a program gets it only where its token says so.
      if (who.kind === 'service' && facts.tokenMay === null)
        return 'A service closes alerts only with a token whose `may` in tocsin.yaml names close.';
      return await operator(who, facts);
    case 'record':
      // What is recorded is what senders wrote, whole.
      if (who.kind === 'service' && facts.tokenMay === null)
        return 'A service records deliveries only with a token whose `may` in tocsin.yaml names record.';
      return await operator(who, facts);
    case 'gate':
      return mayAsk(who, act, facts);
    case 'revoke':
      return await askedOrOperator(who, facts);
    case 'permit':
      return facts.imports ? null : `changes.yaml does not let ${nameOf(who)} import permits.`;
    case 'unpermit':
      if (facts.importer === identityOf(who)) return null;
      if (who.kind === 'service' && facts.tokenMay === null)
        return 'A service takes back the permits of others only with a token whose `may` in tocsin.yaml names unpermit.';
      return await operator(who, facts);
    case 'claim':
      return who.kind === 'person' && who.id === facts.changeOwner
        ? null
        : `Only the one whose principal did it says that it was them, by principals of changes.yaml: ${facts.changeOwner ?? 'nobody'}.`;
    case 'break-glass':
      return await mayBreakGlass(who, facts);
    case 'break-glass-end':
      return who.kind === 'person' && who.id === facts.glassOwner ? null : await operator(who, facts);
    case 'ban':
    case 'unban':
      // What is banned stops every rollout of it; a program may do that only where its token says so.
      if (who.kind === 'service' && facts.tokenMay === null)
        return `A service changes what is known to be bad only with a token whose \`may\` in tocsin.yaml names ${act.kind}.`;
      return await operator(who, facts);
    case 'silence':
    case 'unsilence':
    case 'test':
    case 'unrecord':
    case 'redrive':
    case 'discard':
    case 'halt':
    case 'resume':
      return await operator(who, facts);
  }
}

/** Only those that gates.yaml names ask a gate, and a door asks only through itself. */
function mayAsk(who: Known, act: Extract<Act, { kind: 'gate' }>, { gateAsk }: AuthoriseFacts): string | null {
  // A gate that does not exist is not found, rather than forbidden.
  if (gateAsk === null || gateAsk.includes(identityOf(who))) return null;
  return `${nameOf(who)} is not among those that gates.yaml lets ask "${act.gate}".`;
}

/** Only people, each for themselves, and only those that changes.yaml names. Who is an operator is none of it. */
async function mayBreakGlass(who: Known, { glassBy, isAmong }: AuthoriseFacts): Promise<string | null> {
  if (who.kind !== 'person') return `Only people break the glass, and ${nameOf(who)} is not a person.`;
  if (glassBy === null) return 'changes.yaml lets nobody break the glass: it has no breakGlass.';
  return (await isAmong(who.id, glassBy)) ? null : `Only ${glassBy.join(', ')} may break the glass.`;
}

/** Allows the person or service that asked for the run, those who were asked to approve it, and operators. */
async function operatorOr(who: Known, facts: AuthoriseFacts): Promise<string | null> {
  if (facts.run !== null && facts.run.requestedBy === identityOf(who)) return null;
  return await askedOrOperator(who, facts);
}

async function askedOrOperator(who: Known, facts: AuthoriseFacts): Promise<string | null> {
  const { asked } = facts;
  if (who.kind === 'person' && asked.length > 0 && (await facts.isAmong(who.id, asked))) return null;
  return await operator(who, facts);
}

async function operator(who: Known, { config, isAmong }: AuthoriseFacts): Promise<string | null> {
  // Without operators in tocsin.yaml everybody in it is one: an emergency stop that nobody may press is worse than one too many.
  if (config.operators.length === 0 || (await isAmong(who.id, config.operators))) return null;
  return `This is for operators, which are ${config.operators.join(', ')}.`;
}
