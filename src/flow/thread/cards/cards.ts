/** The cards that threads show: pure functions of the state. */

import { showDuration } from '../../../kernel/duration.ts';
import type { Act } from '../../../model/act.ts';
import type { Alert } from '../../../model/alert.ts';
import { type Block, type Button, type Card, type DetailsSubject, quoted, type Tone } from '../../../model/card.ts';
import type { FactOf } from '../../../model/journal.ts';
import { shortHash } from '../../../model/plan.ts';
import { isEnded, type Run, type Step, stepWord, waitsFor } from '../../../model/run.ts';
import type { Seals } from '../../people/seal.ts';
import { printed } from './output.ts';

/** What cards are rendered with. All of them are pure functions of the state, so a card can be rendered again at any time. */
export interface CardTools {
  seals: Pick<Seals, 'seal'>;
  /** A moment as people read it, in the zone of tocsin.yaml. */
  showTime(at: number): string;
  /** The address of a page of the console, by its path. */
  page(path: string): string;
}

export const field = (label: string, value: string, code = false) => ({ label, value, code });
export const details = (subject: DetailsSubject, id: string): Button => ({
  label: 'Details',
  style: 'plain',
  reason: 'none',
  does: { kind: 'details', subject, id },
});

/** The root message of an episode. */
export function alertCard(alert: Alert, tools: CardTools): Card {
  const labels = Object.entries(alert.labels).map(([name, value]) => field(name, value, true));
  const blocks: Block[] = [];
  if (alert.quietSince !== null && alert.state !== 'resolved')
    blocks.push({ kind: 'text', text: `No news since ${tools.showTime(alert.quietSince)}; it may be over.` });
  if (alert.annotations['description']) blocks.push({ kind: 'text', text: alert.annotations['description'] });
  blocks.push({
    kind: 'fields',
    fields: [
      field('Severity', alert.severity),
      field('Source', alert.source),
      field('Since', tools.showTime(alert.startsAt)),
      field('Seen', times(alert.count)),
      ...alertExtras(alert, tools),
    ],
  });
  if (labels.length > 0) blocks.push({ kind: 'fields', fields: labels });
  if (alert.links.length > 0) blocks.push({ kind: 'links', links: alert.links });
  return {
    tone: alert.state === 'resolved' ? 'good' : alert.severity,
    title: alert.title,
    badge: alert.state,
    blocks,
    buttons: alertButtons(alert),
    mention: [],
  };
}

/** The root message of an older episode, made of what it shows: the document has a newer one. `ended`: no resolve was told. */
export function endedCard(shown: Card, badge: 'ended' | 'resolved'): Card {
  return { ...shown, tone: badge === 'resolved' ? 'good' : 'neutral', badge, buttons: [], mention: [] };
}

function alertExtras(alert: Alert, tools: CardTools) {
  return [
    ...(alert.trusted ? [] : [field('Not signed', 'the source has no secret, so nothing starts by itself')]),
    ...(alert.acknowledgedBy === null ? [] : [field('Acknowledged by', acknowledgedText(alert, tools))]),
    ...(alert.state === 'silenced' && alert.silencedUntil !== null
      ? [field('Silenced until', silencedText(alert, alert.silencedUntil, tools))]
      : []),
    ...mutedField(alert, tools),
    ...(alert.resolvedAt === null ? [] : [field('Resolved', tools.showTime(alert.resolvedAt))]),
    ...(alert.end?.how === 'closed' ? [field('Closed by', alert.end.because ?? 'an operator')] : []),
  ];
}

function mutedField({ silencedAtOrigin: muted, source }: Alert, tools: CardTools) {
  if (muted === null) return [];
  return [
    field(
      `Silenced at ${source}`,
      `by ${muted.by}${muted.until === null ? '' : ` until ${tools.showTime(muted.until)}`}`,
    ),
  ];
}

function acknowledgedText({ acknowledgedBy, acknowledgedUntil }: Alert, tools: CardTools): string {
  return `${acknowledgedBy}${acknowledgedUntil === null ? '' : `, until ${tools.showTime(acknowledgedUntil)}`}`;
}

function silencedText({ silencedBy }: Alert, until: number, tools: CardTools): string {
  return `${tools.showTime(until)}${silencedBy === null ? '' : `, by ${silencedBy}`}`;
}

