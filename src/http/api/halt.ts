import { z } from 'zod';
import type { HttpParts } from '../parts.ts';
import { defineRoute } from '../route.ts';
import { perform } from './act.ts';
import { none, reason, refusals } from './common.ts';

const haltDoc = z
  .object({
    halted: z.boolean(),
    by: z.string().nullable(),
    reason: z.string().nullable(),
    at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Halt' });

const getHalt = defineRoute({
  method: 'GET',
  path: '/api/v1/halt',
  about: 'Tells whether everything is halted.',
  params: none,
  query: none,
  body: null,
  answers: { 200: { about: 'The kill switch.', schema: haltDoc }, ...refusals(401) },
  handle: async ({ parts }) => ({ status: 200, json: await showHalt(parts) }),
});

const setHalt = defineRoute({
  method: 'PUT',
  path: '/api/v1/halt',
  about: 'The kill switch: no step starts until it is taken back.',
  params: none,
  query: none,
  body: z.strictObject({ reason }).default({}),
  answers: { 200: { about: 'It is set.', schema: haltDoc }, ...refusals(400, 401, 403) },
  async handle({ body, who, parts }) {
    await perform(parts, who, { kind: 'halt', reason: body.reason ?? 'no reason given' });
    return { status: 200, json: await showHalt(parts) };
  },
});

const clearHalt = defineRoute({
  method: 'DELETE',
  path: '/api/v1/halt',
  about: 'Takes the halt back.',
  params: none,
  query: none,
  body: z.strictObject({ reason }).default({}),
  answers: { 200: { about: 'It is taken back.', schema: haltDoc }, ...refusals(400, 401, 403) },
  async handle({ body, who, parts }) {
    await perform(parts, who, { kind: 'resume', reason: body.reason ?? 'no reason given' });
    return { status: 200, json: await showHalt(parts) };
  },
});

async function showHalt(parts: HttpParts): Promise<z.infer<typeof haltDoc>> {
  const halt = await parts.store.halted();
  if (halt === null) return { halted: false, by: null, reason: null, at: null };
  return { halted: true, by: halt.by, reason: halt.reason, at: new Date(halt.at).toISOString() };
}

export const haltRoutes = [getHalt, setHalt, clearHalt];
