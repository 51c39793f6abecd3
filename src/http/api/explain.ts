import { z } from 'zod';
import { explanationDoc, gateExplanationDoc } from '../docs.ts';
import { defineRoute } from '../route.ts';
import { found, none, refusals, withId } from './common.ts';
import { checkReader, gateOf } from './gates.ts';

const explainEvent = defineRoute({
  method: 'GET',
  path: '/api/v1/explain/{id}',
  about:
    'For an event, an alert or a run: every runbook with the clause that held or failed, every rule, and what would be decided now; for a run that somebody started, also what was decided then. For a gate: every rule with the clause that failed, what is known to be bad, the decision then and now.',
  params: withId,
  query: none,
  body: null,
  answers: {
    200: { about: 'The explanation.', schema: z.union([explanationDoc, gateExplanationDoc]) },
    ...refusals(400, 401, 403, 404),
  },
  async handle({ params: { id }, who, parts }) {
    if (id.startsWith('gat_')) {
      checkReader(who, await gateOf(id, parts), parts);
      return { status: 200, json: found(await parts.host.explainGate(id), 'question of a gate', id) };
    }
    const { runbooks, ...rest } = found(await parts.host.explain(id), 'event, alert, run or gate', id);
    // The parameters are for forms.
    return { status: 200, json: { ...rest, runbooks: runbooks.map(({ params: _, ...one }) => one) } };
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
