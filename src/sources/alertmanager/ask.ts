import { z } from 'zod';
import type { Alert } from '../../model/alert.ts';
import { timeOf } from '../../model/incoming.ts';
import type { Sight } from '../../model/look.ts';
import type { AskTools } from '../../ports/source.ts';
import { type Api, ask, type Requests } from './api.ts';
import { fingerprintOf } from './identity.ts';
import type { Options } from './options.ts';

const listed = z.array(
  z.object({
    fingerprint: z.string().optional(),
    labels: z.record(z.string(), z.string()),
    endsAt: z.string(),
    status: z.object({ state: z.string() }),
  }),
);
export const apiStatus = z.object({
  uptime: z.string(),
  cluster: z.object({ status: z.string() }).optional(),
  versionInfo: z.object({ version: z.string() }).optional(),
});

/** The API of an Alertmanager itself. */
export function apiOf(given: Options): Api {
  const base = `${given.url?.replace(/\/+$/, '')}/api/v2`;
  const requests: Requests = { name: 'Alertmanager', base, headers: given.headers };
  return {
    ...requests,
    receivers: 'receivers',
    doubt: (_asked, at, tools) => doubtOf(requests, given.settle, tools, at),
  };
}

/** Asks API v2. The list has active, silenced and inhibited alerts, but no resolved ones. Source: Alertmanager api/v2/openapi.yaml. */
export async function look(alert: Alert, api: Api, tools: AskTools): Promise<Sight> {
  const { body, at } = await ask(`alerts?${filters(alert)}`, api, tools);
  const found = listed.parse(body).find(one => fingerprintOf(one) === alert.fingerprint);
  const endsAt = found === undefined ? null : timeOf(found.endsAt);
  // Alertmanager drops ended alerts by its own clock, so `at` is its time (the Date header) and not ours.
  if (found !== undefined && (endsAt === null || endsAt >= at)) return { state: 'firing', at, endsAt };
  const doubt = await api.doubt({ absent: alert }, at, tools);
  return doubt === null ? { state: 'gone', at: at + dateStep } : { state: 'unknown', because: doubt };
}

/** The Date header counts in whole seconds, so it may be this much later, milliseconds: what is gone counts as gone at the latest moment. */
export const dateStep = 999;

/** Why the list proves nothing yet: after a restart it is empty until Prometheus has sent all alerts again. Null when it does. */
async function doubtOf(api: Requests, settle: number, tools: AskTools, at: number): Promise<string | null> {
  const status = apiStatus.parse((await ask('status', api, tools)).body);
  if (at - (timeOf(status.uptime) ?? 0) < settle) return 'Alertmanager started a moment ago';
  return status.cluster?.status === 'settling' ? 'the cluster of Alertmanager is settling' : null;
}

/** Label matchers that narrow the list; the result is then compared by fingerprint. */
function filters(alert: Alert): string {
  return `active=true&silenced=true&inhibited=true&unprocessed=true&${plainFilters(alert)}`;
}

/** Up to eight label matchers of the alert, as a query. Labels that were cut or need quoting are left out. */
export function plainFilters(alert: Alert): string {
  const query = new URLSearchParams();
  const plain = Object.entries(alert.labels).filter(
    ([name, value]) =>
      /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) &&
      value !== '' &&
      value.length <= 200 &&
      !/[\u0000-\u001f\ufffd]/.test(value),
  );
  for (const [name, value] of plain.slice(0, 8)) query.append('filter', `${name}=${JSON.stringify(value)}`);
  return query.toString();
}
