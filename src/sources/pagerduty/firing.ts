import { z } from 'zod';
import type { Alert } from '../../model/alert.ts';
import type { Sight } from '../../model/look.ts';
import type { AskTools } from '../../ports/source.ts';
import { createClient } from './client.ts';
import { mergeOf } from './incident.ts';
import type { Options } from './options.ts';

const incident = z.object({ incident: z.object({ status: z.string(), resolve_reason: z.unknown().optional() }) });
const alerts = z.object({ alerts: z.array(z.object({ status: z.string() })), more: z.boolean().nullish() });

/**
 * `gone` when the incident or all alerts in it are resolved, else `unknown`. An open incident is never evidence of firing, because it
 * stays open until somebody closes it; nor is one that was merged evidence of a cure, because it goes on as another. Rejects when PagerDuty
 * cannot be asked.
 */
export async function look(alert: Alert, given: Options, tools: AskTools): Promise<Sight> {
  const client = createClient(given, tools);
  const path = `/incidents/${encodeURIComponent(alert.fingerprint)}`;
  const gone: Sight = { state: 'gone', at: tools.clock.now() };
  const found = incident.parse(await client.rest('GET', path)).incident;
  const into = mergeOf(found.resolve_reason);
  if (into !== null) return { state: 'unknown', because: 'the incident was merged into another, where it goes on' };
  if (found.status === 'resolved') return gone;
  const listed = alerts.parse(await client.rest('GET', `${path}/alerts?limit=100`));
  const all = listed.alerts.length > 0 && listed.more !== true;
  if (all && listed.alerts.every(one => one.status === 'resolved')) return gone;
  return { state: 'unknown', because: 'the incident is open, which says nothing about its cause' };
}
