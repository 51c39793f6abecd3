import type { Alert } from '../model/alert.ts';
import type { Run } from '../model/run.ts';
import type { Base } from './base.ts';
import type { Connections } from './platforms.ts';

/** The links to a run: its page, and its thread on each platform that has an address for it. */
export async function linksTo(
  run: Run,
  alert: Alert | null,
  base: Pick<Base, 'store' | 'address'>,
  connections: Connections,
): Promise<{ label: string; url: string }[]> {
  const links = [{ label: 'Run', url: `${base.address.url}/runs/${encodeURIComponent(run.id)}` }];
  const root = alert === null ? `run/${run.id}` : `alert/${alert.id}/${run.episode ?? alert.episode}`;
  for (const [platform, { connection }] of connections) {
    const post = connection.linkTo === undefined ? null : await base.store.post(platform, root);
    const url = post === null ? null : (connection.linkTo?.(post) ?? null);
    if (url !== null) links.push({ label: `Thread in ${platform}`, url });
  }
  return links;
}
