import { cutLine } from '../../../kernel/text.ts';
import type { Approval } from '../../../model/approval.ts';
import type { Block, Button, Card } from '../../../model/card.ts';
import { shortHash } from '../../../model/plan.ts';
import type { Run } from '../../../model/run.ts';
import type { StepOutline } from '../../../ports/runbook.ts';
import { isOverFor } from '../../pipeline/episode.ts';
import { type CardTools, details, field } from './cards.ts';
import { cameOfRun, decidedBlocks, missingText, voterFacts } from './decided.ts';
import { because, leftFact, type Origin, requestedBy, sinceFact, targetsFact } from './facts.ts';
import { runHeadline } from './headline.ts';
import { planText } from './plan-text.ts';
import { soFarBlocks } from './so-far.ts';

/** What is asked: a run that waits, or a step of it, and how it came about. */
export interface Question extends Origin {
  approval: Approval;
  run: Run;
  /** The steps of its plan; none for TypeScript. */
  outline: readonly StepOutline[];
  /** True for Details, which leave nothing out. */
  whole?: boolean;
}

/**
 * The card of an approval. First what really runs and where, in our own words; then who asks and why, on what, since when and how long
 * there is; then the commands as they will run, who may vote, and in small print the rule and the hash. Once it is decided, who did, why,
 * and what came of it stand first.
 */
export function approvalCard(question: Question, tools: CardTools): Card {
  const { approval, run } = question;
  const open = approval.state === 'open';
  return {
    tone: toneOf(approval),
    title: headlineOf(question),
    badge: open ? missingText(approval) : approval.state,
    blocks: [
      ...decidedBlocks(approval, cameOfRun(approval, run, tools), tools),
      ...overBlocks(question, tools),
      ...originBlocks(question, tools),
      ...foreignBlocks(question),
      ...targetBlocks(question),
      ...planBlocks(question),
      ...paramBlocks(run),
      { kind: 'facts', facts: voterFacts(approval, tools).slice(0, open ? 2 : 1) },
      ruleLine(run.decision.because, approval),
    ],
    buttons: open ? voteButtons(approval, tools) : [details('approval', approval.id)],
    mention: open ? approval.ask.by : [],
    risk: approval.risk,
  };
}

export function toneOf({ state }: Approval): Card['tone'] {
  return state === 'open' ? 'ask' : state === 'approved' ? 'good' : 'neutral';
}

/** For a step that asks, what comes after it. */
function headlineOf({ approval, run, outline }: Question): string {
  const at = approval.step === null ? -1 : outline.findIndex(step => step.id === approval.step);
  return runHeadline(run, outline.slice(at + 1), { known: outline.length > 0, step: approval.step });
}

/** What people must know of the alert before they decide. */
function overBlocks({ approval, run, alert }: Question, tools: CardTools): Block[] {
  if (approval.state !== 'open' || alert === null) return [];
  if (isOverFor(run, alert)) {
    const since =
      alert.episode === run.episode && alert.resolvedAt !== null ? ` since ${tools.showTime(alert.resolvedAt)}` : '';
    const twice = approval.step === null ? '' : ' Approving takes a second press.';
    return [{ kind: 'text', text: `The alert is over${since}.${twice}` }];
  }
  if (alert.state !== 'resolved') return [];
  return [{ kind: 'text', text: `The alert was resolved, but ${alert.end?.because ?? 'that is no cure'}.` }];
}

function originBlocks(question: Question, tools: CardTools): Block[] {
  const { approval, run } = question;
  const otherwise = approval.step === null ? 'nothing runs' : 'the step fails';
  const facts = [
    requestedBy(run, question, tools),
    because(run, question),
    targetsFact(run),
    ...(approval.state === 'open' ? [sinceFact(approval, tools), leftFact(approval, otherwise, tools)] : []),
  ];
  return [{ kind: 'facts', facts }];
}

/** What the runbook says of itself: a title may say anything. */
function foreignBlocks({ approval, run }: Question): Block[] {
  const own: Block = { kind: 'quote', by: `the runbook ${run.runbook} calls itself`, text: run.title };
  return approval.step === null
    ? [own]
    : [own, { kind: 'quote', by: `its step ${approval.step} asks`, text: approval.question }];
}

/** All of them, one on each line. */
function targetBlocks({ run, whole }: Question): Block[] {
  return whole === true && run.targets.length > 1
    ? [{ kind: 'code', text: `Targets:\n${run.targets.map(one => cutLine(one, 500)).join('\n')}` }]
    : [];
}

function planBlocks({ approval, run, outline }: Question): Block[] {
  return approval.step === null
    ? [{ kind: 'code', text: planText(outline) }]
    : soFarBlocks(run, approval.step, outline);
}

function paramBlocks({ params }: Run): Block[] {
  const fields = Object.entries(params).map(([name, value]) =>
    field(name, typeof value === 'string' ? value : JSON.stringify(value), true),
  );
  return fields.length === 0 ? [] : [{ kind: 'fields', fields }];
}

/** The rule that asked, with its condition, and the hash of what is approved. */
export function ruleLine(why: string, { rule, planHash, step }: Approval, what = 'plan'): Block {
  const asked = step === null ? why : `${rule} asks`;
  return { kind: 'small', text: `${asked.includes(rule) ? '' : `${rule}: `}${asked} · ${what} ${shortHash(planHash)}` };
}

export function voteButtons(approval: Approval, tools: CardTools): Button[] {
  const seal = tools.seals.seal(approval.id, approval.planHash);
  const vote = (choice: 'approve' | 'deny') =>
    ({ kind: 'act', act: { kind: 'vote', approval: approval.id, vote: choice, reason: null, seal } }) as const;
  return [
    {
      label: 'Approve',
      style: 'primary',
      reason: approval.ask.reasonRequired ? 'required' : 'none',
      does: vote('approve'),
      notFor: approval.barred,
    },
    {
      label: 'Deny',
      style: 'danger',
      reason: approval.ask.reasonRequired ? 'required' : 'optional',
      does: vote('deny'),
      notFor: approval.barred,
    },
    details('approval', approval.id),
  ];
}
