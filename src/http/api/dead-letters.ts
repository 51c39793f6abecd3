import { z } from 'zod';
import type { Actor } from '../../model/actor.ts';
import { type Letter, letterState } from '../../model/letter.ts';
import type { HttpParts } from '../parts.ts';
import { type Answer, defineRoute } from '../route.ts';
import { perform } from './act.ts';
import { found, nextPage, none, page, reason, refusals, withId } from './common.ts';

const letterDoc = z
  .object({
    id: z.string(),
    source: z.string(),
    from: z.string().meta({ description: 'What it is: s3://bucket/key, or a message.' }),
    code: z.string().meta({ description: 'The kind of the cause.' }),
    because: z.string(),
    attempts: z.int(),
    state: letterState.meta({
      description: 'dead: nobody tries. retrying: somebody asked for another try. read, discarded: off the list.',
    }),
    canRedrive: z.boolean().meta({ description: 'False when there is nothing left to read.' }),
    firstAt: z.iso.datetime(),
    lastAt: z.iso.datetime(),
  })
  .meta({ id: 'DeadLetter' });

const path = '/api/v1/dead-letters';

const listLetters = defineRoute({
  method: 'GET',
  path,
  about: 'Lists what sources of records could not read, newest first.',
  params: none,
  query: z.strictObject({ state: letterState.optional(), source: z.string().max(200).optional(), ...page }),
  body: null,
  answers: { 200: { about: 'The dead letters.', schema: z.array(letterDoc) }, ...refusals(400, 401) },
  async handle({ query, parts }) {
    const { state, source, limit, after } = query;
    const letters = await parts.store.letters({
      limit,
      ...(state && { state }),
      ...(source && { source }),
      ...(after && { after }),
    });
    return { status: 200, json: letters.map(showLetter), ...nextPage(path, query, letters, limit) };
  },
});

const getLetter = defineRoute({
  method: 'GET',
  path: `${path}/{id}`,
  about: 'Shows one dead letter.',
  params: withId,
  query: none,
  body: null,
  answers: { 200: { about: 'The dead letter.', schema: letterDoc }, ...refusals(400, 401, 404) },
  handle: ({ params, parts }) => answerLetter(params.id, parts, 200),
});

const redriveLetter = defineRoute({
  method: 'POST',
  path: `${path}/{id}/redrive`,
  about: 'Asks for another try to read it. For operators.',
  params: withId,
  query: none,
  body: z.strictObject({ reason }).default({}),
  answers: { 202: { about: 'It will be read again.', schema: letterDoc }, ...refusals(400, 401, 403, 404, 409) },
  handle: ({ params, body, who, parts }) => actOnLetter('redrive', params.id, body.reason, who, parts),
});

const discardLetter = defineRoute({
  method: 'POST',
  path: `${path}/{id}/discard`,
  about: 'Takes it off the list unread. For operators.',
  params: withId,
  query: none,
  body: z.strictObject({ reason }).default({}),
  answers: { 202: { about: 'It is off the list.', schema: letterDoc }, ...refusals(400, 401, 403, 404, 409) },
  handle: ({ params, body, who, parts }) => actOnLetter('discard', params.id, body.reason, who, parts),
});

async function actOnLetter(
  kind: 'redrive' | 'discard',
  letter: string,
  why: string | null | undefined,
  who: Actor,
  parts: HttpParts,
): Promise<Answer> {
  await perform(parts, who, { kind, letter, reason: why ?? null });
  return await answerLetter(letter, parts, 202);
}

async function answerLetter(id: string, { store }: HttpParts, status: 200 | 202): Promise<Answer> {
  return { status, json: showLetter(found(await store.letter(id), 'dead letter', id)) };
}

function showLetter({ again, version: _, firstAt, lastAt, ...letter }: Letter): z.infer<typeof letterDoc> {
  const times = { firstAt: new Date(firstAt).toISOString(), lastAt: new Date(lastAt).toISOString() };
  return { ...letter, canRedrive: again !== null && letter.state === 'dead', ...times };
}

export const deadLetterRoutes = [listLetters, getLetter, redriveLetter, discardLetter];
