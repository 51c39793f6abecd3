import { z } from 'zod';
import { createLazyEgress } from '../../kernel/egress/lazy.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { CheckTools, Finding } from '../../ports/check.ts';
import { requesterOf } from './api.ts';
import type { ApiOptions, Options } from './options.ts';
import { eventTypes } from './stream/shapes.ts';

/** What an ApiUser needs with these options. Source: Icinga 2 documentation, 12-icinga2-api, permissions. */
export function permissionsOf({ write, stream }: Pick<ApiOptions, 'write' | 'stream'>): string[] {
  const actions = ['acknowledge-problem', 'remove-acknowledgement', 'add-comment'].map(name => `actions/${name}`);
  return [
    ...(write ? actions : []),
    ...(stream ? eventTypes.map(type => `events/${type}`) : []),
    ...(write || stream ? ['Host', 'Service', 'Comment'].map(type => `objects/query/${type}`) : []),
  ];
}

/** Icinga has it since 2.15.4, and asks for it with a filter from 2.17 on (release notes of 2.15.4). Before, nothing comes of it. */
const forFilters = 'filter-expression';

/** For `tocsin doctor`: whether the API can be used with what the ApiUser may. */
export async function check({ api }: Options, tools: CheckTools): Promise<Finding[]> {
  return api === undefined ? [] : [await checkApi(api, tools)];
}

/** The user that asks, as `/v1` shows it. Read from version 2.13.6. */
const self = z.object({ results: z.array(z.object({ permissions: z.array(z.string()) })).min(1) });

async function checkApi(api: ApiOptions, tools: CheckTools): Promise<Finding> {
  const what = 'the API of Icinga';
  const { host } = new URL(api.url);
  // The authority of Icinga counts for this address alone, so the usual fetch cannot ask.
  const egress = createLazyEgress(() => ({ allow: [host], private: [host], ca: api.ca }));
  const fetch = api.ca === undefined ? tools.fetch : egress.fetch;
  try {
    const [user] = self.parse(await requesterOf(api, { fetch, signal: tools.signal })('GET', '/v1')).results;
    const given = user?.permissions ?? [];
    const permissions = permissionsOf(api);
    const missing = permissions.filter(name => !given.some(one => covers(one, name)));
    const may = new Set([...permissions, forFilters].map(name => name.toLowerCase()));
    const more = given.filter(one => !may.has(one.toLowerCase()));
    if (missing.length > 0)
      return {
        what,
        state: 'bad',
        asks: true,
        because: `the ApiUser ${api.user} lacks ${missing.join(', ')}`,
        remedy: 'Give them to it in the configuration of Icinga, and reload.',
      };
    if (more.length > 0)
      return {
        what,
        state: 'warning',
        because: `the ApiUser ${api.user} may do more than Tocsin needs`,
        remedy: `Give it only ${permissions.join(', ')}.`,
      };
    return { what, state: 'ok' };
  } catch (error) {
    return {
      what,
      state: 'bad',
      asks: true,
      because: `it cannot be asked at api.url: ${messageOf(error)}`,
      remedy:
        'See that it answers there from this machine, that its certificate has the name in the address and is of api.ca, and that user and password are right.',
    };
  } finally {
    await egress.close();
  }
}

/** A permission may have an asterisk for any text, and its case does not count. */
function covers(given: string, wanted: string): boolean {
  const parts = given.toLowerCase().split('*');
  const name = wanted.toLowerCase();
  return parts.length === 1
    ? given.toLowerCase() === name
    : name.startsWith(parts[0] ?? '') && name.endsWith(parts.at(-1) ?? '');
}
