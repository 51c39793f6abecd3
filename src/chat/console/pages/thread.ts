import { type Html, html } from '../../../kernel/html.ts';
import { gateOfKey, type Post } from '../../../model/card.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import { renderRunLink } from '../acting/run-for-alert.ts';
import { renderPost } from '../cards.ts';
import { renderComposer } from '../composer.ts';
import { channelPath } from '../frame-data.ts';
import { domId, gatePath, threadPath, type Viewer } from '../viewer.ts';
import { lastChange } from './channel.ts';
import type { LivePage } from './page.ts';
import { boxesOf, renderPostNow } from './posts.ts';

/**
 * A thread: the root card and its newest replies, oldest first, with live output. `upTo` is the position from which an older part is shown,
 * without live updates. Null when there is no such root.
 */
export async function threadPage(host: ChatHost, key: string, upTo: number | null = null): Promise<LivePage | null> {
  const root = await host.store.post('console', key);
  if (root === null || root.thread !== null) return null;
  const posts = () => readThread(host, root.channel, key, upTo);
  const page = {
    title: root.card.title,
    here: channelPath(root.channel),
    regions: [],
    render: (viewer: Viewer) => renderThread(root, posts, upTo, viewer),
  };
  if (upTo !== null) return { ...page, list: null, boxes: async () => [] };
  return {
    ...page,
    list: {
      id: 'timeline',
      grows: 'end',
      query: { platform: 'console', channel: root.channel },
      keys: async () => {
        const stamp = await lastChange(host, root.channel);
        return { keys: (await posts()).map(post => post.key), stamp };
      },
      itemOf: post => (post.key === key || post.thread === key ? post.key : null),
      itemId: item => domId('post', item),
      item: async (item, viewer) => {
        const post = await host.store.post('console', item);
        return post === null ? null : renderPost(post, viewer);
      },
    },
    boxes: async () => (await posts()).flatMap(post => boxesOf(post.card)),
  };
}

const mostReplies = 300;

/** The root and the newest replies up to a place, in the order of the thread. */
async function readThread(host: ChatHost, channel: string, key: string, upTo: number | null): Promise<Post[]> {
  const place = { platform: 'console', channel, thread: key, order: 'newest', limit: mostReplies } as const;
  const [root, replies] = await Promise.all([
    host.store.post('console', key),
    host.store.posts({ ...place, ...(upTo === null ? {} : { upTo }) }),
  ]);
  const ordered = replies.sort((a, b) => a.order - b.order || (a.key < b.key ? -1 : 1));
  return root === null ? ordered : [root, ...ordered];
}

async function renderThread(
  root: Post,
  read: () => Promise<Post[]>,
  upTo: number | null,
  viewer: Viewer,
): Promise<Html> {
  const posts = await read();
  const items: Html[] = [];
  for (const post of posts) items.push(await renderPostNow(post, viewer));
  // The older page repeats the oldest reply, so that none of several at one position is missed.
  const oldest = posts.length > mostReplies ? posts[1] : undefined;
  const path = threadPath(root.key);
  const older =
    oldest !== undefined &&
    html`<p class="more"><a class="button plain" href="${`${path}?upTo=${oldest.order}`}">Show older</a></p>`;
  const newest = upTo !== null && html`<p class="more"><a class="button plain" href="${path}">Show the newest</a></p>`;
  const gate = gateOfKey(root.key);
  const context = { channel: root.channel, alert: root.alert, run: root.run, gate };
  const hint =
    gate === null
      ? 'A note for everybody, or a command: status, run, explain'
      : 'A note for everybody, or a command: status, approve, deny';
  return html`<p class="crumb"><a href="${channelPath(root.channel)}"># ${root.channel}</a></p>
<h1 class="hush">Thread: ${root.card.title}</h1>
${gate !== null && html`<p class="crumb"><a href="${gatePath(gate)}">All of this gate</a></p>`}${older}<section id="timeline" class="timeline thread" role="log" aria-label="Thread, oldest first">${items}</section>
${newest}${root.alert !== null && renderRunLink(root.alert)}${renderComposer({ ...context, hint }, viewer)}`;
}
