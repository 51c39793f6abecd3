import { z } from 'zod';
import { isCode } from '../../kernel/errors.ts';
import type { Alert } from '../../model/alert.ts';
import type { OriginConnection, OriginHost } from '../../ports/origin.ts';
import { carries, type Mark, markWith } from '../webhook/mark.ts';
import { type Request, requesterOf } from './api.ts';
import type { Options } from './options.ts';

/** Icinga documents no limit; a write-back takes up to three requests. */
const perMinute = { tell: 60, page: 60 };
/** The longest comment, characters: Icinga names no limit, and its databases have columns of 64 KiB. */
const longest = 8000;
/** Comments are kept for so long, milliseconds: what comes and goes for ever would otherwise heap them up. */
const kept = 30 * 86_400_000;

/**
 * Acknowledgements and comments, where `api` is set. Nothing is resolved: that is for its checks to say. Once an acknowledgement is gone,
 * Icinga notifies again at its own interval.
 */
export function openOrigin({ api }: Options, host: OriginHost): OriginConnection | null {
  if (api === undefined || !api.write) return null;
  const way: Way = {
    request: requesterOf(api, { fetch: host.reach([api.url], api.ca) }),
    mark: markWith(api.password),
    author: api.user,
  };
  return {
    perMinute,
    notifiesLater: true,
    ...(api.acknowledge ? { acknowledge: (alert: Alert) => acknowledge(alert, way) } : {}),
    recall: alert => recall(alert, way),
    note: (alert, note) => write(alert, note, host.clock.now(), way),
  };
}

interface Way {
  request: Request;
  mark: Mark;
  author: string;
}

/** `host!service` or `host`, as the source makes the fingerprint: no name has an exclamation mark. */
function objectOf({ fingerprint }: Alert): { host: string; service: string | null } {
  const [host = '', ...rest] = fingerprint.split('!');
  return { host, service: rest.length === 0 ? null : rest.join('!') };
}

/** How actions name it. */
function targetOf(alert: Alert): object {
  const { service } = objectOf(alert);
  return service === null ? { type: 'Host', host: alert.fingerprint } : { type: 'Service', service: alert.fingerprint };
}

const checkable = z.object({
  results: z.array(z.object({ attrs: z.object({ state: z.number(), acknowledgement: z.number() }) })).min(1),
});

async function stateOf(alert: Alert, { request }: Way): Promise<{ isWell: boolean; isAcknowledged: boolean }> {
  const kind = objectOf(alert).service === null ? 'hosts' : 'services';
  const path = `/v1/objects/${kind}/${encodeURIComponent(alert.fingerprint)}?attrs=state&attrs=acknowledgement`;
  const [found] = checkable.parse(await request('GET', path)).results;
  return { isWell: found?.attrs.state === 0, isAcknowledged: (found?.attrs.acknowledgement ?? 0) !== 0 };
}

const comments = z.object({
  results: z.array(z.object({ attrs: z.object({ text: z.string(), entry_type: z.number() }) })),
});
/** The type of the comment that an acknowledgement is. Source: Icinga 2, lib/icinga/comment.ti. */
const ofAcknowledgement = 4;

async function commentsOf(alert: Alert, { request }: Way): Promise<{ text: string; entry_type: number }[]> {
  const { host, service } = objectOf(alert);
  const query = {
    attrs: ['text', 'entry_type'],
    filter: 'comment.host_name == tocsin_host && comment.service_name == tocsin_service',
    filter_vars: { tocsin_host: host, tocsin_service: service ?? '' },
  };
  return comments.parse(await request('GET', '/v1/objects/comments', query)).results.map(({ attrs }) => attrs);
}

/**
 * Not sticky, so that a problem that gets worse is told of again; with a notification, so that others see that somebody is at work. Icinga
 * answers 409 for what is acknowledged or well already.
 */
async function acknowledge(alert: Alert, way: Way): Promise<string> {
  const comment = way.mark.sign('Tocsin is at work on it', `acknowledge/${alert.id}/${alert.episode}`, longest);
  try {
    await way.request('POST', '/v1/actions/acknowledge-problem', {
      ...targetOf(alert),
      author: way.author,
      comment,
      sticky: false,
      notify: true,
    });
    return 'Acknowledged the problem in Icinga';
  } catch (error) {
    if (!isCode(error, 'origin-refused') || !error.message.includes('answered 409')) throw error;
    const { isWell } = await stateOf(alert, way);
    return `The problem is ${isWell ? 'over' : 'acknowledged'} in Icinga already`;
  }
}

/** Takes back Tocsin's own acknowledgement; that of a person stays. */
async function recall(alert: Alert, way: Way): Promise<string> {
  const { isWell, isAcknowledged } = await stateOf(alert, way);
  if (isWell || !isAcknowledged) return `The problem is ${isWell ? 'over' : 'not acknowledged'} in Icinga already`;
  const all = await commentsOf(alert, way);
  const marker = `acknowledge/${alert.id}/`;
  if (!all.some(({ text, entry_type }) => entry_type === ofAcknowledgement && text.includes(`[tocsin ${marker}`)))
    return 'Somebody else acknowledged the problem in Icinga, so it stays so';
  await way.request('POST', '/v1/actions/remove-acknowledgement', { ...targetOf(alert), author: way.author });
  return 'Took the acknowledgement back in Icinga, which notifies again at its interval';
}

/** Idempotent: looks for the mark first, because an earlier attempt may have succeeded although its response was lost. */
async function write(alert: Alert, note: { text: string; marker: string }, now: number, way: Way): Promise<string> {
  const known = await commentsOf(alert, way);
  if (known.some(({ text }) => carries(text, note.marker))) return 'The comment is in Icinga already';
  await way.request('POST', '/v1/actions/add-comment', {
    ...targetOf(alert),
    author: way.author,
    comment: way.mark.sign(note.text, note.marker, longest),
    expiry: Math.floor((now + kept) / 1000),
  });
  return 'Wrote a comment in Icinga';
}
