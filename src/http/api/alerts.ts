import { z } from 'zod';
import { alertState } from '../../model/alert.ts';
import { alertDoc, showAlert } from '../docs.ts';
import type { HttpParts } from '../parts.ts';
import { defineRoute } from '../route.ts';
import { found, nextPage, none, page, refusals, withId } from './common.ts';

/** How many runs an alert names. */
const runsShown = 50;

const listAlerts = defineRoute({
  method: 'GET',
  path: '/api/v1/alerts',
  about: 'Lists alerts, newest first.',
  params: none,
  query: z.strictObject({ state: alertState.optional(), ...page }),
  body: null,
  answers: { 200: { about: 'The alerts.', schema: z.array(alertDoc) }, ...refusals(400, 401) },
  async handle({ query, parts }) {
    const { state, limit, after } = query;
    const alerts = await parts.store.alerts({ limit, ...(state && { state }), ...(after && { after }) });
    const json = await Promise.all(alerts.map(async alert => showAlert(alert, await runsOf(alert.id, parts))));
    return { status: 200, json, ...nextPage('/api/v1/alerts', query, alerts, limit) };
  },
});

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

async function runsOf(alert: string, { store }: HttpParts): Promise<string[]> {
  const runs = await store.runs({ alert, limit: runsShown });
  return runs.map(run => run.id);
}

export const alertRoutes = [listAlerts, getAlert];
