import { cutLine } from '../../../kernel/text.ts';
import type { Approval } from '../../../model/approval.ts';
import type { Block, Button, Card, Tone } from '../../../model/card.ts';
import type { Gate, GateState } from '../../../model/gates/gate.ts';
import { fromText } from '../../../model/gates/known-bad.ts';
import { digestOf, type Subject, shortDigest, subjectText } from '../../../model/gates/subject.ts';
import { shortHash } from '../../../model/plan.ts';
import { ruleLine, toneOf, voteButtons } from './approval.ts';
import { type CardTools, details, field } from './cards.ts';
import { decidedBlocks, missingText, voterFacts } from './decided.ts';
import { fact, leftFact, requesterOf, said, sinceFact } from './facts.ts';
import { joinHeadline } from './headline.ts';
import { showWord } from './telling.ts';

const tones: Record<GateState, Tone> = {
  pending: 'ask',
  allowed: 'good',
  denied: 'error',
  expired: 'neutral',
  void: 'error',
  revoked: 'error',
};

const badges: Record<GateState, string> = {
  pending: 'waiting',
  allowed: 'allowed',
  denied: 'denied',
  expired: 'expired',
  void: 'void',
  revoked: 'revoked',
};

/** The root message of a gate: what asks to go on, and what became of it. */
export function gateCard(gate: Gate, tools: CardTools, most: Shown = inThread): Card {
  const decided = [
    ...(gate.closedAt === null ? [] : [field('Decided', tools.showTime(gate.closedAt))]),
    // The card is not edited when the time comes.
    ...(gate.state === 'allowed' && gate.holdsUntil !== null
      ? [field('Holds until', tools.showTime(gate.holdsUntil))]
      : []),
  ];
  return {
    tone: tones[gate.state],
    title: subjectText(gate.subject),
    badge: badges[gate.state],
    blocks: [
      { kind: 'text', text: gate.because },
      ...subjectBlocks(gate.subject),
      ...foundBlocks(gate, most),
      ...toldBlocks(gate),
      {
        kind: 'fields',
        fields: [field('Gate', gate.name, true), field('Asked by', gate.requestedBy, true), ...decided],
      },
    ],
    buttons: [...revokeButtons(gate), details('gate', gate.id)],
    mention: [],
  };
}

function revokeButtons(gate: Gate): Button[] {
  if (gate.state !== 'allowed') return [];
  const act = { kind: 'revoke', gate: gate.id, reason: '' } as const;
  return [{ label: 'Revoke', style: 'danger', reason: 'required', does: { kind: 'act', act } }];
}

/** All of a gate, for the person who asks: with the vote while it is open, and the way to take it back once it is allowed. */
export function gateDetailsCard(gate: Gate, approval: Approval | null, tools: CardTools): Card {
  const root = gateCard(gate, tools, inDetails);
  const times = [
    field('Asked', tools.showTime(gate.createdAt)),
    field('Decided by', gate.decision.rule),
    field('Subject', shortHash(gate.hash), true),
  ];
  const votes: Block[] = approval === null ? [] : voteBlocks(approval, tools);
  const open = approval?.state === 'open';
  return {
    ...root,
    badge: open ? missingText(approval) : root.badge,
    blocks: [...root.blocks, { kind: 'fields', fields: times }, ...votes],
    // Its own Details button would show the same again.
    buttons: open ? voteButtons(approval, tools).filter(button => button.does.kind === 'act') : revokeButtons(gate),
  };
}

/** Who may vote, the votes so far, and how long there is. */
function voteBlocks(approval: Approval, tools: CardTools): Block[] {
  const left = approval.state === 'open' ? [leftFact(approval, otherwise, tools)] : [];
  return [{ kind: 'facts', facts: [...voterFacts(approval, tools), ...left] }];
}

const otherwise = 'it is denied';

/** What the caller was told, or could not be told any more; while people decide it is of no interest. */
function toldBlocks({ told }: Gate): Block[] {
  return told.filter(one => !one.key.startsWith('wait/')).map(({ text }) => ({ kind: 'text', text }));
}

