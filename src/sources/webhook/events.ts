import type { Json } from '../../kernel/canonical.ts';
import { cutLine } from '../../kernel/text.ts';
import type { IncomingAlert, IncomingEvent, Labels } from '../../model/event.ts';
import { boundText, keyOf, labelsOf, linkOf, startOf, titleOf } from '../../model/incoming.ts';
import type { Delivery } from '../../ports/source.ts';
import { attempt, evaluate, textsOf, unmapped } from './cel.ts';
import type { Facts, Options } from './options.ts';
import { type PermitMapping, permitOf } from './permits.ts';
import { readTime } from './times.ts';
import { permitStateOf, permitStates, type StateName, severityFor, stateNames, stateOf } from './words.ts';

/** The label that says what was not taken as the sender gave it. */
const noteLabel = 'tocsin_note';

/** One event of one element. Throws TocsinError `bad-body` that names the mapping. */
export function eventOf(facts: Facts, given: Options, delivery: Delivery): IncomingEvent {
  const { map } = given;
  if (map.permit !== undefined) return permitEvent(facts, map.permit, given, delivery);
  const state = stateOf(evaluate('map.state', map.state, facts), given.states);
  const title = evaluate('map.title', map.title, facts);
  const labels = textsOf('map.labels', map.labels, facts);
  const urls = textsOf('map.links', map.links, facts);
  const fingerprint = evaluate('map.fingerprint', map.fingerprint, facts);
  if (state === null) throw unmapped('map.state', `${stateNames.join(', ')}, or a word of the option states`);
  const common = { title, labels, urls, fingerprint };
  if (state === 'notice') return noticeOf({ ...common, type: 'notice' }, delivery);
  if (fingerprint === '') throw unmapped('map.fingerprint', 'a text that is not empty');
  const word = map.severity === undefined ? '' : evaluate('map.severity', map.severity, facts);
  const told: Told = {
    ...common,
    state,
    severity: severityFor(word, given.severities),
    annotations: textsOf('map.annotations', map.annotations, facts),
    news: { name: 'map.at', value: map.at === undefined ? null : attempt('map.at', map.at, facts) },
    start: {
      name: 'map.startsAt',
      value: map.startsAt === undefined ? null : evaluate('map.startsAt', map.startsAt, facts),
    },
    stretch: given.stretch,
    by: map.by === undefined ? undefined : attempt('map.by', map.by, facts),
  };
  return alertOf(told, delivery);
}

/** The same for a source of permits. What is no permit yet is a notice. */
function permitEvent(facts: Facts, mapping: PermitMapping, given: Options, delivery: Delivery): IncomingEvent {
  const { map } = given;
  const state = permitStateOf(evaluate('map.state', map.state, facts), given.states);
  if (state === null) throw unmapped('map.state', `${permitStates.join(', ')}, or a word of the option states`);
  const common = {
    title: evaluate('map.title', map.title, facts),
    labels: textsOf('map.labels', map.labels, facts),
    urls: textsOf('map.links', map.links, facts),
    fingerprint: evaluate('map.fingerprint', map.fingerprint, facts),
  };
  if (state === 'notice') return noticeOf({ ...common, fingerprint: '', type: 'no-permit' }, delivery);
  if (common.fingerprint === '') throw unmapped('map.fingerprint', 'a text that is not empty');
  const [title, links, fingerprint] = [titleOf(common.title), linksOf(common), keyOf(common.fingerprint)];
  const permit = state === 'ended' ? null : permitOf(facts, mapping, { title, fingerprint: common.fingerprint });
  return { kind: 'permit', title, labels: common.labels, links, occurredAt: delivery.at, fingerprint, permit };
}

/** What every event says. */
interface Common {
  title: string;
  labels: Labels;
  /** Addresses by what people call them. */
  urls: Labels;
  /** The identity of the condition; empty for a notice that is about none. */
  fingerprint: string;
}

