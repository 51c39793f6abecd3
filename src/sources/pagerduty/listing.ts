import { z } from 'zod';
import { TocsinError } from '../../kernel/errors.ts';
import { toldTime } from '../../model/incoming.ts';
import type { AskTools, ListedAlert, Listing } from '../../ports/source.ts';
import { type Client, createClient } from './client.ts';
import { alertFrom, incident, reference, startOfStretch } from './incident.ts';
import type { Options } from './options.ts';
import { isOwnKey } from './own.ts';

const listed = incident.extend({
  updated_at: z.string().nullish(),
  last_status_change_at: z.string().nullish(),
  acknowledgements: z.array(z.object({ acknowledger: reference })).nullish(),
});
type Listed = z.infer<typeof listed>;
const page = z.object({ incidents: z.array(listed), more: z.boolean().nullish() });

/** Incidents on a page, and the most that are read. Source: developer-docs REST-API/06-Pagination.md (at most 100, at most 10,000). */
const size = 100;
const most = 2000;
/** How often it is read anew when incidents were closed meanwhile. */
const rounds = 3;

export function canList(given: Options): boolean {
  return given.apiToken !== undefined;
}

/** The open incidents, except those of Tocsin's own pages. Rejects with `origin-limited`, `origin-down` or `origin-refused`. */
export async function listFiring(given: Options, tools: AskTools): Promise<Listing> {
  if (!canList(given)) return { ok: false, because: 'without apiToken PagerDuty cannot be asked' };
  const client = createClient(given, tools);
  for (let round = 0; round < rounds; round++) {
    const at = tools.clock.now();
    const found = await readAll(given, client);
    if (found === 'cut') return { ok: false, because: `more than ${most} incidents are open, so the list is cut` };
    if (found === 'moved') continue;
    const others = found.filter(one => !isOwnKey(one.incident_key ?? ''));
    return { ok: true, at, alerts: others.map(one => listedAlert(one, at)) };
  }
  return { ok: false, because: 'incidents were closed each time while the list was read' };
}

/**
 * Each page begins with the last incident of the one before. When it does not, an incident was closed meanwhile, and one that moved up into
 * its place would look closed.
 */
async function readAll(given: Options, client: Client): Promise<Listed[] | 'cut' | 'moved'> {
  const all: Listed[] = [];
  for (;;) {
    const last = all.at(-1);
    const { incidents, more } = await readPage(Math.max(0, all.length - 1), given, client);
    if (last !== undefined && incidents[0]?.id !== last.id) return 'moved';
    all.push(...incidents.slice(last === undefined ? 0 : 1));
    if (all.length > most || (more === true && all.length === most)) return 'cut';
    if (more !== true) return all;
    if (all.at(-1) === last) return 'moved';
  }
}

async function readPage(offset: number, given: Options, client: Client): Promise<z.infer<typeof page>> {
  const services = (given.services ?? []).map(id => `&service_ids[]=${encodeURIComponent(id)}`).join('');
  // Without date_range the API lists only the incidents of the last month.
  const filter = `statuses[]=triggered&statuses[]=acknowledged&date_range=all${services}`;
  const answer = await client.rest(
    'GET',
    `/incidents?${filter}&sort_by=incident_number:asc&limit=${size}&offset=${offset}`,
  );
  const parsed = page.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new TocsinError('origin-down', {
    message: `The list of incidents is not as PagerDuty documents it: ${parsed.error.issues[0]?.path.join('.') || 'the document'}`,
  });
}

function listedAlert(one: Listed, at: number): ListedAlert {
  const state = one.status === 'acknowledged' ? 'acknowledged' : 'firing';
  const newsAt = toldTime(one.updated_at, at) ?? toldTime(one.last_status_change_at, at);
  const event = alertFrom(one, {
    state,
    at: newsAt ?? at,
    newsAt,
    start: startOfStretch(one, at),
    by: state === 'acknowledged' ? one.acknowledgements?.at(-1)?.acknowledger?.summary : null,
  });
  // The service is what its webhooks name too.
  const service = one.service?.id;
  return { event, silenced: null, endsAt: null, receivers: service == null ? null : [service] };
}
