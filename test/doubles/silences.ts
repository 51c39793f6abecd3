import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';

/** A silence as API v2 has it; times in milliseconds. */
export interface HeldSilence {
  createdBy: string;
  comment: string;
  endsAt: number;
  startsAt?: number;
  matchers?: Matcher[];
}

const matcher = z.strictObject({
  name: z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/),
  value: z.string(),
  isRegex: z.literal(false),
  isEqual: z.literal(true),
});
type Matcher = z.infer<typeof matcher>;

const postable = z.strictObject({
  id: z.string().optional(),
  matchers: z.array(matcher).min(1),
  startsAt: z.iso.datetime(),
  endsAt: z.iso.datetime(),
  createdBy: z.string().min(1),
  comment: z.string(),
});

/** Silences of an Alertmanager 0.25, as it was seen to keep, replace and end them. */
export interface SilencesDouble {
  silences: Map<string, HeldSilence>;
  /** Bodies that were posted and taken, in order. */
  posted: unknown[];
  /** What the next requests to write get instead: `lost` has its effect and breaks the connection. */
  faults: ('lost' | number)[];
}

export function isActive({ startsAt = 0, endsAt }: HeldSilence, now: number): boolean {
  return startsAt <= now && endsAt > now;
}

export function matches({ matchers = [] }: HeldSilence, labels: Record<string, string>): boolean {
  return matchers.length > 0 && matchers.every(({ name, value }) => (labels[name] ?? '') === value);
}

/** Answers requests for silences; false for any other. */
export async function answerSilences(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  double: SilencesDouble,
  now: () => number,
): Promise<boolean> {
  const [, id] = /^\/api\/v2\/silence\/([0-9a-z-]+)$/.exec(url.pathname) ?? [];
  const isList = url.pathname === '/api/v2/silences';
  if (!isList && (id === undefined || request.method !== 'DELETE')) return false;
  if (isList && request.method === 'GET') {
    send(response, 200, listOf(url, double, now()));
    return true;
  }
  let text = '';
  for await (const chunk of request) text += chunk;
  const fault = double.faults.shift();
  if (typeof fault === 'number') {
    send(response, fault, 'refused by the double');
    return true;
  }
  const { status, body } = isList ? take(text, double, now()) : end(id ?? '', double, now());
  if (fault === 'lost') response.destroy();
  else send(response, status, body);
  return true;
}

function listOf(url: URL, double: SilencesDouble, now: number): object[] {
  const filters = url.searchParams.getAll('filter').map(filter => {
    const [, name = '', value = ''] = /^([^=]+)=(".*")$/.exec(filter) ?? [];
    return { name, value: String(JSON.parse(value)) };
  });
  return [...double.silences].flatMap(([id, silence]) => {
    const { matchers = [], startsAt = 0, endsAt, createdBy, comment } = silence;
    // A filter with a tab in its value matches nothing.
    const meant = filters.every(
      one => !/\t/.test(one.value) && matchers.some(({ name, value }) => name === one.name && value === one.value),
    );
    const state = isActive(silence, now) ? 'active' : endsAt <= now ? 'expired' : 'pending';
    const times = { startsAt: iso(startsAt), endsAt: iso(endsAt), updatedAt: iso(startsAt) };
    return meant ? [{ id, status: { state }, createdBy, comment, matchers, ...times }] : [];
  });
}

function take(text: string, double: SilencesDouble, now: number): { status: number; body: unknown } {
  const { id, startsAt, endsAt, ...rest } = postable.parse(JSON.parse(text));
  const wanted = { ...rest, startsAt: Date.parse(startsAt), endsAt: Date.parse(endsAt) };
  if (wanted.endsAt <= wanted.startsAt || wanted.endsAt < now)
    return { status: 400, body: 'Failed to create silence: end time is wrong' };
  const known = id === undefined ? undefined : double.silences.get(id);
  if (id !== undefined && known === undefined) return { status: 404, body: 'silence not found' };
  double.posted.push(JSON.parse(text));
  const seconds = (at = 0) => Math.floor(at / 1000);
  const same =
    known !== undefined &&
    isActive(known, now) &&
    JSON.stringify(known.matchers) === JSON.stringify(wanted.matchers) &&
    seconds(known.startsAt) === seconds(wanted.startsAt);
  const at = same && id !== undefined ? id : `5ilence-${double.silences.size + 1}`;
  if (known !== undefined && !same) known.endsAt = Math.min(known.endsAt, now);
  double.silences.set(at, { ...wanted, startsAt: same ? wanted.startsAt : Math.max(now, wanted.startsAt) });
  return { status: 200, body: { silenceID: at } };
}

/** Of one that is not there 0.25 says 500. */
function end(id: string, double: SilencesDouble, now: number): { status: number; body: unknown } {
  const known = double.silences.get(id);
  if (known === undefined) return { status: 500, body: 'silence not found' };
  known.endsAt = Math.min(known.endsAt, now);
  return { status: 200, body: '' };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(body === '' ? '' : JSON.stringify(body));
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