/** The card of a gate's approval: who asks for what, how long there is, all of the subject, and who may vote. */
export function gateApprovalCard(approval: Approval, gate: Gate, tools: CardTools): Card {
  const open = approval.state === 'open';
  const asked = [
    fact('Requested by', ...requesterOf(gate.requestedBy)),
    fact('Because', said('its caller waits for a decision before it goes on')),
    ...(open ? [sinceFact(approval, tools), leftFact(approval, otherwise, tools)] : []),
  ];
  return {
    tone: toneOf(approval),
    title: gateHeadline(approval, gate),
    badge: open ? missingText(approval) : approval.state,
    blocks: [
      ...decidedBlocks(approval, cameOfGate(gate), tools),
      { kind: 'facts', facts: asked },
      ...subjectBlocks(gate.subject),
      ...foundBlocks(gate, inThread),
      { kind: 'facts', facts: voterFacts(approval, tools).slice(0, open ? 2 : 1) },
      ruleLine(gate.decision.because, approval, 'subject'),
    ],
    buttons: open ? voteButtons(approval, tools) : [],
    mention: open ? approval.ask.by : [],
    risk: approval.risk,
  };
}

/** `HIGH · shop to production, 9fceb02d0a through deploys`: what the caller names stands as words, never as a sentence. */
function gateHeadline({ risk }: Approval, { name, subject: of }: Gate): string {
  const [text] = subjectText({ service: of.service, repository: of.repository, image: of.image }).split(', ');
  const which = of.sha?.slice(0, 10) ?? shortDigest(digestOf(of));
  const version = which === null ? '' : ` ${showWord(which)}`;
  return joinHeadline(
    risk,
    `let ${showWord(text ?? '')}${version} through ${name}`,
    showWord(of.environment ?? 'no environment named'),
  );
}

function cameOfGate({ state, because }: Gate) {
  const text = state === 'allowed' ? 'its caller may go on' : `the gate is ${state}: ${because}`;
  return fact('What came of it', said(text));
}

const names: Readonly<Record<Exclude<keyof Subject, 'links'>, string>> = {
  service: 'Service',
  environment: 'Environment',
  image: 'Image',
  repository: 'Repository',
  sha: 'Commit',
  change: 'Change',
  actor: 'For',
};

function subjectBlocks(subject: Subject): Block[] {
  const digest = digestOf(subject);
  const fields = Object.entries(names).flatMap(([key, label]) => {
    const value = subject[key as keyof typeof names];
    if (value === undefined) return [];
    // A long name is cut where a platform shows it, and what people compare is the digest at its end.
    if (key === 'image' && digest !== null)
      return [field(label, value.slice(0, value.indexOf('@')), true), field('Digest', digest, true)];
    return [field(label, value, true)];
  });
  const links: Block[] = subject.links === undefined ? [] : [{ kind: 'links', links: subject.links }];
  return [{ kind: 'fields', fields }, ...links];
}

/** How many of the evidence and of what is known to be bad are shown, and characters of each. Details show all. */
const inThread = { count: 10, each: 300 } as const;
const inDetails = { count: 200, each: 3000 } as const;
type Shown = typeof inThread | typeof inDetails;

/** What is known to be bad, and what the evidence says. */
function foundBlocks({ evidence, knownBad }: Gate, most: Shown): Block[] {
  const found = [
    ...knownBad.map(one => {
      const text = `${one.what}: ${one.reason} (${fromText(one)})`;
      return [one.sure ? 'Known bad' : 'Perhaps known bad', text] as const;
    }),
    ...evidence.map(({ kind, format, verified, because, says }) => {
      const said = verified ? says : `not verified: ${because ?? 'no reason is known'}`;
      return [`${kind} (${format})`, said] as const;
    }),
  ];
  const left = found.length - most.count;
  const more = left > 0 ? [field('Found', `${left} more; Details show them`)] : [];
  const fields = found.slice(0, most.count).map(([label, text]) => field(label, cutLine(text, most.each)));
  return found.length === 0 ? [] : [{ kind: 'fields', fields: [...fields, ...more] }];
}
