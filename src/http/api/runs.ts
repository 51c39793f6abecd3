import { Readable } from 'node:stream';
import { z } from 'zod';
import { isCode, TocsinError } from '../../kernel/errors.ts';
import { nearest } from '../../kernel/nearest.ts';
import { digits } from '../../kernel/number.ts';
import type { Act } from '../../model/act.ts';
import { json, runState } from '../../model/run.ts';
import { runDoc, showRun } from '../docs.ts';
import { outputLines, outputText } from '../output.ts';
import type { HttpParts } from '../parts.ts';
import { defineRoute } from '../route.ts';
import { perform } from './act.ts';
import { found, id, nextPage, none, page, reason, refusals, withId } from './common.ts';

const startRun = defineRoute({
  method: 'POST',
  path: '/api/v1/runs',
  about:
    'Asks for a run. Policy decides: it starts, it waits for votes (state `waiting`), or it is refused with the decision.',
  params: none,
  query: none,
  body: z
    .strictObject({
      runbook: z.string().min(1).max(200),
      params: z.record(z.string().max(200), json).default({}),
      reason,
      alert: id.optional().meta({ description: 'The alert that it is for; its thread shows the run.' }),
    })
    .meta({ id: 'RunRequest' }),
  answers: { 202: { about: 'The run.', schema: runDoc }, ...refusals(400, 401, 403, 404, 409, 422, 503) },
  async handle({ body, who, parts }) {
    if (parts.draining()) throw new TocsinError('draining');
    const act: Act = {
      kind: 'run',
      runbook: body.runbook,
      params: body.params,
      alert: body.alert ?? null,
      reason: body.reason ?? null,
    };
    const answer = await perform(parts, who, act).catch(error => {
      throw explainRefusal(error, act, parts);
    });
    if (answer.run === undefined) throw new TocsinError('internal', { message: answer.text });
    return { status: 202, json: showRun(found(await parts.store.run(answer.run), 'run', answer.run)) };
  },
});

/** Adds what was allowed: the nearest runbook, or what each parameter takes. */
function explainRefusal(error: unknown, act: Extract<Act, { kind: 'run' }>, parts: HttpParts): unknown {
  const { runbooks } = parts.catalogue.current();
  if (isCode(error, 'runbook-unknown') && error.allowed === undefined) {
    const near = nearest(act.runbook, runbooks.keys());
    const allowed = near === null ? [...runbooks.keys()] : near;
    const remedy = near === null ? error.remedy : `Did you mean ${near}?`;
    // The refusal's own text is for chat, with all of its facts in one line.
    const message = `There is no runbook "${act.runbook}".`;
    return new TocsinError('runbook-unknown', { message, allowed, given: act.runbook, remedy });
  }
  if (!isCode(error, 'params-invalid') || error.allowed !== undefined) return error;
  try {
    runbooks.get(act.runbook)?.params.parse(act.params);
    return error;
  } catch (detailed) {
    return isCode(detailed, 'params-invalid') ? detailed : error;
  }
}

const listRuns = defineRoute({
  method: 'GET',
  path: '/api/v1/runs',
  about: 'Lists runs, newest first.',
  params: none,
  query: z.strictObject({
    state: runState.optional(),
    runbook: z.string().max(200).optional(),
    alert: id.optional(),
    ...page,
  }),
  body: null,
  answers: { 200: { about: 'The runs.', schema: z.array(runDoc) }, ...refusals(400, 401) },
  async handle({ query, parts }) {
    const { state, runbook, alert, limit, after } = query;
    const runs = await parts.store.runs({
      limit,
      ...(state && { states: [state] }),
      ...(runbook && { runbook }),
      ...(alert && { alert }),
      ...(after && { after }),
    });
    return { status: 200, json: runs.map(showRun), ...nextPage('/api/v1/runs', query, runs, limit) };
  },
});

const getRun = defineRoute({
  method: 'GET',
  path: '/api/v1/runs/{id}',
  about: 'Shows one run with its steps.',
  params: withId,
  query: none,
  body: null,
  answers: { 200: { about: 'The run.', schema: runDoc }, ...refusals(400, 401, 404) },
  async handle({ params, parts }) {
    return { status: 200, json: showRun(found(await parts.store.run(params.id), 'run', params.id)) };
  },
});

const getOutput = defineRoute({
  method: 'GET',
  path: '/api/v1/runs/{id}/output',
  about: 'The output of the steps so far, redacted: text, or with `Accept: application/x-ndjson` one chunk a line.',
  params: withId,
  query: z.strictObject({
    step: z.string().max(200).optional(),
    after: digits(z.int().min(0).default(0)).meta({ description: 'Only chunks after this seq.' }),
  }),
  body: null,
  answers: { 200: { about: 'The output.', schema: null, type: 'text/plain' }, ...refusals(400, 401, 404) },
  async handle({ params, query, parts, accept }) {
    const run = found(await parts.store.run(params.id), 'run', params.id);
    const which = { run: run.id, after: query.after, ...(query.step && { step: query.step }) };
    if (accept.includes('ndjson')) {
      return { status: 200, type: 'application/x-ndjson', stream: Readable.from(outputLines(parts.store, which)) };
    }
    const stream = Readable.from(outputText(parts.store, run, which));
    return { status: 200, type: 'text/plain; charset=utf-8', stream };
  },
});

const cancelRun = defineRoute({
  method: 'POST',
  path: '/api/v1/runs/{id}/cancel',
  about: 'Stops a run: its running step is stopped with all of its processes.',
  params: withId,
  query: none,
  body: z.strictObject({ reason }).default({}),
  answers: { 202: { about: 'The run.', schema: runDoc }, ...refusals(400, 401, 403, 404, 409) },
  async handle({ params, body, who, parts }) {
    found(await parts.store.run(params.id), 'run', params.id);
    await perform(parts, who, { kind: 'cancel', run: params.id, reason: body.reason ?? null });
    return { status: 202, json: showRun(found(await parts.store.run(params.id), 'run', params.id)) };
  },
});

const answerStep = defineRoute({
  method: 'POST',
  path: '/api/v1/runs/{id}/answer',
  about: 'Says what to do with a step whose outcome is unknown: retry, skip or abort.',
  params: withId,
  query: none,
  body: z.strictObject({
    step: z.string().max(200),
    choice: z.enum(['retry', 'skip', 'abort']),
    question: z.int().min(1).optional().meta({
      description: 'The number of the question that this answers, from the run. Left out: the present one.',
    }),
    reason,
  }),
  answers: { 202: { about: 'The run.', schema: runDoc }, ...refusals(400, 401, 403, 404, 409) },
  async handle({ params, body, who, parts }) {
    found(await parts.store.run(params.id), 'run', params.id);
    const { step, choice, question } = body;
    const which = question === undefined ? {} : { question };
    const act: Act = { kind: 'answer', run: params.id, step, choice, reason: body.reason ?? null, ...which };
    await perform(parts, who, act);
    return { status: 202, json: showRun(found(await parts.store.run(params.id), 'run', params.id)) };
  },
});

export const runRoutes = [startRun, listRuns, getRun, getOutput, cancelRun, answerStep];
