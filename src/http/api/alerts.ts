import { z } from 'zod';
import { duration } from '../../kernel/duration.ts';
import { TocsinError } from '../../kernel/errors.ts';
import type { Act } from '../../model/act.ts';
import type { Actor } from '../../model/actor.ts';
import { type AlertState, alertState } from '../../model/alert.ts';
import { streamOf } from '../../model/journal.ts';
import { readEvidence } from '../../model/records/records.ts';
import { longestSearch, parseSearch, type SearchTerm } from '../../model/search/parse.ts';
import { alertWords, explainSearch } from '../../model/search/words.ts';
import { alertDoc, showAlert } from '../docs.ts';
import type { HttpParts } from '../parts.ts';
import { type Answer, defineRoute } from '../route.ts';
import { perform } from './act.ts';
import { found, nextPage, none, page, reason, refusals, withId } from './common.ts';

/** How many runs an alert names. */
const runsShown = 50;

const listAlerts = defineRoute({
  method: 'GET',
  path: '/api/v1/alerts',
  about: 'Lists alerts, newest first, also by a search as on the page of alerts.',
  params: none,
  query: z.strictObject({
    state: alertState.optional(),
    q: z.string().max(longestSearch).optional().meta({
      description:
        'A search such as `severity:critical cluster=eu-1 age>1h`; what does not parse is refused with its place.',
    }),
    ...page,
  }),
  body: null,
  answers: { 200: { about: 'The alerts.', schema: z.array(alertDoc) }, ...refusals(400, 401) },
  async handle({ query, parts }) {
    const { state, q, limit, after } = query;
    const page = { limit, ...(after && { after }) };
    const alerts =
      q === undefined
        ? await parts.store.alerts({ ...page, ...(state && { state }) })
        : await parts.store.findAlerts({ ...page, terms: termsOf(q, state), now: parts.clock.now() });
    const json = await Promise.all(alerts.map(async alert => showAlert(alert, await runsOf(alert.id, parts))));
    return { status: 200, json, ...nextPage('/api/v1/alerts', query, alerts, limit) };
  },
});

function termsOf(q: string, state: AlertState | undefined): SearchTerm[] {
  const result = parseSearch(q, alertWords);
  if (result.ok)
    return state === undefined
      ? [...result.terms]
      : [...result.terms, { kind: 'key', not: false, key: 'state', values: [state] }];
  const { at, near } = result.problem;
  throw new TocsinError('bad-request', {
    message: explainSearch(result) ?? '',
    at: `q, character ${at + 1}`,
    given: q,
    ...(near === null ? {} : { allowed: near }),
  });
}

const getAlert = defineRoute({
  method: 'GET',
  path: '/api/v1/alerts/{id}',
  about: 'Shows one alert.',
  params: withId,
  query: none,
  body: null,
  answers: { 200: { about: 'The alert.', schema: alertDoc }, ...refusals(400, 401, 404) },
  async handle({ params, parts }) {
    const alert = found(await parts.store.alert(params.id), 'alert', params.id);
    return { status: 200, json: showAlert(alert, await runsOf(alert.id, parts)) };
  },
});

const evidenceDoc = z.object({
  from: z.string().meta({ description: 'The object, request or peer that it came from.' }),
  place: z.int().meta({ description: 'Which record it was there, from 1.' }),
  at: z.int().meta({ description: 'When it happened, milliseconds since the epoch.' }),
  record: z.string().meta({ description: 'As it was written, cut, secrets taken out.' }),
});

const getEvidence = defineRoute({
  method: 'GET',
  path: '/api/v1/alerts/{id}/evidence',
  about:
    'Shows the first raw records that made an alert fire, of its newest firing. Empty for an alert that is not of raw records.',
  params: withId,
  query: none,
  body: null,
  answers: {
    200: { about: 'The records, the earliest first.', schema: z.array(evidenceDoc) },
    ...refusals(400, 401, 404),
  },
  async handle({ params, parts }) {
    const alert = found(await parts.store.alert(params.id), 'alert', params.id);
    const source = parts.catalogue.current().sources.get(alert.source);
    if (source?.driver.records === undefined) return { status: 200, json: [] };
    const firings = (await parts.store.stream(streamOf.alert(alert.id))).flatMap(({ fact }) =>
      fact.kind === 'event.accepted' && fact.event.body.kind === 'alert' && fact.event.body.state === 'firing'
        ? [fact.event.raw]
        : [],
    );
    const raw = firings.findLast(digest => digest !== null) ?? null;
    const bytes = raw === null ? null : await parts.store.blob(raw);
    return { status: 200, json: bytes === null ? [] : readEvidence(Buffer.from(bytes).toString()) };
  },
});

