import { z } from 'zod';
import { duration } from '../../kernel/duration.ts';
import { TocsinError } from '../../kernel/errors.ts';
import { digits } from '../../kernel/number.ts';
import { type Actor, identityOf } from '../../model/actor.ts';
import type { Recording } from '../../model/recording.ts';
import type { HttpParts } from '../parts.ts';
import { defineRoute } from '../route.ts';
import {
  deliveryDoc,
  recordingDoc,
  showDelivery,
  showRecording,
  showSource,
  showSourceDetail,
  sourceDetailDoc,
  sourceDoc,
} from '../source-docs.ts';
import { perform } from './act.ts';
import { found, none, reason, refusals, withId } from './common.ts';

const withName = z.strictObject({ name: z.string().min(1).max(63).meta({ description: 'As in tocsin.yaml.' }) });

const listSources = defineRoute({
  method: 'GET',
  path: '/api/v1/sources',
  about: 'Lists the sources of tocsin.yaml, with how often what became of deliveries.',
  params: none,
  query: none,
  body: null,
  answers: { 200: { about: 'The sources.', schema: z.array(sourceDoc) }, ...refusals(401) },
  async handle({ parts }) {
    const counts = await parts.store.deliveryCounts();
    const { host } = parts;
    const json = host.sources().map(one => showSource(one, host.source(one.name)?.url ?? null, counts));
    return { status: 200, json };
  },
});

const getSource = defineRoute({
  method: 'GET',
  path: '/api/v1/sources/{name}',
  about: 'Shows one source: what to do at its sender, and its options without secrets.',
  params: withName,
  query: none,
  body: null,
  answers: { 200: { about: 'The source.', schema: sourceDetailDoc }, ...refusals(400, 401, 404) },
  async handle({ params: { name }, parts }) {
    const source = found(parts.host.source(name), 'source', name);
    return { status: 200, json: showSourceDetail(source, await parts.store.deliveryCounts(name)) };
  },
});

const listDeliveries = defineRoute({
  method: 'GET',
  path: '/api/v1/sources/{name}/deliveries',
  about: 'Lists what became of the last deliveries to a source, newest first; also of those that were refused.',
  params: withName,
  query: none,
  body: null,
  answers: { 200: { about: 'The deliveries.', schema: z.array(deliveryDoc) }, ...refusals(400, 401, 404) },
  async handle({ params: { name }, parts }) {
    found(parts.host.source(name), 'source', name);
    return { status: 200, json: (await parts.store.deliveries(name)).map(showDelivery) };
  },
});

const testSource = defineRoute({
  method: 'POST',
  path: '/api/v1/sources/{name}/test',
  about: 'Delivers an example of the source to it, as a test for which nothing is decided. For operators.',
  params: withName,
  query: none,
  body: null,
  answers: {
    200: { about: 'It was taken.', schema: z.object({ text: z.string() }) },
    ...refusals(400, 401, 403, 404, 409),
  },
  async handle({ params: { name }, who, parts }) {
    const { text } = await perform(parts, who, { kind: 'test', source: name });
    return { status: 200, json: { text } };
  },
});

const record = defineRoute({
  method: 'POST',
  path: '/api/v1/sources/{name}/recordings',
  about:
    'Keeps the next deliveries of a source without their secrets, until they came or the time is over. For operators.',
  params: withName,
  query: none,
  body: z
    .strictObject({
      deliveries: z.int().min(1).max(20).default(1).meta({ description: 'How many.' }),
      for: duration
        .refine(ms => ms >= 1000 && ms <= 3_600_000, 'from 1s to 1h')
        .default(600_000)
        .meta({ description: 'How long to wait, with a unit: 10m; 1h at most.' }),
      unproven: z
        .boolean()
        .default(false)
        .meta({ description: 'Also those of senders that did not prove themselves.' }),
      reason,
    })
    .prefault({}),
  answers: {
    201: { about: 'It began; fetch it by its id.', schema: recordingDoc },
    ...refusals(400, 401, 403, 404, 409),
  },
  async handle({ params: { name }, body, who, parts }) {
    const { deliveries, unproven } = body;
    const act = { kind: 'record', source: name, deliveries, duration: body.for, unproven } as const;
    const { recording = '' } = await perform(parts, who, { ...act, reason: body.reason ?? null });
    return { status: 201, json: await read(await ofCaller(recording, who, parts), parts) };
  },
});

const getRecording = defineRoute({
  method: 'GET',
  path: '/api/v1/recordings/{id}',
  about: 'Shows a recording with what it kept. For who asked for it.',
  params: withId,
  query: z.strictObject({
    after: digits(z.int().min(0).default(0)).meta({ description: 'Only deliveries after this number.' }),
  }),
  body: null,
  answers: { 200: { about: 'The recording.', schema: recordingDoc }, ...refusals(400, 401, 403, 404) },
  handle: async ({ params, query, who, parts }) => ({
    status: 200,
    json: await read(await ofCaller(params.id, who, parts), parts, query.after),
  }),
});

const deleteRecording = defineRoute({
  method: 'DELETE',
  path: '/api/v1/recordings/{id}',
  about: 'Deletes a recording with what it kept. For operators.',
  params: withId,
  query: none,
  body: null,
  answers: {
    200: { about: 'It is deleted.', schema: z.object({ text: z.string() }) },
    ...refusals(400, 401, 403, 404),
  },
  async handle({ params, who, parts }) {
    const { text } = await perform(parts, who, { kind: 'unrecord', recording: params.id });
    return { status: 200, json: { text } };
  },
});

/** What was recorded is for who asked for it: it is what somebody else's system wrote, whole. */
async function ofCaller(id: string, who: Actor, { store }: HttpParts): Promise<Recording> {
  const recording = found((await store.recordings()).find(one => one.id === id) ?? null, 'recording', id);
  if (recording.by === identityOf(who)) return recording;
  throw new TocsinError('forbidden', { message: 'A recording is shown to who asked for it, and to nobody else.' });
}

async function read(
  recording: Recording,
  { store, clock }: HttpParts,
  after = 0,
): Promise<z.infer<typeof recordingDoc>> {
  // The time is read first: what comes between is then still open.
  const now = clock.now();
  return showRecording(recording, await store.recorded(recording.id), now, after);
}

export const sourceRoutes = [listSources, getSource, listDeliveries, testSource, record, getRecording, deleteRecording];
