import { z } from 'zod';
import type { Clock } from '../../kernel/clock.ts';
import { isCode, TocsinError } from '../../kernel/errors.ts';
import { type OriginApi, requestOrigin } from '../../kernel/origin-request.ts';
import type { Alert } from '../../model/alert.ts';
import type { Labels } from '../../model/event.ts';
import { longest, timeOf } from '../../model/incoming.ts';
import { silenceComment, silenceMark } from '../../model/silence-mark.ts';
import type { OriginConnection, OriginSilence } from '../../ports/origin.ts';
import type { Requests } from './api.ts';
import { plainFilters } from './ask.ts';

/**
 * Silences of an API v2, as people make them here. An Alertmanager keeps what is posted with the id of an active silence under that id when
 * neither its matchers, in their order, nor its start differ; otherwise it ends the old one and makes another in the same step, so that
 * there is no gap. It moves a start in the past to its own now. Ended ones stay listed for days. A tab in a filter matches nothing. Sources:
 * Alertmanager api/v2/openapi.yaml and silence/silence.go; seen with 0.25.
 */
export interface SilencesParts {
  api: Requests;
  fetch: OriginApi['fetch'];
  clock: Pick<Clock, 'now'>;
  refusedKey: OriginApi['refusedKey'];
  /** What else its labels there are besides those that are told. */
  more?(alert: Alert): Labels;
}

const matcher = z.object({
  name: z.string(),
  value: z.string(),
  isRegex: z.boolean(),
  isEqual: z.boolean().default(true),
});
type Matcher = z.infer<typeof matcher>;

const listed = z.array(
  z.object({
    id: z.string(),
    createdBy: z.string(),
    comment: z.string().default(''),
    startsAt: z.string(),
    endsAt: z.string(),
    matchers: z.array(matcher),
    status: z.object({ state: z.string() }),
  }),
);
type Listed = z.infer<typeof listed>[number];

/** What ends so soon is not worth a silence, milliseconds. */
const least = 2000;
/** So much before now a silence begins, in case our clock is ahead of the origin's, milliseconds. */
const early = 5 * 60_000;

/** What was cut is shorter than the limit by less than so many characters: the note about the rest stands for characters. */
const cutBy = 100;

/** Both are idempotent: they look for the mark first, because an earlier attempt may have succeeded although its response was lost. */
export function silencesOf(parts: SilencesParts): Required<Pick<OriginConnection, 'silence' | 'unsilence'>> {
  const { name } = parts.api;
  const request = requesterOf(parts);

  async function findOwn(alert: Alert, marker: string): Promise<Listed[]> {
    const found = listed.parse(await request('GET', `silences?${plainFilters(alert)}`));
    return found.filter(one => one.status.state !== 'expired' && silenceMark(one.comment) === marker);
  }

  return {
    async silence(alert, wanted) {
      const now = parts.clock.now();
      if (wanted.until - now < least) return null;
      const matchers = matchersOf({ ...alert.labels, ...parts.more?.(alert) }, name);
      const [known, ...others] = (await findOwn(alert, wanted.marker)).sort((one, other) => endOf(other) - endOf(one));
      const isThere = known !== undefined && isAsWanted(known, wanted, matchers);
      if (!isThere) await post(known, wanted, matchers, now, request);
      // Two peers of a cluster may each have got one.
      for (const { id } of others) await request('DELETE', `silence/${encodeURIComponent(id)}`);
      if (isThere) return `It is silenced in ${name} already`;
      return known === undefined ? `Silenced it in ${name} too` : `Changed the silence in ${name} too`;
    },
    async unsilence(alert, marker) {
      const own = await findOwn(alert, marker);
      for (const { id } of own) await request('DELETE', `silence/${encodeURIComponent(id)}`);
      return own.length === 0 ? null : `Ended the silence in ${name} too`;
    },
  };
}

type Request = (method: 'GET' | 'POST' | 'DELETE', path: string, body?: object) => Promise<unknown>;

function requesterOf({ api, fetch, refusedKey }: SilencesParts): Request {
  return (method, path, body) =>
    requestOrigin(
      `${api.base}/${path}`,
      {
        method,
        headers: {
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...api.headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      },
      { name: api.name, fetch, refusedKey },
    );
}

async function post(
  known: Listed | undefined,
  wanted: OriginSilence,
  matchers: readonly Matcher[],
  now: number,
  request: Request,
): Promise<void> {
  const facts = {
    endsAt: new Date(wanted.until).toISOString(),
    createdBy: wanted.by,
    comment: silenceComment(wanted.reason, wanted.marker),
  };
  const fresh = { ...facts, matchers, startsAt: new Date(now - early).toISOString() };
  if (known === undefined) return void (await request('POST', 'silences', fresh));
  // In another order the matchers would be other ones.
  const kept = isSame(known.matchers, matchers) ? known.matchers : matchers;
  try {
    await request('POST', 'silences', { ...facts, id: known.id, matchers: kept, startsAt: known.startsAt });
  } catch (error) {
    if (!isCode(error, 'origin-refused') || error.given !== '404') throw error;
    await request('POST', 'silences', fresh);
  }
}

function isAsWanted(known: Listed, wanted: OriginSilence, matchers: readonly Matcher[]): boolean {
  return (
    Math.abs(endOf(known) - wanted.until) < 1000 &&
    known.createdBy === wanted.by &&
    known.comment === silenceComment(wanted.reason, wanted.marker) &&
    isSame(known.matchers, matchers)
  );
}

function endOf({ endsAt }: Listed): number {
  return timeOf(endsAt) ?? 0;
}

function isSame(one: readonly Matcher[], other: readonly Matcher[]): boolean {
  const keys = (all: readonly Matcher[]) =>
    all.map(({ name, value, isRegex, isEqual }) => JSON.stringify([name, value, isRegex, isEqual])).sort();
  return JSON.stringify(keys(one)) === JSON.stringify(keys(other));
}

/**
 * An exact matcher for each label. An alert with further labels is matched too: nothing can say "and no others". Labels that were cut or
 * were no Unicode match nothing, or other alerts, so there is no silence then; empty ones are none for an Alertmanager.
 */
function matchersOf(labels: Labels, name: string): Matcher[] {
  const all = Object.entries(labels).filter(([, value]) => value !== '');
  const whole = all.every(
    ([label, value]) =>
      label.length < longest.labelName - cutBy && value.length < longest.label - cutBy && !/\ufffd/.test(label + value),
  );
  if (!whole || all.length === 0 || Object.hasOwn(labels, 'tocsin_cut'))
    throw new TocsinError('origin-refused', {
      message: `It is not silenced in ${name}: its labels are not known whole, so a silence could match others.`,
      allowed: 'labels that fit',
    });
  return all
    .map(([label, value]) => ({ name: label, value, isRegex: false, isEqual: true }))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}
