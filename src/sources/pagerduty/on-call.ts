import { z } from 'zod';
import type { OnCall, OnCallQuery } from '../../ports/origin.ts';
import type { Client } from './client.ts';
import type { Options } from './options.ts';

const named = z.object({ id: z.string(), summary: z.string().nullish(), name: z.string().nullish() });
const page = z.object({
  oncalls: z.array(
    z.object({
      escalation_level: z.int().nullish(),
      escalation_policy: named.nullish(),
      schedule: named.nullish(),
      user: named.nullish(),
    }),
  ),
  more: z.boolean().nullish(),
});
type Entry = z.infer<typeof page>['oncalls'][number];

/** Entries on a page, and the most pages that are read: a policy has at most twenty levels. */
const size = 100;
const mostPages = 5;

/**
 * The people who are called first: the lowest level of an escalation policy, or those on a schedule. It uses the policy or schedule of the
 * query, else the policy of the alert's incident, else `onCall` of the options. Without any it returns nobody, never the whole account.
 */
export async function whoIsOnCall(query: OnCallQuery, given: Options, client: Client): Promise<OnCall> {
  const wanted = selector(query, given);
  if (wanted === null) return { people: [], of: null };
  const entries = await readAll(`${wanted.by}_ids[]=${encodeURIComponent(wanted.id)}`, client);
  const lowest = Math.min(...entries.map(one => one.escalation_level ?? 1));
  const first = wanted.by === 'schedule' ? entries : entries.filter(one => (one.escalation_level ?? 1) === lowest);
  const people = new Map<string, string>();
  for (const { user } of first) if (user != null) people.set(user.id, user.name ?? user.summary ?? user.id);
  const place = wanted.by === 'schedule' ? entries[0]?.schedule : entries[0]?.escalation_policy;
  return {
    people: [...people].map(([account, name]) => ({ account, name })),
    of: place?.summary ?? place?.name ?? wanted.id,
  };
}

function selector(query: OnCallQuery, given: Options): { by: 'escalation_policy' | 'schedule'; id: string } | null {
  const named = { escalationPolicy: query.escalationPolicy, schedule: query.schedule };
  const own = { escalationPolicy: query.alert?.labels['escalation_policy_id'] ?? null, schedule: null };
  const standard = {
    escalationPolicy: given.onCall?.escalationPolicy ?? null,
    schedule: given.onCall?.schedule ?? null,
  };
  for (const { escalationPolicy, schedule } of [named, own, standard]) {
    if (escalationPolicy !== null) return { by: 'escalation_policy', id: escalationPolicy };
    if (schedule !== null) return { by: 'schedule', id: schedule };
  }
  return null;
}

async function readAll(filter: string, client: Client): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let index = 0; index < mostPages; index++) {
    const path = `/oncalls?${filter}&earliest=true&include[]=users&limit=${size}&offset=${index * size}`;
    const found = page.parse(await client.rest('GET', path));
    entries.push(...found.oncalls);
    if (found.more !== true) break;
  }
  return entries;
}
