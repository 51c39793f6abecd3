import { z } from 'zod';
import { isCode, TocsinError } from '../../kernel/errors.ts';
import type { Alert } from '../../model/alert.ts';
import type { OriginConnection, OriginHost } from '../../ports/origin.ts';
import { carries, type Mark, markWith } from '../webhook/mark.ts';
import { type Api, apiOf } from './api.ts';
import type { Options } from './options.ts';

/** Zabbix documents no limit; a write-back takes up to three calls. */
const perMinute = { tell: 60, page: 60 };
/** The longest message, characters. Source: Zabbix, database schema, acknowledges.message. */
const longest = 2000;

/** What event.acknowledge does, as bits. Source: Zabbix manual, event.acknowledge (unacknowledge since 5.0). */
const bits = { close: 1, acknowledge: 2, message: 4, unacknowledge: 16 };

/**
 * Acknowledgements, messages and closing, where `apiToken` is set. Every one has a message with the mark, so that the update that Zabbix
 * then sends is known. Zabbix goes on with its escalation once nobody acknowledges a problem, where an operation asks for that.
 */
export function openOrigin(given: Options, host: OriginHost): OriginConnection | null {
  if (given.apiToken === undefined || given.url === undefined) return null;
  const way: Way = { api: apiOf(given, { fetch: host.reach([given.url]) }), mark: markWith(given.apiToken) };
  return {
    perMinute,
    notifiesLater: true,
    ...(given.acknowledge ? { acknowledge: (alert: Alert) => acknowledge(alert, way) } : {}),
    recall: alert => recall(alert, way),
    resolve: alert => close(alert, way),
    note: (alert, note) => write(alert, note, way),
  };
}

interface Way {
  api: Api;
  mark: Mark;
}

const updates = z.array(z.object({ acknowledgeid: z.string(), message: z.string(), action: z.coerce.number() }));
const events = z.array(z.object({ acknowledged: z.string(), r_eventid: z.string(), acknowledges: updates.optional() }));

interface Problem {
  isOver: boolean;
  isAcknowledged: boolean;
  /** Newest first. */
  updates: z.infer<typeof updates>;
}

/** Older versions know the updates by the first name, newer ones by the second. What is unknown is ignored or refused. */
const names = ['select_acknowledges', 'selectAcknowledges'] as const;

async function problemOf({ fingerprint }: Alert, { api }: Way): Promise<Problem> {
  const [major] = await api.version();
  for (const name of major >= 7 ? names.toReversed() : names) {
    const query = { eventids: [fingerprint], output: ['eventid', 'acknowledged', 'r_eventid'] };
    const [event] = await eventsBy({ ...query, [name]: ['acknowledgeid', 'message', 'action'] }, name, api);
    if (event === null) continue;
    if (event === undefined)
      throw new TocsinError('origin-refused', {
        message: 'Zabbix does not show this problem: it is deleted, or the user of the token may not read its host.',
      });
    if (event.acknowledges !== undefined)
      return {
        isOver: event.r_eventid !== '0',
        isAcknowledged: event.acknowledged === '1',
        updates: event.acknowledges.sort((one, other) => compareIds(other.acknowledgeid, one.acknowledgeid)),
      };
  }
  throw new TocsinError('origin-refused', { message: 'Zabbix does not tell the updates of the problem.' });
}

/** One null where the name is refused. */
async function eventsBy(query: object, name: string, api: Api): Promise<(z.infer<typeof events>[number] | null)[]> {
  try {
    return events.parse(await api.call('event.get', query));
  } catch (error) {
    if (isCode(error, 'origin-refused') && error.message.includes(name)) return [null];
    throw error;
  }
}

/** Ids are decimal numbers, perhaps larger than a number of JavaScript holds. */
function compareIds(one: string, other: string): number {
  return one.length - other.length || (one < other ? -1 : one > other ? 1 : 0);
}

function update({ fingerprint }: Alert, action: number, message: string, { api }: Way): Promise<unknown> {
  return api.call('event.acknowledge', { eventids: [fingerprint], action: action + bits.message, message });
}

/** Zabbix skips what is acknowledged already, but not its message: so it is asked first. */
async function acknowledge(alert: Alert, way: Way): Promise<string> {
  const { isOver, isAcknowledged } = await problemOf(alert, way);
  if (isOver || isAcknowledged) return `The problem is ${isOver ? 'over' : 'acknowledged'} in Zabbix already`;
  const text = way.mark.sign('Tocsin is at work on it', `${ownAcknowledgement(alert)}${alert.episode}`, longest);
  await update(alert, bits.acknowledge, text, way);
  return 'Acknowledged the problem in Zabbix';
}

function ownAcknowledgement({ id }: Alert): string {
  return `acknowledge/${id}/`;
}

/** Takes back Tocsin's own acknowledgement; that of a person stays. */
async function recall(alert: Alert, way: Way): Promise<string> {
  const { isOver, isAcknowledged, updates: all } = await problemOf(alert, way);
  if (isOver || !isAcknowledged) return `The problem is ${isOver ? 'over' : 'not acknowledged'} in Zabbix already`;
  const newest = all.find(({ action }) => (action & bits.acknowledge) !== 0);
  if (newest?.message.includes(`[tocsin ${ownAcknowledgement(alert)}`) !== true)
    return 'Somebody else acknowledged the problem in Zabbix, so it stays so';
  const text = way.mark.sign('Tocsin could not help', `recall/${alert.id}/${alert.episode}`, longest);
  await update(alert, bits.unacknowledge, text, way);
  return 'Took the acknowledgement back in Zabbix';
}

/** Zabbix closes it within seconds and sends its recovery then, which is what ends the alert here. */
async function close(alert: Alert, way: Way): Promise<string> {
  const { isOver, updates: all } = await problemOf(alert, way);
  if (isOver) return 'The problem is over in Zabbix already';
  if (all.some(({ action }) => (action & bits.close) !== 0))
    return 'The problem is about to be closed in Zabbix already';
  const text = way.mark.sign('Tocsin verified that it is gone', `resolve/${alert.id}/${alert.episode}`, longest);
  await update(alert, bits.close, text, way);
  return 'Asked Zabbix to close the problem';
}

/** Idempotent: looks for the mark first, because an earlier attempt may have succeeded although its response was lost. */
async function write(alert: Alert, note: { text: string; marker: string }, way: Way): Promise<string> {
  const { updates: all } = await problemOf(alert, way);
  if (all.some(({ message }) => carries(message, note.marker))) return 'The message is in Zabbix already';
  await update(alert, 0, way.mark.sign(note.text, note.marker, longest), way);
  return 'Wrote a message in Zabbix';
}
