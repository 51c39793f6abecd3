import { z } from 'zod';
import { isCode } from '../../kernel/errors.ts';
import { cutText } from '../../kernel/text.ts';
import type { Alert } from '../../model/alert.ts';
import type { OriginConnection, OriginHost, OriginPage } from '../../ports/origin.ts';
import { type Client, createClient } from './client.ts';
import { whoIsOnCall } from './on-call.ts';
import { addressesOf, type Options } from './options.ts';
import { carries, ownKeyPrefix, signed } from './own.ts';

/** Within PagerDuty's rate limits for each key: 960 requests a minute, of which a write-back takes up to three; 120 events a minute. */
const perMinute = { tell: 240, page: 120 };
/** Limits of the Events API v2, characters. Source: developer-docs events-API-v2/02-Send-Alert-Event.md. */
const longest = { summary: 1024, note: 2000, key: 255 };

export function openOrigin(given: Options, host: OriginHost): OriginConnection | null {
  if (given.apiToken === undefined && given.routingKey === undefined) return null;
  const { api, events } = addressesOf(given);
  const client = createClient(given, { fetch: host.reach([api, events]) });
  return {
    perMinute,
    ...(given.apiToken === undefined ? {} : incidents(client, given)),
    ...(given.routingKey === undefined ? {} : pages(client)),
  };
}

function incidents(client: Client, given: Options): Partial<OriginConnection> {
  return {
    ...(given.acknowledge ? { acknowledge: (alert: Alert) => changeStatus(alert, 'acknowledged', client) } : {}),
    resolve: alert => changeStatus(alert, 'resolved', client),
    note: (alert, note) => writeNote(alert, note, client),
    recall: alert => callAgain(alert, client),
    onCall: query => whoIsOnCall(query, given, client),
  };
}

function pages(client: Client): Partial<OriginConnection> {
  return {
    async page(page) {
      await client.enqueue(eventOf(page));
      return 'Paged through PagerDuty';
    },
    async unpage(key) {
      await client.enqueue({ event_action: 'resolve', dedup_key: keyOf(key) });
      return 'Took the page back';
    },
  };
}

function pathOf(alert: Alert): string {
  return `/incidents/${encodeURIComponent(alert.fingerprint)}`;
}

/** Idempotent: PagerDuty's error for a status that the incident already has (1001, 1002) counts as success. */
async function changeStatus(alert: Alert, status: 'acknowledged' | 'resolved', client: Client): Promise<string> {
  try {
    await client.rest('PUT', pathOf(alert), { incident: { type: 'incident_reference', status } });
    return status === 'resolved' ? 'Resolved the incident in PagerDuty' : 'Acknowledged the incident in PagerDuty';
  } catch (error) {
    const already = isCode(error, 'origin-refused')
      ? /already (resolved|acknowledged)/i.exec(error.message)?.[1]
      : undefined;
    if (already === undefined) throw error;
    return `The incident is ${already.toLowerCase()} in PagerDuty already`;
  }
}

const notes = z.object({ notes: z.array(z.object({ content: z.string().nullish() })) });

/** Idempotent: looks for the marker first, because an earlier attempt may have succeeded although its response was lost. */
async function writeNote(alert: Alert, note: { text: string; marker: string }, client: Client): Promise<string> {
  const path = `${pathOf(alert)}/notes`;
  const known = notes.parse(await client.rest('GET', path));
  if (known.notes.some(one => carries(one.content ?? '', note.marker))) return 'The note is in PagerDuty already';
  await client.rest('POST', path, { note: { content: signed(cutText(note.text, longest.note), note.marker) } });
  return 'Wrote a note in PagerDuty';
}

const incident = z.object({
  incident: z.object({ status: z.string(), acknowledgements: z.array(z.unknown()).nullish() }),
});

/**
 * Escalates the incident back to the first level of its policy, which makes it `triggered` again and calls people. It does nothing when
 * somebody else also acknowledged it, because they work on it. PagerDuty refuses this for incidents of low urgency.
 */
async function callAgain(alert: Alert, client: Client): Promise<string> {
  const now = incident.parse(await client.rest('GET', pathOf(alert))).incident;
  if (now.status !== 'acknowledged') return `The incident is ${now.status} in PagerDuty already`;
  if ((now.acknowledgements?.length ?? 0) > 1)
    return 'Somebody else acknowledged the incident too, so nobody is called';
  await client.rest('PUT', pathOf(alert), { incident: { type: 'incident_reference', escalation_level: 1 } });
  return 'Handed the incident back to the people on call';
}

function eventOf(page: OriginPage): object {
  return {
    event_action: 'trigger',
    dedup_key: keyOf(page.key),
    payload: {
      summary: cutText(page.summary, longest.summary),
      source: cutText(page.source, longest.key),
      severity: page.severity,
      timestamp: new Date(page.at).toISOString(),
      component: cutText(page.component, longest.key),
      class: 'runbook',
      custom_details: page.details,
    },
    client: 'Tocsin',
    ...(page.links[0] === undefined ? {} : { client_url: page.links[0].url }),
    links: page.links.map(link => ({ href: link.url, text: link.label })),
  };
}

function keyOf(key: string): string {
  return `${ownKeyPrefix}${key}`.slice(0, longest.key);
}
