import { type Html, html } from '../../../kernel/html.ts';
import type { Post } from '../../../model/card.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import { renderComposer } from '../composer.ts';
import { channelPath } from '../frame-data.ts';
import { renderSamples } from '../samples.ts';
import type { Viewer } from '../viewer.ts';
import type { LivePage } from './page.ts';
import { renderRoot, rootId } from './posts.ts';

/** How many threads one page of a channel shows at most; older ones are on further pages. */
export const mostThreads = 400;

/**
 * The timeline of a channel: one card per thread, newest first, so that people need not scroll. `upTo` is the position from which older
 * ones are shown, on a page without live updates.
 */
export function channelPage(host: ChatHost, channel: string, show: number, upTo: number | null): LivePage {
  const query = { platform: 'console', channel };
  const place = { ...query, thread: null, order: 'newest', limit: show } as const;
  const roots = () => host.store.posts({ ...place, ...(upTo === null ? {} : { upTo }) });
  const samples = {
    id: 'samples',
    render: async (viewer: Viewer) => (channel === 'alerts' ? renderSamples(viewer) : html``),
  };
  const list: LivePage['list'] = {
    id: 'timeline',
    grows: 'start',
    query,
    keys: async () => {
      // The stamp is read first: a later change is then sent again and never missed.
      const stamp = await lastChange(host, channel);
      const keys = (await roots()).sort((a, b) => b.order - a.order).map(post => post.key);
      return { keys, stamp };
    },
    itemOf: post => post.thread ?? post.key,
    itemId: rootId,
    item: async (key, viewer) => {
      const post = await host.store.post('console', key);
      return post === null ? null : renderRoot(post, viewer);
    },
  };
  return {
    title: `# ${channel}`,
    here: channelPath(channel),
    regions: [samples],
    list: upTo === null ? list : null,
    boxes: async () => [],
    async render(viewer) {
      const posts = await roots();
      const items: Html[] = [];
      for (const post of posts) items.push(await renderRoot(post, viewer));
      return html`<h1 class="page-title"># ${channel}</h1>
${renderComposer({ channel, alert: null, run: null, gate: null, hint: 'Type a command, for example: run, status, help' }, viewer)}
<div id="samples">${await samples.render(viewer)}</div>
<section id="timeline" class="timeline" aria-live="polite" aria-label="Messages, newest first">${items}</section>
<p class="empty" id="empty">Nothing here yet. Alerts that arrive are posted here, each with a thread of its own.</p>
${renderMore(channelPath(channel), posts, show)}`;
    },
  };
}

/** Links to a longer page up to the limit, then to the next page, which begins with the last thread of this one, so that none is missed. */
function renderMore(path: string, posts: readonly Post[], show: number): Html {
  const last = posts.at(-1);
  if (last === undefined || posts.length < show) return html``;
  const query =
    show < mostThreads ? `show=${Math.min(show * 2, mostThreads)}` : `show=${mostThreads}&upTo=${last.order}`;
  return html`<p class="more"><a class="button plain" href="${`${path}?${query}`}">Show older</a></p>`;
}

/** The stamp of the last change in a channel, its threads included. */
export async function lastChange(host: ChatHost, channel: string): Promise<number> {
  const found = await host.store.posts({ platform: 'console', channel, changedAfter: 0, order: 'newest', limit: 1 });
  return found[0]?.changed ?? 0;
}
