import { z } from 'zod';
import { parseDuration } from '../../kernel/duration.ts';
import { badThing, blocks, type KnownBad, thingText } from '../../model/gates/known-bad.ts';
import type { HttpParts } from '../parts.ts';
import { defineRoute } from '../route.ts';
import { perform } from './act.ts';
import { found, id, nextPage, none, page, refusals, withId } from './common.ts';

const iso = z.iso.datetime();
const path = '/api/v1/known-bad';

const entryDoc = z
  .object({
    id: z.string(),
    what: z.string().meta({ description: 'What it names, for people.' }),
    thing: badThing,
    reason: z.string(),
    by: z.string().meta({ description: 'Who put it there, by identity.' }),
    alert: z.string().nullable(),
    blocks,
    until: iso.nullable(),
    state: z.enum(['open', 'ended']).meta({ description: 'ended: somebody took it off the list.' }),
    createdAt: iso,
  })
  .meta({ id: 'KnownBad' });

function showEntry({ until, createdAt, version: _, ...entry }: KnownBad): z.infer<typeof entryDoc> {
  return {
    ...entry,
    what: thingText(entry.thing),
    until: until === null ? null : new Date(until).toISOString(),
    createdAt: new Date(createdAt).toISOString(),
  };
}

async function entryOf(of: string, { store }: HttpParts): Promise<KnownBad> {
  return found(await store.document('known-bad', of), 'entry', of);
}

const lasting = z
  .string()
  .transform((text, context) => {
    const value = parseDuration(text);
    if (value !== null) return value;
    context.addIssue({ code: 'custom', message: 'a time with its unit, such as 7d' });
    return z.NEVER;
  })
  .meta({ description: 'For how long, such as 7d; without an end when left out.' });

const addEntry = defineRoute({
  method: 'POST',
  path,
  about:
    'Puts an image, a commit or a package on the list of what no gate lets through, and ends what was allowed of it. For operators.',
  params: none,
  query: none,
  body: z
    .strictObject({
      what: z.string().max(1000).optional().meta({
        description:
          'sha256:… of an image, the full id of a commit, or a purl with its version; what the alert is about when left out.',
      }),
      alert: id.optional().meta({ description: 'The incident that it comes from.' }),
      reason: z.string().min(1).max(500),
      for: lasting.optional(),
      blocks: blocks.default('rollout'),
    })
    .meta({ id: 'KnownBadRequest' }),
  answers: { 201: { about: 'The entry.', schema: entryDoc }, ...refusals(400, 401, 403, 404, 409) },
  async handle({ body, who, parts }) {
    const { what = null, alert = null, reason } = body;
    const act = { kind: 'ban', what, alert, reason, duration: body.for ?? null, blocks: body.blocks } as const;
    const answer = await perform(parts, who, act);
    return { status: 201, json: showEntry(await entryOf(answer.entry ?? '', parts)) };
  },
});

const listEntries = defineRoute({
  method: 'GET',
  path,
  about: 'Lists what people put on the list, newest first. What known-bad.yaml and feeds say is not in it.',
  params: none,
  query: z.strictObject({ state: z.enum(['open', 'ended']).optional(), ...page }),
  body: null,
  answers: { 200: { about: 'The entries.', schema: z.array(entryDoc) }, ...refusals(400, 401) },
  async handle({ query, parts }) {
    const { state, limit, after } = query;
    const entries = await parts.store.documents('known-bad', {
      limit,
      ...(state && { state }),
      ...(after && { after }),
    });
    return { status: 200, json: entries.map(showEntry), ...nextPage(path, query, entries, limit) };
  },
});

const endEntry = defineRoute({
  method: 'DELETE',
  path: `${path}/{id}`,
  about: 'Takes an entry off the list. What it ended stays ended. For operators.',
  params: withId,
  query: none,
  body: z.strictObject({ reason: z.string().min(1).max(500) }).meta({ id: 'KnownBadEnd' }),
  answers: { 200: { about: 'The entry.', schema: entryDoc }, ...refusals(400, 401, 403, 404) },
  async handle({ params, body, who, parts }) {
    await perform(parts, who, { kind: 'unban', entry: params.id, reason: body.reason });
    return { status: 200, json: showEntry(await entryOf(params.id, parts)) };
  },
});

export const knownBadRoutes = [addEntry, listEntries, endEntry];
