import type { IncomingEvent, Labels } from '../../model/event.ts';
import { toCel } from '../../model/expression/values.ts';
import { boundText, labelsOf, longest } from '../../model/incoming.ts';
import type { Delivery } from '../../ports/source.ts';
import { attempt, evaluate, textsOf, unmapped } from '../webhook/cel.ts';
import { alertOf, noticeOf } from '../webhook/events.ts';
import { type StateName, severityFor, stateNames, stateOf } from '../webhook/words.ts';
import { type Attributes, coreNames } from './attributes.ts';
import type { Facts, Options } from './options.ts';
import type { CloudEvent } from './read.ts';

/** The event that a CloudEvent tells of. Throws TocsinError `bad-body` that names the mapping; never for a notice. */
export function eventOf(read: CloudEvent, given: Options, delivery: Delivery): IncomingEvent {
  const { attributes } = read;
  const { map } = given;
  const facts: Facts = { event: attributes, data: toCel(read.data) };
  const state = stateFor(facts, given);
  // An event of a type that nobody mapped may lack whatever the mappings read. It is kept all the same.
  const get = state === 'notice' ? attempt<Facts, string> : evaluate<Facts, string>;
  const common = {
    title: (map.title && get('map.title', map.title, facts)) ?? titleFor(attributes),
    fingerprint: map.fingerprint ? (get('map.fingerprint', map.fingerprint, facts) ?? '') : identityOf(attributes),
    labels: labelsOf({ ...plainLabels(attributes), ...textsOf('map.labels', map.labels, facts, get) }),
    urls: { Source: attributes['source'] ?? '', ...textsOf('map.links', map.links, facts, get) },
  };
  if (state === 'notice') {
    return noticeOf({ ...common, type: boundText(attributes['type'] ?? '', longest.labelName) }, delivery);
  }
  if (common.fingerprint === '') throw unmapped('map.fingerprint', 'a text that is not empty');
  const word = map.severity ? evaluate('map.severity', map.severity, facts) : (attributes['severity'] ?? '');
  return alertOf(
    {
      ...common,
      state,
      severity: severityFor(word, given.severities),
      annotations: textsOf('map.annotations', map.annotations, facts),
      news: { name: 'time', value: attributes['time'] ?? null },
      start: { name: 'map.startsAt', value: map.startsAt ? evaluate('map.startsAt', map.startsAt, facts) : null },
      by: map.by ? attempt('map.by', map.by, facts) : undefined,
    },
    delivery,
  );
}

const noWords: ReadonlyMap<string, StateName> = new Map();

function stateFor(facts: Facts, { types, map }: Options): StateName {
  const type = facts.event['type'] ?? '';
  const byType = Object.hasOwn(types, type) ? types[type] : undefined;
  if (byType !== undefined) return byType;
  if (map.state === undefined) return 'notice';
  const state = stateOf(evaluate('map.state', map.state, facts), noWords);
  if (state === null) throw unmapped('map.state', stateNames.join(', '));
  return state;
}

function titleFor({ type, subject, source }: Attributes): string {
  return `${type}: ${subject ?? source}`;
}

/** Source, family of the type and subject; none of them can be taken for a part of another. */
function identityOf({ source = '', type = '', subject = '' }: Attributes): string {
  return [source, familyOf(type), subject]
    .filter(part => part !== '')
    .map(part => part.replace(/[% ]/g, encodeURIComponent))
    .join(' ');
}

/** A type without its version and its last word, which says what happened: `com.example.disk` of `com.example.disk.full.v1`. */
export function familyOf(type: string): string {
  const plain = type.replace(/(?:\.v?\d+)+$/i, '');
  return plain.slice(0, Math.max(0, plain.lastIndexOf('.')));
}

/** They are of the single event, or of how it was sent. Source of the last two: CloudEvents extension Distributed Tracing. */
const unlabelled = new Set(['specversion', 'id', 'time', 'datacontenttype', 'dataschema', 'traceparent', 'tracestate']);

/** Type, source, subject and the extension attributes. */
function plainLabels(attributes: Attributes): Labels {
  const names = [...coreNames, ...Object.keys(attributes)].filter(name => !unlabelled.has(name));
  const labels: Labels = Object.create(null);
  for (const name of names) {
    const text = attributes[name];
    if (text !== undefined) labels[name] = text;
  }
  return labels;
}
