import { cutLine } from '../../../kernel/text.ts';
import type { Alert } from '../../../model/alert.ts';
import type { Approval } from '../../../model/approval.ts';
import type { Block, Span } from '../../../model/card.ts';
import type { Event } from '../../../model/event.ts';
import type { Run } from '../../../model/run.ts';
import { isOverFor } from '../../pipeline/episode.ts';
import type { CardTools } from './cards.ts';

export type Fact = Extract<Block, { kind: 'facts' }>['facts'][number];

export const said = (text: string): Span => ({ kind: 'said', text });
export const fact = (label: string, ...spans: Span[]): Fact => ({ label, spans });

/** What is known of how a run came about, besides the run itself. */
export interface Origin {
  alert: Alert | null;
  event: Event | null;
}

/** Characters of what somebody else says, in a line. */
const mostQuoted = 300;
const quote = (text: string): Span => ({ kind: 'quoted', text: cutLine(text, mostQuoted) });

/** Who asked: a person, a service, a schedule, the alert with its state, or `unknown`. An unproven sender is marked. */
export function requestedBy(run: Run, { alert, event }: Origin, tools: CardTools): Fact {
  return fact('Requested by', ...requester(run, { alert, event }, tools));
}

function requester(run: Run, { alert, event }: Origin, tools: CardTools): Span[] {
  const [kind, name] = identity(run.requestedBy);
  const parent: Span[] =
    run.parent === null ? [] : [said(', for '), runPage(run.parent.run, tools), said(`, step ${run.parent.step}`)];
  const about: Span[] = alert === null ? [] : [said(', for '), ...alertSpans(run, alert, tools)];
  switch (kind) {
    case 'person':
      return [said(name), ...(parent.length > 0 ? parent : about)];
    case 'service':
      return [said(`the service ${name}`), ...(parent.length > 0 ? parent : about)];
    case 'source':
      if (run.trigger === 'schedule') return [said(`the schedule ${name}`)];
      if (alert !== null) return alertSpans(run, alert, tools);
      if (event !== null) return [said(`an event of ${name}`), ...unsigned(event.trusted)];
      return [said(`the source ${name}; its event is not known`)];
    case 'system':
      return parent.length > 0 ? [said('a run'), ...parent] : [said('Tocsin itself'), ...about];
    default:
      return [said('unknown')];
  }
}

function alertSpans(run: Run, alert: Alert, tools: CardTools): Span[] {
  const page: Span = { kind: 'page', text: 'the alert', url: tools.page(`/alerts/${encodeURIComponent(alert.id)}`) };
  return [
    page,
    said(' '),
    quote(alert.title),
    said(` of ${alert.source}, ${stateText(run, alert, tools)}`),
    ...unsigned(alert.trusted),
  ];
}

function unsigned(trusted: boolean): Span[] {
  return trusted ? [] : [said('; not signed: anybody could have sent it')];
}

/** The state of the alert as it matters to who is asked. */
function stateText(run: Run, alert: Alert, tools: CardTools): string {
  if (isOverFor(run, alert)) {
    const known = alert.episode === run.episode && alert.resolvedAt !== null;
    return `which is over${known ? ` since ${tools.showTime(alert.resolvedAt ?? 0)}` : ''}`;
  }
  if (alert.state === 'resolved') return `resolved, but ${alert.end?.because ?? 'that is no cure'}`;
  return `${alert.state} since ${tools.showTime(alert.startsAt)}`;
}

/** Why it is wanted: what the requester gave as reason, and what the alert says. */
export function because(run: Run, { alert, event }: Origin): Fact {
  const [kind, name] = identity(run.requestedBy);
  const reason = run.reason ?? '';
  const reasons: Span[][] = [
    ...(reason === '' ? [] : [[said(kind === 'person' ? `${name} says ` : 'the request says '), quote(reason)]]),
    ...(alert === null ? [] : [[said('the alert says '), quote(alertText(alert))]]),
    ...(alert === null && event !== null && event.body.kind !== 'tick'
      ? [[said('the event says '), quote(event.body.title)]]
      : []),
    ...(run.trigger === 'schedule' ? [[said('it is time for it')]] : []),
  ];
  if (reasons.length === 0) return fact('Because', said('no reason was given'));
  return fact('Because', ...reasons.flatMap((one, index) => (index === 0 ? one : [said('; '), ...one])));
}

/** Its title stands beside who asked already, where there is more to say. */
function alertText({ title, annotations }: Alert): string {
  return annotations['description'] || annotations['summary'] || title;
}

/** How many targets are named on a card; Details name all. */
const mostTargets = 3;

/** `db-1`, or `40: a, b, c and 37 more`. */
export function targetsFact({ targets }: Pick<Run, 'targets'>): Fact {
  if (targets.length === 0) return fact('Targets', said('none is named; the commands say what they act on'));
  const names = (all: readonly string[]) =>
    all.flatMap((text, index): Span[] => [...(index === 0 ? [] : [said(', ')]), { kind: 'code', text }]);
  if (targets.length === 1) return fact('Target', ...names(targets));
  const left = targets.length - mostTargets;
  const count = said(`${targets.length.toLocaleString('en-GB')}: `);
  if (left <= 1) return fact('Targets', count, ...names(targets));
  const rest = said(` and ${left.toLocaleString('en-GB')} more; Details list them`);
  return fact('Targets', count, ...names(targets.slice(0, mostTargets)), rest);
}

/** Since when people are asked. */
export function sinceFact({ createdAt }: Approval, tools: CardTools): Fact {
  return fact('Asked', { kind: 'ago', at: createdAt, text: tools.showTime(createdAt) });
}

/** How long there is to decide, and what happens then without a decision. */
export function leftFact({ ask, expiresAt }: Approval, otherwise: string, tools: CardTools): Fact {
  const then = ask.escalate === null ? otherwise : `${ask.escalate} is asked`;
  return fact('Time', { kind: 'left', at: expiresAt, text: tools.showTime(expiresAt) }, said(`, then ${then}`));
}

/** Whoever asked at a door: a service for the most part. */
export function requesterOf(id: string): Span[] {
  const [kind, name] = identity(id);
  if (kind === 'person') return [said(name)];
  return [said(kind === 'service' ? `the service ${name}` : kind === 'unknown' ? 'unknown' : `${kind} ${name}`)];
}

export function runPage(id: string, tools: CardTools): Span {
  return { kind: 'page', text: id, url: tools.page(`/runs/${encodeURIComponent(id)}`) };
}

function identity(text: string): readonly [kind: string, name: string] {
  const at = text.indexOf(':');
  return at < 0 ? ['unknown', text] : [text.slice(0, at), text.slice(at + 1)];
}