async function runsOf(alert: string, { store }: HttpParts): Promise<string[]> {
  const runs = await store.runs({ alert, limit: runsShown });
  return runs.map(run => run.id);
}

const lasting = duration.meta({ description: 'For how long, with a unit: 30m, 2h or 1d; at most 30d.' });
const changed = { 200: { about: 'The alert afterwards.', schema: alertDoc } };

const acknowledgeAlert = defineRoute({
  method: 'POST',
  path: '/api/v1/alerts/{id}/acknowledge',
  about: 'Acknowledges an alert, until its episode ends or for a time.',
  params: withId,
  query: none,
  body: z.strictObject({ for: lasting.optional(), reason }).default({}),
  answers: { ...changed, ...refusals(400, 401, 403, 404, 409) },
  async handle({ params, body, who, parts }) {
    const time = body.for === undefined ? {} : { duration: body.for };
    const act = { kind: 'acknowledge', alert: params.id, reason: body.reason ?? null, ...time } as const;
    return await actOnAlert(act, who, parts);
  },
});

const unacknowledgeAlert = defineRoute({
  method: 'DELETE',
  path: '/api/v1/alerts/{id}/acknowledge',
  about: 'Takes the acknowledgement back.',
  params: withId,
  query: none,
  body: null,
  answers: { ...changed, ...refusals(400, 401, 403, 404, 409) },
  handle: ({ params, who, parts }) => actOnAlert({ kind: 'unacknowledge', alert: params.id }, who, parts),
});

const silenceAlert = defineRoute({
  method: 'POST',
  path: '/api/v1/alerts/{id}/silence',
  about: 'Silences an alert for a time: nothing starts by itself for it.',
  params: withId,
  query: none,
  body: z.strictObject({ for: lasting, reason }),
  answers: { ...changed, ...refusals(400, 401, 403, 404, 409) },
  handle: ({ params, body, who, parts }) =>
    actOnAlert({ kind: 'silence', alert: params.id, duration: body.for, reason: body.reason ?? null }, who, parts),
});

const unsilenceAlert = defineRoute({
  method: 'DELETE',
  path: '/api/v1/alerts/{id}/silence',
  about: 'Ends a silence before its time.',
  params: withId,
  query: none,
  body: null,
  answers: { ...changed, ...refusals(400, 401, 403, 404, 409) },
  handle: ({ params, who, parts }) => actOnAlert({ kind: 'unsilence', alert: params.id }, who, parts),
});

const closeAlert = defineRoute({
  method: 'POST',
  path: '/api/v1/alerts/{id}/close',
  about: 'Closes an alert that is over although its source does not say so. For operators.',
  params: withId,
  query: none,
  body: z.strictObject({
    reason: z.string().trim().min(1).max(2000).meta({ description: 'Why it is over, for the thread and the journal.' }),
  }),
  answers: { ...changed, ...refusals(400, 401, 403, 404, 409) },
  handle: ({ params, body, who, parts }) =>
    actOnAlert({ kind: 'close', alert: params.id, reason: body.reason }, who, parts),
});

async function actOnAlert(act: Act & { alert: string }, who: Actor, parts: HttpParts): Promise<Answer> {
  await perform(parts, who, act);
  const alert = found(await parts.store.alert(act.alert), 'alert', act.alert);
  return { status: 200, json: showAlert(alert, await runsOf(alert.id, parts)) };
}

export const alertRoutes = [
  listAlerts,
  getAlert,
  getEvidence,
  acknowledgeAlert,
  unacknowledgeAlert,
  silenceAlert,
  unsilenceAlert,
  closeAlert,
];
