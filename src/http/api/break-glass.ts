import { z } from 'zod';
import { parseDuration } from '../../kernel/duration.ts';
import type { GlassWindow } from '../../model/ledger/window.ts';
import type { HttpParts } from '../parts.ts';
import { defineRoute } from '../route.ts';
import { perform } from './act.ts';
import { found, nextPage, none, page, reason, refusals, withId } from './common.ts';

const iso = z.iso.datetime();
const states = z.enum(['open', 'ended', 'closed']);

const windowDoc = z
  .object({
    id: z.string(),
    person: z.string(),
    reason: z.string(),
    state: states.meta({ description: '`ended`: its time is over; `closed`: what was done in it is listed.' }),
    because: z.string().nullable().meta({ description: 'Why it ended; null while it is open.' }),
    permit: z.string(),
    openedAt: iso,
    until: iso.meta({ description: 'When it ends, or ended.' }),
    changes: z.array(z.string()).meta({ description: 'What was done in it, the newest 100, once it is closed.' }),
    more: z.int().meta({ description: 'How many changes there are besides.' }),
  })
  .meta({ id: 'BreakGlassWindow' });

function showWindow({ version: _, listAt: __, openedAt, until, ...window }: GlassWindow): z.infer<typeof windowDoc> {
  return { ...window, openedAt: new Date(openedAt).toISOString(), until: new Date(until).toISOString() };
}

async function windowOf(of: string, { store }: HttpParts): Promise<z.infer<typeof windowDoc>> {
  return showWindow(found(await store.document('break-glass', of), 'break-glass window', of));
}

const time = z
  .string()
  .transform((text, context) => {
    const duration = parseDuration(text);
    if (duration !== null && duration >= 1000) return duration;
    context.addIssue({ code: 'custom', message: 'a time such as 30m' });
    return z.NEVER;
  })
  .meta({ description: 'For how long: 30m. As long as changes.yaml lets it be when left out.' });

const openWindow = defineRoute({
  method: 'POST',
  path: '/api/v1/break-glass',
  about:
    'Opens a window in which the own principals of the person whose token it is may change things without another permit. Everybody is told.',
  params: none,
  query: none,
  body: z.strictObject({ reason: z.string().min(1).max(1000), for: time.optional() }).meta({ id: 'BreakGlassRequest' }),
  answers: { 200: { about: 'The window.', schema: windowDoc }, ...refusals(400, 401, 403, 409) },
  async handle({ body, who, parts }) {
    const duration = body.for === undefined ? {} : { duration: body.for };
    const answer = await perform(parts, who, { kind: 'break-glass', reason: body.reason, ...duration });
    return { status: 200, json: await windowOf(answer.window ?? '', parts) };
  },
});

const listWindows = defineRoute({
  method: 'GET',
  path: '/api/v1/break-glass',
  about: 'Lists break-glass windows, newest first.',
  params: none,
  query: z.strictObject({ state: states.optional(), ...page }),
  body: null,
  answers: { 200: { about: 'The windows.', schema: z.array(windowDoc) }, ...refusals(400, 401) },
  async handle({ query, parts }) {
    const { state, limit, after } = query;
    const windows = await parts.store.documents('break-glass', {
      limit,
      ...(state && { state }),
      ...(after && { after }),
    });
    return { status: 200, json: windows.map(showWindow), ...nextPage('/api/v1/break-glass', query, windows, limit) };
  },
});

const endWindow = defineRoute({
  method: 'DELETE',
  path: '/api/v1/break-glass/{id}',
  about: 'Ends a window before its time: the own one, or as an operator that of somebody else.',
  params: withId,
  query: none,
  body: z.strictObject({ reason }).default({}),
  answers: { 200: { about: 'The window.', schema: windowDoc }, ...refusals(400, 401, 403, 404, 409) },
  async handle({ params, body, who, parts }) {
    await perform(parts, who, { kind: 'break-glass-end', window: params.id, reason: body.reason ?? null });
    return { status: 200, json: await windowOf(params.id, parts) };
  },
});

export const breakGlassRoutes = [openWindow, listWindows, endWindow];
