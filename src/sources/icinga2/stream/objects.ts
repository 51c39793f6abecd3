import type { z } from 'zod';
import { isCode } from '../../../kernel/errors.ts';
import type { Request } from '../api.ts';
import { attributes, checkables, comments } from './shapes.ts';

/** A host, or a service of it. */
export interface Subject {
  host: string;
  /** Empty for the host itself. */
  service: string;
}

/** A host or service as the API lists it. Times in milliseconds by the clock of Icinga. */
export interface Listed extends Subject {
  /** 0 is well. */
  state: number;
  isHard: boolean;
  output: string;
  changedAt: number;
  hardAt: number;
  /** In a downtime, or not to be reached: Icinga notifies nobody. */
  isQuiet: boolean;
  isAcknowledged: boolean;
}

/** As the source makes the fingerprint: no name has an exclamation mark. */
export function nameOf({ host, service }: Subject): string {
  return service === '' ? host : `${host}!${service}`;
}

/** What is a problem now, in a state that is HARD. Rejects as `Request` does, and when the answer has another shape. */
export async function listProblems(request: Request): Promise<Listed[]> {
  const found: Listed[] = [];
  for (const kind of ['host', 'service'] as const) {
    const query = { attrs: attributesOf(kind), filter: `${kind}.state != 0 && ${kind}.state_type == 1` };
    const answer = checkables.parse(await request('GET', `/v1/objects/${kind}s`, query));
    found.push(...answer.results.map(({ attrs }) => listedOf(attrs)));
  }
  return found;
}

/** One host or service; null when it is not there. */
export async function readObject(subject: Subject, request: Request): Promise<Listed | null> {
  const kind = subject.service === '' ? 'host' : 'service';
  const attrs = attributesOf(kind).map(name => `attrs=${name}`);
  try {
    const path = `/v1/objects/${kind}s/${encodeURIComponent(nameOf(subject))}?${attrs.join('&')}`;
    const [found] = checkables.parse(await request('GET', path)).results;
    return found === undefined ? null : listedOf(found.attrs);
  } catch (error) {
    // What the user may not see is answered otherwise.
    if (isCode(error, 'origin-refused') && error.message.includes('answered 404: No objects found')) return null;
    throw error;
  }
}

/** The type of the comment that an acknowledgement is. Source: Icinga 2, lib/icinga/comment.ti. */
const ofAcknowledgement = 4;

/** Who acknowledged it and with which words, as far as there is a comment. */
export async function readAcknowledgement(
  { host, service }: Subject,
  request: Request,
): Promise<{ author: string; text: string }> {
  const query = {
    attrs: ['author', 'text', 'entry_type'],
    filter: 'comment.host_name == tocsin_host && comment.service_name == tocsin_service',
    filter_vars: { tocsin_host: host, tocsin_service: service },
  };
  const { results } = comments.parse(await request('GET', '/v1/objects/comments', query));
  const found = results.map(({ attrs }) => attrs).findLast(one => one.entry_type === ofAcknowledgement);
  return { author: found?.author ?? '', text: found?.text ?? '' };
}

function attributesOf(kind: 'host' | 'service'): string[] {
  return attributes.filter(name => kind === 'service' || name !== 'host_name');
}

function listedOf(attrs: z.infer<typeof checkables>['results'][number]['attrs']): Listed {
  const isHost = attrs.host_name === '';
  return {
    host: isHost ? attrs.name : attrs.host_name,
    service: isHost ? '' : attrs.name,
    state: attrs.state,
    isHard: attrs.state_type === 1,
    output: attrs.last_check_result?.output ?? '',
    changedAt: attrs.last_state_change,
    hardAt: attrs.last_hard_state_change,
    isQuiet: attrs.downtime_depth > 0 || !attrs.last_reachable,
    isAcknowledged: attrs.acknowledgement !== 0,
  };
}
