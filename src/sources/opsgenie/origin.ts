import { z } from 'zod';
import { TocsinError } from '../../kernel/errors.ts';
import type { Alert } from '../../model/alert.ts';
import type { OriginConnection, OriginHost } from '../../ports/origin.ts';
import { carries, type Mark, markWith } from '../webhook/mark.ts';
import { type Api, apiOf } from './api.ts';
import { addressOf, canWrite, keyOf, type Options } from './options.ts';

/**
 * A write-back takes up to eight requests. Opsgenie gives each account a bucket by its plan and its users, and says when it is empty.
 * Source: docs.opsgenie.com, rate limiting.
 */
const perMinute = { tell: 20, page: 20 };
/** The longest note, characters. Source: docs.opsgenie.com, alert API: 25,000. */
const longest = 20_000;

export function openOrigin(given: Options, host: OriginHost): OriginConnection | null {
  if (!canWrite(given)) return null;
  const fetch = host.reach([addressOf(given)]);
  const way: Way = { api: apiOf(given, { fetch, clock: host.clock }), mark: markWith(keyOf(given)) };
  return {
    perMinute,
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

/** The id of this episode: an alias is used again once its alert is closed. */
function idOf({ annotations }: Alert): string {
  const id = annotations['opsgenie_id'] ?? '';
  if (/^[\w-]{1,100}$/.test(id)) return id;
  throw new TocsinError('origin-refused', {
    message: 'The webhook of the alert said no id by which it can be written to.',
  });
}

const state = z.object({ status: z.string(), acknowledged: z.boolean() });

async function stateOf(alert: Alert, { api }: Way): Promise<{ isOver: boolean; isAcknowledged: boolean }> {
  const { status, acknowledged } = state.parse(await api.get(`/alerts/${idOf(alert)}`));
  return { isOver: status === 'closed', isAcknowledged: acknowledged };
}

const list = z.array(z.object({ note: z.string().nullish() }));
const notes = z.union([list, z.object({ values: list }).transform(({ values }) => values)]);

/** True when one of the newest hundred notes has the mark. */
async function isNoted(alert: Alert, marker: string, { api }: Way): Promise<boolean> {
  const known = notes.parse(await api.get(`/alerts/${idOf(alert)}/notes?limit=100&order=desc`));
  return known.some(({ note }) => carries(note ?? '', marker));
}

/** The note by which `recall` knows the acknowledgement for Tocsin's own. */
async function acknowledge(alert: Alert, way: Way): Promise<string> {
  const { api, mark } = way;
  const { isOver, isAcknowledged } = await stateOf(alert, way);
  if (isOver || isAcknowledged) return `The alert is ${isOver ? 'closed' : 'acknowledged'} in ${api.name} already`;
  const marker = ownAcknowledgement(alert);
  const note = mark.sign('Tocsin is at work on it', marker, longest);
  if (!api.notesWithActions && !(await isNoted(alert, marker, way))) await api.act(idOf(alert), 'notes', note);
  await api.act(idOf(alert), 'acknowledge', api.notesWithActions ? note : null);
  return `Acknowledged the alert in ${api.name}`;
}

function ownAcknowledgement({ id, episode }: Alert): string {
  return `acknowledge/${id}/${episode}`;
}

/** Takes back Tocsin's own acknowledgement, so that people are called again; that of a person stays. */
async function recall(alert: Alert, way: Way): Promise<string> {
  const { api, mark } = way;
  const { isOver, isAcknowledged } = await stateOf(alert, way);
  if (isOver || !isAcknowledged) return `The alert is ${isOver ? 'closed' : 'not acknowledged'} in ${api.name} already`;
  if (!(await isNoted(alert, ownAcknowledgement(alert), way)))
    return `Somebody else acknowledged the alert in ${api.name}, so it stays so`;
  const note = mark.sign('Tocsin could not help', `recall/${alert.id}/${alert.episode}`, longest);
  await api.act(idOf(alert), 'unacknowledge', api.notesWithActions ? note : null);
  return `Took the acknowledgement back in ${api.name}, which calls people again`;
}

async function close(alert: Alert, way: Way): Promise<string> {
  const { api } = way;
  if ((await stateOf(alert, way)).isOver) return `The alert is closed in ${api.name} already`;
  await api.act(idOf(alert), 'close', null);
  return `Closed the alert in ${api.name}`;
}

/** Idempotent: looks for the mark first, because an earlier attempt may have succeeded although its response was lost. */
async function write(alert: Alert, note: { text: string; marker: string }, way: Way): Promise<string> {
  if (await isNoted(alert, note.marker, way)) return `The note is in ${way.api.name} already`;
  await way.api.act(idOf(alert), 'notes', way.mark.sign(note.text, note.marker, longest));
  return `Wrote a note in ${way.api.name}`;
}
