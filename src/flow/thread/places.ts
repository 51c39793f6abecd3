import type { Post } from '../../model/card.ts';
import type { Wanted } from './draft/context.ts';
import type { ThreadParts } from './parts.ts';

/** Where a subject is shown. */
export interface Place {
  platform: string;
  channel: string;
  /** The end of keys in this place: empty, or ` @channel` for the second and further channels of one platform. */
  suffix: string;
  /** The further channels of the platform, on the first place of a new root. */
  copies: readonly string[];
}

export type Find = (platform: string, key: string) => Promise<Post | null>;

export interface FallbackParts {
  platforms: ThreadParts['platforms'];
  catalogue: Pick<ThreadParts['catalogue'], 'current'>;
}

export function suffixOf(channel: string): string {
  return ` @${channel}`;
}

/** A thread stays where its root was posted, also when routes change; a refused root moves to the fallback channel. */
export async function placesOf(one: Wanted, find: Find, parts: ThreadParts): Promise<Place[]> {
  const root = one.thread ?? one.key;
  const places: Place[] = [];
  let known = false;
  for (const platform of parts.platforms().keys()) {
    const first = await find(platform, root);
    if (first === null) continue;
    known = true;
    if (first.withheld !== 'refused') places.push({ platform, channel: first.channel, suffix: '', copies: [] });
    for (const copy of first.copies ?? []) {
      const post = await find(platform, root + suffixOf(copy));
      if (post === null || post.withheld === 'refused') continue;
      places.push({ platform, channel: post.channel, suffix: suffixOf(copy), copies: [] });
    }
  }
  if (!known) places.push(...routed(one, parts));
  // Never empty: a subject that no platform takes goes to the fallback channel or the console.
  return places.length > 0 ? places : [fallbackPlace(parts)];
}

function routed(one: Wanted, parts: ThreadParts): Place[] {
  const on = parts.platforms();
  const channels = new Map<string, string[]>();
  const set = parts.catalogue.current();
  const to = one.to ?? [];
  for (const target of to.length > 0 ? to : set.route({ event: one.event, alert: one.alert })) {
    const { platform, channel } = splitTarget(target);
    const list = channels.get(platform) ?? [];
    if (on.has(platform) && !list.includes(channel)) channels.set(platform, [...list, channel]);
  }
  return [...channels].flatMap(([platform, list]) =>
    list.map((channel, index) => ({
      platform,
      channel,
      suffix: index === 0 ? '' : suffixOf(channel),
      copies: index === 0 ? list.slice(1) : [],
    })),
  );
}

/** The fallback channel of tocsin.yaml where its platform is on, else the console. */
export function fallbackPlace(parts: FallbackParts): Place {
  const { platform, channel } = splitTarget(parts.catalogue.current().config.fallback);
  const on = parts.platforms().has(platform);
  return { platform: on ? platform : 'console', channel: on ? channel : 'alerts', suffix: '', copies: [] };
}

export function splitTarget(target: string): { platform: string; channel: string } {
  const at = target.indexOf(':');
  return { platform: target.slice(0, at), channel: target.slice(at + 1) };
}
