import { canonicalJson, sha256 } from '../../kernel/canonical.ts';
import { TocsinError } from '../../kernel/errors.ts';
import type { IncomingEvent, Labels } from '../../model/event.ts';
import { isMap, labelsOf } from '../../model/incoming.ts';
import type { Delivery, Normalised } from '../../ports/source.ts';
import { charsetIn } from '../webhook/charset.ts';
import { alertOf, noticeOf } from '../webhook/events.ts';
import { readForm } from '../webhook/form.ts';
import { type StateName, severityFor, stateOf } from '../webhook/words.ts';
import type { Options } from './options.ts';

/** The fields that are read, as deploy/nagios/tocsin-notify sends them. */
export const fieldNames = [
  'type',
  'host',
  'service',
  'state',
  'state_type',
  'output',
  'long_output',
  'time',
  'last_change',
  'author',
  'comment',
  'notification_id',
  'address',
  'notes_url',
] as const;

/** Every other field of this prefix is a label. */
const labelPrefix = 'label.';

type Fields = Readonly<Record<(typeof fieldNames)[number], string>>;

/** Checks write what they like: bytes that are not UTF-8 are Latin-1. Throws TocsinError `bad-body` or `wrong-content-type`. */
export function readNotification(delivery: Delivery): unknown {
  return readForm(delivery.body, { told: charsetIn(delivery.headers['content-type']), option: 'latin1' });
}

/** Pure: the events of one notification. Throws TocsinError `bad-body`. */
export function normalise(body: unknown, delivery: Delivery, given: Options): Normalised {
  const form = isMap(body) ? body : {};
  const fields = Object.fromEntries(fieldNames.map(name => [name, textOf(form[name])])) as Fields;
  if (fields.host === '') throw wrong('host', 'the name of the host');
  if (fields.type === '') throw wrong('type', 'the type of the notification: PROBLEM, RECOVERY, ...');
  const events = eventsOf(fields, labelsIn(form), delivery, given);
  if (fields.time === '') return { events, deliveryId: null };
  // The script tries again when it hears no answer. What is the same in all its words and in its second is the same.
  const id = sha256(canonicalJson({ ...fields }));
  return { events, deliveryId: null, eventIds: events.map((_, index) => `${id}/${index}`) };
}

function eventsOf(fields: Fields, labels: Labels, delivery: Delivery, given: Options): IncomingEvent[] {
  const { author, comment, type } = fields;
  const name = fields.service === '' ? fields.host : `${fields.host} ${fields.service}`;
  const state = stateFor(fields);
  const common = { fingerprint: fingerprintOf(fields), labels, urls: { Notes: fields.notes_url } };
  const said = [author, comment].filter(text => text !== '').join(': ');
  const words = noticeOf(
    { ...common, urls: {}, type: type.toLowerCase(), title: `${name}: ${type}${said === '' ? '' : ` by ${said}`}` },
    delivery,
  );
  if (state === 'notice') return [words];
  const firing = state === 'firing';
  const alert = alertOf(
    {
      ...common,
      state,
      title: fields.state === '' ? name : `${name} is ${fields.state}`,
      severity: severityFor(fields.state, given.severities),
      annotations: labelsOf(present({ description: fields.output, details: fields.long_output })),
      news: { name: 'time', value: fields.time },
      start: { name: 'last_change', value: firing ? fields.last_change : null },
      by: author,
    },
    delivery,
  );
  // Of an acknowledgement the alert keeps who gave it, and the thread the words.
  return isAcknowledgement(state) && comment !== '' ? [alert, words] : [alert];
}

function isAcknowledgement(state: StateName): boolean {
  return state === 'acknowledged' || state === 'unacknowledged';
}

const noWords: ReadonlyMap<string, StateName> = new Map();

/** A type that is not known is a notice. So is a state that may pass by itself (SOFT), of which nobody is notified by default. */
function stateFor({ type, state_type }: Fields): StateName {
  const state = stateOf(type, noWords) ?? 'notice';
  const isSoft = state_type.toUpperCase() === 'SOFT' && !isAcknowledgement(state);
  return isSoft ? 'notice' : state;
}

/** An exclamation mark is allowed in no name of an object. The problem ids would not do: the recovery of a host has the id 0. */
function fingerprintOf({ host, service }: Fields): string {
  return service === '' ? host : `${host}!${service}`;
}

function labelsIn(form: Readonly<Record<string, unknown>>): Labels {
  const labels: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(form)) {
    const text = textOf(value);
    if (name.startsWith(labelPrefix) && name.length > labelPrefix.length && text !== '') {
      labels[name.slice(labelPrefix.length)] = text;
    }
  }
  const own = ['host', 'service', 'state', 'address'].map(name => [name, textOf(form[name])]);
  return labelsOf({ ...labels, ...present(Object.fromEntries(own)) });
}

/** A macro that is not valid for a notification can come as it stands. */
function textOf(value: unknown): string {
  const text = typeof value === 'string' ? value.trim() : '';
  return /^\$[A-Za-z_][\w.:]*\$$/.test(text) ? '' : text;
}

/** Without what is empty. */
function present(texts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== ''));
}

function wrong(at: string, allowed: string): TocsinError {
  return new TocsinError('bad-body', {
    message: 'This is not a notification as the script tocsin-notify sends it.',
    at,
    allowed,
    remedy: 'Compare the command with the one in deploy/.',
  });
}
