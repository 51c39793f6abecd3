import type { Approval } from '../../../model/approval.ts';
import type { Button, Card, Tone } from '../../../model/card.ts';
import type { Held } from '../../../model/ledger/held.ts';
import { closingField, missingText, voteButtons, votesText } from './approval.ts';
import { type CardTools, field } from './cards.ts';

const tones: Partial<Record<Held['state'], Tone>> = { unpermitted: 'warning', claimed: 'good', undone: 'good' };

/** One unpermitted change in the thread of its alert: what was done, and what became of it. */
export function changeCard(held: Held, tools: CardTools): Card {
  const mine: Button = {
    label: 'It was me',
    style: 'plain',
    reason: 'required',
    does: { kind: 'act', act: { kind: 'claim', change: held.id, reason: '' } },
  };
  return {
    tone: tones[held.state] ?? 'neutral',
    title: held.title,
    badge: held.state,
    blocks: [
      { kind: 'text', text: held.because },
      {
        kind: 'fields',
        fields: [
          field('By', held.principal, true),
          field('Did', held.action, true),
          field('To', held.resource, true),
          field('At', tools.showTime(held.occurredAt)),
          field('Change', held.id, true),
        ],
      },
    ],
    buttons: held.state === 'unpermitted' ? [mine] : [],
    mention: [],
  };
}

/** The card of a claim: who says that it was them and why, who may agree, which votes are missing, until when. */
export function claimCard(approval: Approval, held: Held | null, tools: CardTools): Card {
  const open = approval.state === 'open';
  const votes = votesText(approval);
  return {
    tone: open ? 'ask' : approval.state === 'approved' ? 'good' : 'neutral',
    title: approval.question,
    badge: open ? missingText(approval) : approval.state,
    blocks: [
      ...(approval.because === null ? [] : [{ kind: 'text' as const, text: approval.because }]),
      {
        kind: 'fields',
        fields: [
          field('Change', held === null ? approval.title : `${held.action} on ${held.resource}`, true),
          field('If approved', 'it gets a permit after the fact, and is not undone'),
          field('May vote', `${approval.ask.by.join(', ')}, ${approval.ask.quorum} needed`),
          ...(votes === '' ? [] : [field('Votes', votes)]),
          closingField(approval, tools),
        ],
      },
    ],
    buttons: open ? voteButtons(approval, tools) : [],
    mention: open ? approval.ask.by : [],
  };
}
