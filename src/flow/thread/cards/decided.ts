import { cutLine } from '../../../kernel/text.ts';
import type { Approval } from '../../../model/approval.ts';
import type { Block, Span } from '../../../model/card.ts';
import { isEnded, type Run } from '../../../model/run.ts';
import { standingText } from '../../people/groups.ts';
import { tally } from '../../pipeline/approve.ts';
import type { CardTools } from './cards.ts';
import { type Fact, fact, runPage, said } from './facts.ts';

/** Who may vote, who may not, and the votes so far. */
export function voterFacts(approval: Approval, tools: CardTools): Fact[] {
  const { ask, barred, votes } = approval;
  const people = barred.flatMap(one => (one.startsWith('person:') ? [one.slice('person:'.length)] : []));
  const barredText = people.length === 0 ? '' : `; not ${people.join(', ')}, who asked`;
  return [
    fact('May vote', said(`${ask.by.join(', ')}, ${ask.quorum} needed${barredText}`)),
    ...(votes.length === 0 ? [] : [fact('Votes', ...voteSpans(approval, tools))]),
  ];
}

/** Each vote with its time, its reason, and how the right to it was established where that is of interest. */
function voteSpans({ votes }: Approval, tools: CardTools): Span[] {
  return votes.flatMap(({ person, vote, reason, standing, at }, index): Span[] => {
    const how = standingText(standing, at);
    return [
      said(`${index === 0 ? '' : '; '}${person} ${vote === 'approve' ? 'approved' : 'denied'}`),
      said(' '),
      { kind: 'ago', at, text: tools.showTime(at) },
      ...(reason === null ? [] : [said(', saying '), { kind: 'quoted' as const, text: cutLine(reason, 300) }]),
      ...(how === null ? [] : [said(` (${how})`)]),
    ];
  });
}

/** What became of the question: who decided, when and why, and what came of it. Nothing while it is open. */
export function decidedBlocks(approval: Approval, came: Fact | null, tools: CardTools): Block[] {
  if (approval.state === 'open') return [];
  const at = approval.closedAt ?? approval.expiresAt;
  const who = approval.votes.length === 0 ? [said(nobodyText(approval))] : voteSpans(approval, tools);
  const ended: Span[] = [
    said(`${approval.state} `),
    { kind: 'ago', at, text: tools.showTime(at) },
    ...(approval.votes.length === 0 || approval.state === 'void' || approval.state === 'expired'
      ? [said(approval.because === null ? '' : `: ${approval.because}`)]
      : []),
  ];
  const facts = [fact('Decided', ...ended), fact('By', ...who), ...(came === null ? [] : [came])];
  return [{ kind: 'facts', facts }];
}

function nobodyText({ state }: Approval): string {
  return state === 'expired' || state === 'void' ? 'nobody voted' : 'nobody';
}

/** What came of a decision about a run, with the run and its state. */
export function cameOfRun(approval: Approval, run: Run, tools: CardTools): Fact {
  const page = runPage(run.id, tools);
  if (approval.state !== 'approved' && approval.step === null)
    return fact('What came of it', said('nothing ran; '), page, said(` is ${run.state}`));
  const why = isEnded(run.state) && run.because !== null ? `: ${cutLine(run.because, 300)}` : '';
  const at: Span[] =
    run.finishedAt === null
      ? []
      : [said(' '), { kind: 'ago', at: run.finishedAt, text: tools.showTime(run.finishedAt) }];
  return fact('What came of it', page, said(` ${endedWords[run.state] ?? 'is under way'}`), ...at, said(why));
}

const endedWords: Partial<Record<Run['state'], string>> = {
  succeeded: 'succeeded',
  failed: 'failed',
  ineffective: 'ran, and the alert still fires',
  unconfirmed: 'ran, and there is no news whether the alert is gone',
  cancelled: 'was cancelled',
  denied: 'was denied',
  expired: 'expired',
  asking: 'waits for somebody to say how to go on',
};

/** `1 approval missing`, or the state. */
export function missingText(approval: Approval): string {
  const result = tally(approval);
  return result.state === 'waiting'
    ? `${result.missing} ${result.missing === 1 ? 'approval' : 'approvals'} missing`
    : result.state;
}