/** A time as the sender gives it: null when it tells none, undefined when it could not be read. */
interface ToldTime {
  /** What people call it: the mapping, or the field. */
  name: string;
  value: Json | undefined;
}

/** What a sender says of an alert. */
export interface Told extends Common {
  state: Exclude<StateName, 'notice'>;
  severity: IncomingAlert['severity'];
  annotations: Labels;
  /** When this news was made, and when the stretch began. */
  news: ToldTime;
  start: ToldTime;
  stretch?: 'startsAt' | undefined;
  /** Who acknowledged, or took that back. */
  by?: string | undefined;
}

export function noticeOf(told: Common & { type: string }, delivery: Delivery): IncomingEvent {
  const { fingerprint, labels, type } = told;
  const about = fingerprint === '' ? {} : { about: keyOf(fingerprint) };
  const [title, links] = [titleOf(told.title), linksOf(told)];
  return { kind: 'notice', type, title, labels, links, occurredAt: delivery.at, ...about };
}

export function alertOf(told: Told, delivery: Delivery): IncomingAlert {
  const { state, labels, stretch } = told;
  const { startsAt, newsAt, notes } = timesOf(told, delivery);
  const at = newsAt ?? delivery.at;
  return {
    kind: 'alert',
    state,
    fingerprint: keyOf(told.fingerprint),
    title: titleOf(told.title),
    severity: told.severity,
    labels: notes.length === 0 ? labels : labelsOf({ [noteLabel]: notes.join(' '), ...labels }),
    annotations: told.annotations,
    links: linksOf(told),
    startsAt: startsAt ?? at,
    ...(startsAt !== null && stretch !== undefined ? { stretch } : {}),
    ...(newsAt === null ? {} : { newsAt }),
    ...(isAcknowledgement(state) ? personOf(told.by) : {}),
    endsAt: state === 'resolved' ? at : null,
    occurredAt: state === 'firing' ? (startsAt ?? at) : at,
  };
}

function linksOf({ urls }: Common): IncomingAlert['links'] {
  return Object.entries(urls).flatMap(([label, url]) => linkOf(label, url));
}

function isAcknowledgement(state: IncomingAlert['state']): boolean {
  return state === 'acknowledged' || state === 'unacknowledged';
}

/** Who acknowledged. An acknowledgement without a name is better than none, so what cannot be read is left out. */
function personOf(name: string | undefined): { by?: string } {
  return name !== undefined && name.trim() !== '' ? { by: boundText(name.trim(), 200) } : {};
}

interface Times {
  /** Null when the sender tells none that can be used. */
  startsAt: number | null;
  newsAt: number | null;
  /** For people: what could not be used. */
  notes: string[];
}

function timesOf({ news, start }: Told, delivery: Delivery): Times {
  const notes: string[] = [];
  const use = ({ name, value }: ToldTime, instead: string): number | null => {
    const at = value === undefined ? 'missing' : readTime(value);
    if (typeof at === 'number' && startOf(at, delivery.at) === at) return at;
    if (at !== null) notes.push(`${name} ${wrongWith(at)}${quote(value)}; ${instead}.`);
    return null;
  };
  const told = use(news, 'it is left out');
  // No news is made after it arrived: once the clock of its sender is set right, all later news would count as older.
  const newsAt = told === null ? null : Math.min(told, delivery.at);
  const startsAt = use(start, newsAt === null ? 'the arrival stands for it' : `${news.name} stands for it`);
  return { startsAt, newsAt, notes };
}

function wrongWith(at: number | 'unreadable' | 'missing'): string {
  if (at === 'missing') return 'is not there';
  return at === 'unreadable' ? 'is no time with a zone' : 'is more than five minutes ahead';
}

function quote(value: Json | undefined): string {
  if (value === undefined) return '';
  return ` (${cutLine(typeof value === 'string' ? value : JSON.stringify(value), 60)})`;
}