/** One press each: people are woken by it. Other times, and reasons, are arguments of the commands. */
function alertButtons(alert: Alert): Button[] {
  const { id } = alert;
  if (alert.state === 'resolved') return [...neverAgain(alert), details('alert', id)];
  return [
    alert.acknowledgedBy === null
      ? actButton('Acknowledge', { kind: 'acknowledge', alert: id })
      : actButton('Undo acknowledge', { kind: 'unacknowledge', alert: id }),
    alert.silencedUntil === null
      ? actButton('Silence 1h', { kind: 'silence', alert: id, duration: 3_600_000 })
      : actButton('End silence', { kind: 'unsilence', alert: id }),
    ...(alert.quietSince === null
      ? []
      : [actButton('Close', { kind: 'close', alert: id, reason: '', episode: alert.episode }, 'required')]),
    ...neverAgain(alert),
    details('alert', id),
  ];
}

/** The labels that say what is deployed, or whose deployment it is. */
const deployedLabels = ['image', 'image_digest', 'digest', 'sha', 'commit', 'revision', 'service'];
/** For how long the button keeps it out, milliseconds; the command takes any time. */
const neverAgainFor = 30 * 86_400_000;

/** Puts what is deployed on the list of what is known to be bad. What an unproven sender names is typed, not pressed. */
function neverAgain({ id, labels, trusted }: Alert): Button[] {
  if (!trusted || !deployedLabels.some(label => (labels[label] ?? '') !== '')) return [];
  const ban = { kind: 'ban', what: null, alert: id, reason: '', duration: neverAgainFor, blocks: 'rollout' } as const;
  return [{ ...actButton('Never again (30d)', ban, 'required'), style: 'danger' }];
}

