import { z } from 'zod';
import { TocsinError } from '../../kernel/errors.ts';
import { card } from '../../model/card.ts';
import { defineRoute } from '../route.ts';
import { none, refusals, withId } from './common.ts';

const explainEvent = defineRoute({
  method: 'GET',
  path: '/api/v1/explain/{id}',
  about:
    'For an event or an alert: every runbook and rule, and the clause that held or failed. What the chat command `explain` shows.',
  params: withId,
  query: none,
  body: null,
  answers: { 200: { about: 'The explanation as a card.', schema: card }, ...refusals(400, 401, 404) },
  async handle({ params, who, parts }) {
    const context = { platform: 'http', channel: null, alert: null, run: null };
    const answer = await parts.host.command(who, `explain ${params.id}`, context);
    if (!answer.ok) throw new TocsinError('not-found', { message: answer.text, given: params.id });
    return { status: 200, json: answer.card };
  },
});

/** What the loaded files offer: for scripts and completion. */
const listRunbooks = defineRoute({
  method: 'GET',
  path: '/api/v1/runbooks',
  about: 'Lists the loaded runbooks with their parameters.',
  params: none,
  query: none,
  body: null,
  answers: {
    200: {
      about: 'The runbooks.',
      schema: z.array(
        z.object({
          id: z.string(),
          title: z.string(),
          about: z.string(),
          risk: z.string(),
          kind: z.enum(['yaml', 'ts']),
          on: z.array(z.string()),
          params: z.array(
            z.object({
              name: z.string(),
              type: z.string(),
              about: z.string(),
              required: z.boolean(),
              default: z.string().nullable(),
              options: z.array(z.string()),
            }),
          ),
        }),
      ),
    },
    ...refusals(401),
  },
  async handle({ parts }) {
    const { runbooks } = parts.host.catalogue();
    const json = runbooks.map(({ id, title, about, risk, kind, on, params }) => ({
      id,
      title,
      about,
      risk,
      kind,
      on,
      params,
    }));
    return { status: 200, json };
  },
});

export const explainRoutes = [explainEvent, listRunbooks];
