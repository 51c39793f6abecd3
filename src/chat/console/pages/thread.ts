import type { Post } from '../../../model/card.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import { renderPost } from '../cards.ts';
import { renderComposer } from '../composer.ts';
import { type Html, html } from '../html.ts';
import { channelPath } from '../layout.ts';
import { domId, type Visit } from '../visit.ts';
import { lastChange } from './channel.ts';
import type { LivePage } from './page.ts';
import { boxesOf, renderPostNow } from './posts.ts';

/** A thread: the root card and everything in it, oldest first, with live output. Null when there is no such root. */
export async function threadPage(host: ChatHost, key: string): Promise<LivePage | null> {
  const root = await host.store.post('console', key);
  if (root === null || root.thread !== null) return null;
  const posts = () => readThread(host, root.channel, key);
  return {
    title: root.card.title,
    here: channelPath(root.channel),
    regions: [],
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
      item: async (item, visit) => {
        const post = await host.store.post('console', item);
        return post === null ? null : renderPost(post, visit);
      },
    },
    boxes: async () => (await posts()).flatMap(post => boxesOf(post.card)),
    render: visit => renderThread(root, posts, visit),
  };
}

const mostReplies = 300;

/** The root and the newest replies, in the order of the thread. */
async function readThread(host: ChatHost, channel: string, key: string): Promise<Post[]> {
  const [root, replies] = await Promise.all([
    host.store.post('console', key),
    host.store.posts({ platform: 'console', channel, thread: key, order: 'newest', limit: mostReplies }),
  ]);
  const ordered = replies.sort((a, b) => a.order - b.order || (a.key < b.key ? -1 : 1));
  return root === null ? ordered : [root, ...ordered];
}

async function renderThread(root: Post, read: () => Promise<Post[]>, visit: Visit): Promise<Html> {
  const items: Html[] = [];
  for (const post of await read()) items.push(await renderPostNow(post, visit));
  const context = { channel: root.channel, alert: root.alert, run: root.run };
  return html`<p class="crumb"><a href="${channelPath(root.channel)}"># ${root.channel}</a></p>
<h1 class="hush">Thread: ${root.card.title}</h1>
<section id="timeline" class="timeline thread" role="log" aria-label="Thread, oldest first">${items}</section>
${renderComposer({ ...context, hint: 'Type a command about this alert, for example: status, run, explain' }, visit)}`;
}
