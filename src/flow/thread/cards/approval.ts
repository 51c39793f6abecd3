import type { Alert } from '../../../model/alert.ts';
import type { Approval } from '../../../model/approval.ts';
import type { Block, Button, Card } from '../../../model/card.ts';
import { shortHash } from '../../../model/plan.ts';
import type { Run } from '../../../model/run.ts';
import type { StepOutline } from '../../../ports/runbook.ts';
import { standingText } from '../../people/groups.ts';
import { tally } from '../../pipeline/approve.ts';
import { isOverFor } from '../../pipeline/episode.ts';
import { type CardTools, details, field } from './cards.ts';

/** The card of an approval: the plan as it will run, who may vote, which votes are missing, until when. */
export function approvalCard(
  approval: Approval,
  run: Run,
  outline: readonly StepOutline[],
  tools: CardTools,
  alert: Alert | null = null,
): Card {
  const open = approval.state === 'open';
  const blocks: Block[] = [];
  if (approval.because !== null) blocks.push({ kind: 'text', text: approval.because });
  const over = open ? overText(approval, run, alert, tools) : null;
  if (over !== null) blocks.push({ kind: 'text', text: over });
  blocks.push({ kind: 'fields', fields: approvalFields(approval, run, tools) });
  const params = Object.entries(run.params).map(([name, value]) =>
    field(name, typeof value === 'string' ? value : JSON.stringify(value), true),
  );
  if (params.length > 0) blocks.push({ kind: 'fields', fields: params });
  if (approval.step === null) blocks.push({ kind: 'code', text: planText(outline) });
  return {
    tone: open ? 'ask' : approval.state === 'approved' ? 'good' : 'neutral',
    title: approval.question,
    badge: open ? missingText(approval) : approval.state,
    blocks,
    buttons: open ? voteButtons(approval, tools) : [details('approval', approval.id)],
    mention: open ? approval.ask.by : [],
  };
}

/** What people must know of the alert before they decide; null while it fires, or when there is none. */
function overText(approval: Approval, run: Run, alert: Alert | null, tools: CardTools): string | null {
  if (alert === null) return null;
  if (isOverFor(run, alert)) {
    const since =
      alert.episode === run.episode && alert.resolvedAt !== null ? ` since ${tools.showTime(alert.resolvedAt)}` : '';
    return approval.step === null
      ? `The alert is over${since}.`
      : `The alert is over${since}. Approving takes a second press.`;
  }
  return alert.state === 'resolved' ? `The alert was resolved, but ${alert.end?.because ?? 'that is no cure'}.` : null;
}

function planText(outline: readonly StepOutline[]): string {
  if (outline.length === 0)
    return 'A TypeScript runbook: the approval covers its code and these parameters; later arguments are computed.';
  return outline
    .map((step, index) => `${index + 1}. ${step.title || step.id}\n   ${step.shows.replaceAll('\n', '\n   ')}`)
    .join('\n');
}

function approvalFields(approval: Approval, run: Run, tools: CardTools) {
  const votes = votesText(approval);
  return [
    field('Runbook', run.runbook, true),
    ...(run.targets.length === 0
      ? []
      : [field(run.targets.length === 1 ? 'Target' : 'Targets', run.targets.join(', '), true)]),
    field('Risk', approval.risk),
    field('Asked by rule', approval.rule),
    field('Why', run.decision.because),
    field('May vote', `${approval.ask.by.join(', ')}, ${approval.ask.quorum} needed`),
    ...(votes === '' ? [] : [field('Votes', votes)]),
    closingField(approval, tools),
    field('Plan', shortHash(approval.planHash), true),
  ];
}

/** Each vote with its reason, and how the right to it was established; empty without votes. */
export function votesText({ votes }: Approval): string {
  return votes
    .map(({ person, vote, reason, standing, at }) => {
      const more = [reason, standingText(standing, at)].flatMap(text => (text === null ? [] : [` (${text})`]));
      return `${person}: ${vote}${more.join('')}`;
    })
    .join('; ');
}

/** When it expires, or was closed. */
export function closingField({ state, expiresAt, closedAt }: Approval, tools: CardTools) {
  if (state === 'open') return field('Expires', tools.showTime(expiresAt));
  return field('Closed', tools.showTime(closedAt ?? expiresAt));
}

export function missingText(approval: Approval): string {
  const result = tally(approval);
  return result.state === 'waiting'
    ? `${result.missing} ${result.missing === 1 ? 'approval' : 'approvals'} missing`
    : result.state;
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
    },
    {
      label: 'Deny',
      style: 'danger',
      reason: approval.ask.reasonRequired ? 'required' : 'optional',
      does: vote('deny'),
    },
    details('approval', approval.id),
  ];
}