function actButton(label: string, act: Act, reason: Button['reason'] = 'none'): Button {
  return { label, style: 'plain', reason, does: { kind: 'act', act } };
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

const tones: Record<Run['state'], Tone> = {
  waiting: 'ask',
  queued: 'info',
  running: 'info',
  asking: 'ask',
  succeeded: 'good',
  failed: 'error',
  ineffective: 'error',
  unconfirmed: 'warning',
  cancelled: 'neutral',
  denied: 'neutral',
  expired: 'neutral',
};

/** A run that waits for an alert, a time or another run needs nobody. */
function toneOfRun(run: Run): Tone {
  const waits = waitsFor(run);
  return waits === null || waits === 'approval' ? tones[run.state] : 'info';
}

/** One run in its thread: progress, output, and what a person can do about it. */
export function runCard(run: Run): Card {
  const known = run.steps.filter(step => !step.id.endsWith('.undo'));
  const done = known.filter(step => ['done', 'skipped', 'failed', 'undone'].includes(stepWord(step, run))).length;
  const blocks: Block[] = [];
  if (run.because !== null) blocks.push({ kind: 'text', text: run.because });
  if (run.after !== null && run.startedAt === null && !isEnded(run.state))
    blocks.push({ kind: 'text', text: `Waits for ${run.after}, the run of an earlier episode on the same target.` });
  blocks.push({ kind: 'fields', fields: runFields(run) });
  if (run.startedAt !== null || run.steps.length > 0) {
    blocks.push({
      kind: 'progress',
      done,
      total: known.length === 0 ? null : known.length,
      startedAt: run.startedAt,
      finishedAt: run.finishedAt,
      steps: run.steps.map(step => ({
        id: step.id,
        title: step.title || step.id,
        state: stepWord(step, run),
        because: stepWord(step, run) === step.because ? null : step.because,
      })),
    });
  }
  blocks.push(...run.steps.flatMap(step => outputOf(run, step)));
  return {
    tone: toneOfRun(run),
    // A title is the runbook's own: it may say anything.
    title: `${run.runbook} ${quoted(run.title)}`,
    badge: badgeOf(run, done, known),
    blocks,
    buttons: runButtons(run),
    mention: [],
  };
}

function badgeOf(run: Run, done: number, known: readonly Step[]): string {
  const current = known.findIndex(step => step.state === 'running' || step.state === 'waiting');
  if ((run.state === 'running' || (run.state === 'waiting' && run.startedAt !== null)) && known.length > 0) {
    const what = run.state === 'waiting' ? waitText(known[current]) : '';
    return `step ${Math.min(current < 0 ? done + 1 : current + 1, known.length)} of ${known.length}${what}`;
  }
  return run.state === 'waiting' ? 'waiting for approval' : run.state;
}

function waitText(step: Step | undefined): string {
  const texts = {
    timer: 'waiting',
    approval: 'waiting for approval',
    resolve: 'waiting for the alert to resolve',
    run: 'waiting for a run',
    retry: 'waiting to retry',
  };
  return step?.waiting == null ? '' : `, ${texts[step.waiting.for]}`;
}

function runFields(run: Run) {
  return [
    field('Runbook', run.runbook, true),
    ...(run.targets.length === 0
      ? []
      : [field(run.targets.length === 1 ? 'Target' : 'Targets', run.targets.join(', '), true)]),
    field('Risk', run.risk),
    field('Decision', `${run.decision.verdict}: ${run.decision.because}`),
    ...(run.reason === null ? [] : [field('Reason', run.reason)]),
    field('Plan', shortHash(run.planHash), true),
  ];
}

/** What a step printed: live while it runs, its tail afterwards. */
function outputOf(run: Run, step: Step): Block[] {
  const live = step.state === 'running' && (step.type === 'exec' || step.type === 'script');
  const text = printed(step);
  if (!live && text === '') return [];
  return [{ kind: 'output', run: run.id, step: step.id, tail: tailOf(text, 2000), live }];
}

function tailOf(text: string, max: number): string {
  if (text.length <= max) return text;
  const from = text.length - max;
  const line = text.indexOf('\n', from);
  return text.slice(line < 0 ? from : line + 1);
}

function runButtons(run: Run): Button[] {
  const buttons: Button[] = [];
  const asked = run.steps.find(step => step.state === 'unknown');
  if (run.state === 'asking') {
    const step = asked?.id ?? run.steps.at(-1)?.id ?? '';
    const question = run.question === null ? {} : { question: run.question.number };
    for (const choice of ['retry', 'skip', 'abort'] as const) {
      if (choice === 'skip' && asked === undefined) continue;
      buttons.push({
        label: choice[0]?.toUpperCase() + choice.slice(1),
        style: choice === 'abort' ? 'danger' : 'plain',
        reason: 'optional',
        does: { kind: 'act', act: { kind: 'answer', run: run.id, step, choice, reason: null, ...question } },
      });
    }
  }
  if (!isEnded(run.state))
    buttons.push({
      label: 'Cancel',
      style: 'danger',
      reason: 'optional',
      does: { kind: 'act', act: { kind: 'cancel', run: run.id, reason: null } },
    });
  if (['failed', 'ineffective', 'unconfirmed', 'expired', 'cancelled'].includes(run.state)) buttons.push(runAgain(run));
  return [...buttons, details('run', run.id)];
}

function runAgain(run: Run): Button {
  return {
    label: 'Run again',
    style: 'plain',
    reason: 'none',
    does: {
      kind: 'act',
      act: {
        kind: 'run',
        runbook: run.runbook,
        params: run.params,
        alert: run.alert,
        reason: null,
        offer: `again/${run.id}`,
      },
    },
  };
}

/** The card of a decision that made no run, with a Run button where a person may press it. */
export function decisionCard(fact: FactOf<'decision.made'>): Card {
  const press: Button = {
    label: 'Run',
    style: 'primary',
    reason: 'none',
    does: {
      kind: 'act',
      act: {
        kind: 'run',
        runbook: fact.runbook,
        params: fact.params,
        alert: fact.alert,
        reason: null,
        offer: `${fact.event}/${fact.runbook}`,
      },
    },
  };
  const notify = fact.verdict === 'notify';
  return {
    tone: notify ? 'info' : 'neutral',
    title: notify ? `${fact.runbook} could help` : `${fact.runbook} was not started`,
    badge: fact.verdict,
    blocks: [{ kind: 'text', text: fact.because }],
    buttons: notify ? [press] : [],
    mention: [],
  };
}

/** A short line in a thread. */
export function noteCard(text: string, tone: Tone = 'neutral', mention: readonly string[] = []): Card {
  return { tone, title: text, badge: null, blocks: [], buttons: [], mention: [...mention] };
}

/** How a run ended, as a sentence for people. */
export function endingText(run: Run): string {
  const took =
    run.startedAt === null || run.finishedAt === null ? '' : ` after ${showDuration(run.finishedAt - run.startedAt)}`;
  const why = run.because === null ? '' : `: ${run.because}`;
  switch (run.state) {
    case 'ineffective':
      return `${run.title} ran${took}, and the alert still fires${why}`;
    case 'unconfirmed':
      return `${run.title} ran${took}, and there is no news whether the alert is gone${why}`;
    default:
      return `${run.title} ${run.state}${took}${why}`;
  }
}
