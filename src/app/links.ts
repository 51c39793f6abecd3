import type { Alert } from '../model/alert.ts';
import type { Run } from '../model/run.ts';
import type { Base } from './base.ts';
import type { Connections } from './platforms.ts';

/** The links to a run, or to what an alert is about without one: its page, and its thread on each platform that has an address for it. */
export async function linksTo(
  run: Run | null,
  alert: Alert | null,
  base: Pick<Base, 'store' | 'address'>,
  connections: Connections,
): Promise<{ label: string; url: string }[]> {
  const page = run === null ? null : `${base.address.url}/runs/${encodeURIComponent(run.id)}`;
  const links = page === null ? [] : [{ label: 'Run', url: page }];
  const root = alert === null ? `run/${run?.id ?? ''}` : `alert/${alert.id}/${run?.episode ?? alert.episode}`;
  for (const [platform, { connection }] of connections) {
    const post = connection.linkTo === undefined ? null : await base.store.post(platform, root);
    const url = post === null ? null : (connection.linkTo?.(post) ?? null);
    if (url !== null) links.push({ label: `Thread in ${platform}`, url });
  }
  return links;
}
