import type { Json } from '../../kernel/canonical.ts';
import { TocsinError } from '../../kernel/errors.ts';
import { cutLine } from '../../kernel/text.ts';
import type { IncomingAlert, IncomingEvent, Labels } from '../../model/event.ts';
import type { Expression } from '../../model/expression/expression.ts';
import { boundText, keyOf, labelsOf, linkOf, startOf, titleOf } from '../../model/incoming.ts';
import type { Delivery } from '../../ports/source.ts';
import type { Facts, Options } from './options.ts';
import { readTime } from './times.ts';
import { severityFor, stateNames, stateOf } from './words.ts';

/** The label that says what was not taken as the sender gave it. */
const noteLabel = 'tocsin_note';

/** One event of one element. Throws TocsinError `bad-body` that names the mapping. */
export function eventOf(facts: Facts, given: Options, delivery: Delivery): IncomingEvent {
  const { map } = given;
  const state = stateOf(evaluate('map.state', map.state, facts), given.states);
  const title = titleOf(evaluate('map.title', map.title, facts));
  const labels = textsOf('map.labels', map.labels, facts);
  const urls = textsOf('map.links', map.links, facts);
  const links = Object.entries(urls).flatMap(([label, url]) => linkOf(label, url));
  const fingerprint = evaluate('map.fingerprint', map.fingerprint, facts);
  if (state === null) throw unmapped('map.state', `${stateNames.join(', ')}, or a word of the option states`);
  if (state === 'notice') {
    const about = fingerprint === '' ? {} : { about: keyOf(fingerprint) };
    return { kind: 'notice', type: 'notice', title, labels, links, occurredAt: delivery.at, ...about };
  }
  if (fingerprint === '') throw unmapped('map.fingerprint', 'a text that is not empty');
  const { startsAt, newsAt, notes } = timesOf(facts, given, delivery);
  const told = newsAt ?? delivery.at;
  return {
    kind: 'alert',
    state,
    fingerprint: keyOf(fingerprint),
    title,
    severity: severityFor(
      map.severity === undefined ? '' : evaluate('map.severity', map.severity, facts),
      given.severities,
    ),
    labels: notes.length === 0 ? labels : labelsOf({ [noteLabel]: notes.join(' '), ...labels }),
    annotations: textsOf('map.annotations', map.annotations, facts),
    links,
    startsAt: startsAt ?? told,
    ...(startsAt !== null && given.stretch !== undefined ? { stretch: given.stretch } : {}),
    ...(newsAt === null ? {} : { newsAt }),
    ...(isAcknowledgement(state) ? personOf(facts, given) : {}),
    endsAt: state === 'resolved' ? told : null,
    occurredAt: state === 'firing' ? (startsAt ?? told) : told,
  };
}

function isAcknowledgement(state: IncomingAlert['state']): boolean {
  return state === 'acknowledged' || state === 'unacknowledged';
}

/** Who acknowledged. An acknowledgement without a name is better than none, so what cannot be read is left out. */
function personOf(facts: Facts, { map }: Options): { by?: string } {
  const name = map.by === undefined ? undefined : attempt('map.by', map.by, facts);
  return typeof name === 'string' && name.trim() !== '' ? { by: boundText(name.trim(), 200) } : {};
}

interface Times {
  /** Null when the sender tells none that can be used. */
  startsAt: number | null;
  newsAt: number | null;
  /** For people: what could not be used. */
  notes: string[];
}

function timesOf(facts: Facts, { map }: Options, delivery: Delivery): Times {
  const notes: string[] = [];
  const use = (where: string, value: Json | undefined, instead: string): number | null => {
    const at = value === undefined ? 'missing' : readTime(value);
    if (typeof at === 'number' && startOf(at, delivery.at) === at) return at;
    if (at !== null) notes.push(`${where} ${wrongWith(at)}${quote(value)}; ${instead}.`);
    return null;
  };
  const news = map.at === undefined ? null : attempt('map.at', map.at, facts);
  const told = use('map.at', news, 'it is left out');
  // No news is made after it arrived: once the clock of its sender is set right, all later news would count as older.
  const newsAt = told === null ? null : Math.min(told, delivery.at);
  const start = map.startsAt === undefined ? null : evaluate('map.startsAt', map.startsAt, facts);
  const startsAt = use('map.startsAt', start, newsAt === null ? 'the arrival stands for it' : 'map.at stands for it');
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

/** The texts, without those that are empty: a sender's null or empty field counts as left out. */
function textsOf(where: string, given: Record<string, Expression<Facts, string>>, facts: Facts): Labels {
  const out: Labels = Object.create(null);
  for (const [key, expression] of Object.entries(given)) {
    const text = evaluate(`${where}.${key}`, expression, facts);
    if (text !== '') out[key] = text;
  }
  return labelsOf(out);
}

/** The value of a mapping. Throws TocsinError `bad-body` that names it. */
export function evaluate<R>(where: string, expression: Expression<Facts, R>, facts: Facts): R {
  try {
    return expression.evaluate(facts);
  } catch (error) {
    // The cause may quote the body, so only the mapping is named.
    throw new TocsinError('bad-body', {
      message: 'The body does not fit a mapping of this source.',
      at: where,
      given: expression.text,
      remedy: 'Correct the mapping in tocsin.yaml; has() asks whether a field is there.',
      cause: error,
    });
  }
}

/** The value of a mapping that an event can do without; undefined when there is none. */
function attempt<R>(where: string, expression: Expression<Facts, R>, facts: Facts): R | undefined {
  try {
    return evaluate(where, expression, facts);
  } catch (error) {
    if (error instanceof TocsinError) return undefined;
    throw error;
  }
}

export function unmapped(where: string, allowed: string): TocsinError {
  return new TocsinError('bad-body', {
    message: 'A mapping of this source makes something else than it must.',
    at: where,
    allowed,
  });
}
