import { cutLine } from '../../../kernel/text.ts';
import type { Approval } from '../../../model/approval.ts';
import type { Button, Card, Tone } from '../../../model/card.ts';
import type { Held } from '../../../model/ledger/held.ts';
import { ruleLine, toneOf, voteButtons } from './approval.ts';
import { type CardTools, field } from './cards.ts';
import { decidedBlocks, missingText, voterFacts } from './decided.ts';
import { fact, leftFact, requesterOf, said, sinceFact } from './facts.ts';
import { joinHeadline } from './headline.ts';
import { showWord } from './telling.ts';

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

/** The card of a claim: who says that it was them and why, what they did, how long there is, and who may agree. */
export function claimCard(approval: Approval, held: Held | null, tools: CardTools): Card {
  const open = approval.state === 'open';
  const [claimer = 'unknown'] = approval.barred;
  const reason = approval.question.slice(approval.question.indexOf(': ') + 2);
  const what = held === null ? 'a change' : `${showWord(held.action)} on ${showWord(held.resource)}`;
  const came = approval.state === 'approved' ? 'the change has a permit after the fact' : 'the change has no permit';
  const asked = [
    fact('Requested by', ...requesterOf(claimer)),
    fact('Because', said('they say '), { kind: 'quoted', text: cutLine(reason, 300) }),
    fact('If approved', said('it gets a permit after the fact, and is not undone')),
    ...(open ? [sinceFact(approval, tools), leftFact(approval, 'it stays without a permit', tools)] : []),
  ];
  return {
    tone: toneOf(approval),
    title: joinHeadline(approval.risk, 'a permit after the fact', what),
    badge: open ? missingText(approval) : approval.state,
    blocks: [
      ...decidedBlocks(approval, fact('What came of it', said(came)), tools),
      { kind: 'facts', facts: asked },
      {
        kind: 'fields',
        fields: [field('Change', held === null ? approval.title : `${held.action} on ${held.resource}`, true)],
      },
      { kind: 'facts', facts: voterFacts(approval, tools).slice(0, open ? 2 : 1) },
      ruleLine('somebody says that it was them', approval, 'claim'),
    ],
    buttons: open ? voteButtons(approval, tools) : [],
    mention: open ? approval.ask.by : [],
    risk: approval.risk,
  };
}
