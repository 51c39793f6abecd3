import { TocsinError } from '../../kernel/errors.ts';
import type { Act, ActAnswer } from '../../model/act.ts';
import { type Actor, identityOf } from '../../model/actor.ts';
import type { Config } from '../../model/config.ts';
import type { Door } from '../../model/gates/gate.ts';
import type { Subject } from '../../model/gates/subject.ts';
import type { Doors, GateSpec } from '../../ports/catalogue.ts';
import { askGate } from '../gates/ask.ts';
import type { Glass } from '../gates/glass.ts';
import { revokeGate } from '../gates/revoke.ts';
import { type ActParts, refused, unknown } from './parts.ts';

type GateAct = Extract<Act, { kind: 'gate' }>;

/** Asks a gate on behalf of a caller that gates.yaml lets ask. */
export async function performGate(who: Actor, act: GateAct, parts: ActParts): Promise<ActAnswer> {
  const { config, gates, doors } = parts.catalogue.current();
  const gate = gates.get(act.gate);
  if (gate === undefined) throw unknown('gate', act.gate, gates.keys());
  if (!saysWhat.some(key => act.subject[key] !== undefined)) throw empty(gate, act.subject);
  const lacks = gate.needs.filter(name => act.subject[name] === undefined);
  if (lacks.length > 0) throw incomplete(gate, lacks, act.subject);
  const glass = glassOf(act, doors);
  if (glass === 'refused')
    return refused('forbidden', 403, `Only members of the group that gates.yaml names break the glass.`);
  const gathered = await parts.evidence.gather({
    ...{ door: act.door, subject: act.subject, rules: gate.evidence },
    sent: act.evidence ?? [],
  });
  const asked = await askGate(
    {
      gate,
      door: act.door,
      subject: act.subject,
      who,
      gathered,
      callback: act.callback ?? {},
      barred: personsOf(act, config),
      denialStands: act.denialStands ?? null,
      glass,
      once: act.once ?? null,
    },
    parts,
  );
  return { ok: true, text: asked.because, gate: asked.id };
}

/** Whether the one whom the subject names may break the glass, and for how long: gates.yaml says so at this moment. */
function glassOf({ glass, door, subject }: GateAct, { kubernetes }: Doors): Glass | null | 'refused' {
  if (glass === undefined) return null;
  const rule = door === 'kubernetes' ? kubernetes?.breakGlass : undefined;
  if (rule === undefined || !glass.groups.includes(rule.group)) return 'refused';
  return { by: subject.actor ?? 'somebody', reason: glass.reason, for: rule.for };
}

/** What says what is about to be done; who asked and where to read more does not. */
const saysWhat = ['repository', 'sha', 'image', 'environment', 'service', 'change'] as const;

/** What names nothing would be let through once and then for everything. */
function empty(gate: GateSpec, subject: Subject): TocsinError {
  return new TocsinError('gate-subject', {
    message: `The subject for "${gate.name}" does not say what is about to be done.`,
    allowed: `at least one of ${saysWhat.join(', ')}`,
    given: Object.keys(subject).join(', ') || 'nothing',
    remedy: 'Name what is about to be done; what every question must say belongs under needs in gates.yaml.',
  });
}

function incomplete(gate: GateSpec, lacks: readonly string[], subject: Subject): TocsinError {
  return new TocsinError('gate-subject', {
    message: `The gate "${gate.name}" needs ${lacks.join(', ')} in its subject.`,
    allowed: gate.needs.join(', '),
    given: Object.keys(subject).join(', ') || 'nothing',
  });
}

/** Who the subject says asked for it, as people of tocsin.yaml: they do not vote on it. */
function personsOf(
  { subject: { actor }, door, requesters = [] }: Extract<Act, { kind: 'gate' }>,
  config: Pick<Config, 'people'>,
): string[] {
  const wanted = new Set([...(actor === undefined ? [] : [actor]), ...requesters].map(one => one.toLowerCase()));
  return Object.entries(config.people)
    .filter(([id, person]) => [id, ...namesAt(person.accounts, door)].some(one => wanted.has(one.toLowerCase())))
    .map(([id]) => identityOf({ kind: 'person', id, via: door, account: null }));
}

/** Through HTTP nobody says where the name is from, so that the accounts of all places count. */
function namesAt(accounts: Readonly<Record<string, string>>, door: Door): string[] {
  if (door === 'http') return Object.values(accounts);
  return Object.entries(accounts).flatMap(([place, account]) => (place === door ? [account] : []));
}

/** Takes back what was allowed. */
export async function performRevoke(
  who: Actor,
  act: Extract<Act, { kind: 'revoke' }>,
  parts: ActParts,
): Promise<ActAnswer> {
  const known = await parts.store.document('gate', act.gate);
  if (known === null) throw unknown('decision of a gate', act.gate, []);
  const reason = act.reason.trim();
  if (reason === '') return refused('bad-request', 400, 'Say why: everybody who relies on it will ask.');
  if (known.state === 'pending')
    return refused('conflict', 409, 'It is not decided yet. Deny it instead: one veto denies.');
  const gate = await revokeGate(known.id, who, { state: 'revoked', because: reason }, parts);
  if (gate.state === 'revoked') return { ok: true, text: 'It is not allowed any more.', gate: gate.id };
  return refused('conflict', 409, `There is nothing to take back: it is ${gate.state}.`);
}
