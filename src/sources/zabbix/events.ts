import { canonicalJson, sha256 } from '../../kernel/canonical.ts';
import { TocsinError } from '../../kernel/errors.ts';
import type { IncomingAlert, IncomingEvent, Severity } from '../../model/event.ts';
import { isMap, labelsOf, severityOf } from '../../model/incoming.ts';
import type { Delivery, Normalised } from '../../ports/source.ts';
import { alertOf, noticeOf, type Told } from '../webhook/events.ts';
import type { Options } from './options.ts';
import { Parameters } from './parameters.ts';

/** {EVENT.NSEVERITY}: Not classified, Information, Warning, Average, High, Disaster. */
const severities: readonly Severity[] = ['info', 'info', 'warning', 'warning', 'error', 'critical'];

/** {EVENT.SOURCE} of what has no recovery: discovery and autoregistration. Source: Zabbix, media_pagerduty.yaml, and its manual. */
const withoutEnd = new Map([
  ['1', 'discovery'],
  ['2', 'autoregistration'],
]);

/** Pure: the events of one message. Throws TocsinError `bad-body`. */
export function normalise(body: unknown, delivery: Delivery, given: Options): Normalised {
  if (!isMap(body)) throw wrong('the document', 'the parameters of the media type');
  const message = new Parameters(body);
  if (!message.has('event_id')) throw wrong('event_id', '{EVENT.ID}');
  const id = message.text('event_id') ?? '';
  const bare = withoutEnd.get(message.text('event_source') ?? '0');
  // The button Test of a media type sends the macros themselves.
  if (!/^\d{1,20}$/.test(id) || bare !== undefined) return justNotice(message, bare ?? 'message', delivery);
  const value = message.text('event_value');
  if (value !== '0' && value !== '1') throw wrong('event_value', '{EVENT.VALUE}: 0 or 1');
  const told = toldOf(message, id, given);
  const update = message.text('event_update_status') === '1' ? updateOf(message) : null;
  const alerts = statesOf(value, update).map(state => alertOf(withTimes({ ...told, state }, message, given), delivery));
  if (update === null || !update.hasWords) return { events: alerts, deliveryId: null };
  const words = noticeOf({ ...told, type: 'update', title: update.title, urls: {} }, delivery);
  // A message that is sent again must not put its words into the thread twice; a state may come as often as it likes.
  const key = sha256(canonicalJson([id, update.title, message.time('event_update', given.timezone ?? 'UTC')]));
  return { events: [...alerts, words], deliveryId: null, eventIds: [...alerts.map(() => null), key] };
}

interface Update {
  states: readonly IncomingAlert['state'][];
  /** Who did what, and said what. */
  title: string;
  /** Says more than the states do. */
  hasWords: boolean;
}

/**
 * {EVENT.UPDATE.ACTION} names in English what was done: "acknowledged and commented", "changed severity from High to Warning". That a
 * problem was commented or is to be closed is no news of whether it lasts. {EVENT.ACK.STATUS} stays Yes after "unacknowledged".
 */
function updateOf(message: Parameters): Update {
  const action = message.text('event_update_action') ?? 'updated the problem';
  const words = message.text('event_update_message');
  const states: IncomingAlert['state'][] = [];
  if (/\bchanged severity\b/.test(action)) states.push('firing');
  if (/\bunacknowledged\b/.test(action)) states.push('unacknowledged');
  else if (/\backnowledged\b/.test(action)) states.push('acknowledged');
  const who = personOf(message) ?? 'Somebody';
  return {
    states,
    title: `${who} ${action}${words === null ? '' : `: ${words}`}`,
    hasWords: words !== null || !/^(un)?acknowledged$/.test(action),
  };
}

/** A recovery has the value 0, and so have updates that come after it. */
function statesOf(value: '0' | '1', update: Update | null): readonly IncomingAlert['state'][] {
  if (value === '0') return ['resolved'];
  return update === null ? ['firing'] : update.states;
}

/** What all events of a message say. A problem and its recovery have one id, which no other problem has. */
function toldOf(message: Parameters, id: string, { url }: Options): Omit<Told, 'state' | 'news' | 'start'> {
  const [host, name] = [message.text('host_name'), message.text('event_name')];
  const tags = message.tags();
  const own = { host, trigger: message.text('trigger_id'), severity: message.text('event_severity') };
  const texts = {
    description: message.text('trigger_description'),
    operational_data: message.text('event_opdata'),
    tocsin_unread: tags === null ? 'the tags cannot be read and were left out' : null,
  };
  return {
    fingerprint: id,
    title: host === null || name?.includes(host) ? (name ?? '') : `${host}: ${name ?? 'a problem'}`,
    severity: severityFor(message),
    labels: labelsOf({ ...tags, ...present(own) }),
    annotations: labelsOf(present(texts)),
    urls: present({ Trigger: message.text('trigger_url'), Zabbix: pageOf(message, id, url) }),
    by: personOf(message) ?? undefined,
  };
}

/** Zabbix names a person only to a user who shares a group with them, or is a Super admin. Seen with Zabbix 6.0.14. */
function personOf(message: Parameters): string | null {
  const name = message.text('user_fullname');
  return name === 'Inaccessible user' ? null : name;
}

function withTimes(told: Omit<Told, 'news' | 'start'>, message: Parameters, { timezone }: Options): Told {
  const updated = message.text('event_update_status') === '1';
  const which = updated ? 'event_update' : told.state === 'resolved' ? 'event_recovery' : 'event';
  return {
    ...told,
    start: { name: 'event_time', value: message.time('event', timezone) },
    news: { name: `${which}_time`, value: message.time(which, timezone) },
  };
}

function severityFor(message: Parameters): Severity {
  const number = message.text('event_nseverity');
  const known = number !== null && /^[0-5]$/.test(number) ? severities[Number(number)] : undefined;
  return known ?? severityOf(message.text('event_severity')) ?? 'warning';
}

/** The page of an event. Source: Zabbix, templates/media/pagerduty/media_pagerduty.yaml. */
function pageOf(message: Parameters, id: string, url: string | undefined): string | null {
  const trigger = message.text('trigger_id');
  if (url === undefined || trigger === null) return null;
  return `${url.replace(/\/+$/, '')}/tr_events.php?triggerid=${encodeURIComponent(trigger.toWellFormed())}&eventid=${id}`;
}

function justNotice(message: Parameters, type: string, delivery: Delivery): Normalised {
  const title =
    message.text('alert_subject') ?? message.text('event_name') ?? 'A message of Zabbix that is about no event';
  const labels = labelsOf(present({ host: message.text('host_name') }));
  const notice: IncomingEvent = noticeOf({ type, title, labels, urls: {}, fingerprint: '' }, delivery);
  return { events: [notice], deliveryId: null };
}

/** Without what is null. */
function present(texts: Readonly<Record<string, string | null>>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).flatMap(([name, text]) => (text === null ? [] : [[name, text]])));
}

function wrong(at: string, allowed: string): TocsinError {
  return new TocsinError('bad-body', {
    message: 'This is not a message of the media type of Tocsin.',
    at,
    allowed,
    remedy: 'Import deploy/zabbix/media-tocsin.yaml into Zabbix again.',
  });
}
