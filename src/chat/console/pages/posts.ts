import { type Html, html } from '../../../kernel/html.ts';
import type { Card, Post } from '../../../model/card.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import { renderPost } from '../cards.ts';
import { renderOutputNow } from '../outputs.ts';
import { domId, showAgo, threadPath, type Viewer } from '../viewer.ts';

/** Output of a step that a page shows. */
export interface Box {
  run: string;
  step: string;
  live: boolean;
  tail: string;
}

export function boxesOf(card: Card): Box[] {
  return card.blocks.flatMap(block =>
    block.kind === 'output' ? [{ run: block.run, step: block.step, live: block.live, tail: block.tail }] : [],
  );
}

/** A post of a thread with its output filled in, as a page shows it when it is opened. */
export async function renderPostNow(post: Post, viewer: Viewer): Promise<Html> {
  const filled = new Map<string, Html>();
  for (const { run, step, tail } of boxesOf(post.card)) {
    filled.set(`${run}/${step}`, await renderOutputNow(viewer.host, run, step, tail));
  }
  return renderPost(post, viewer, { output: (run, step) => filled.get(`${run}/${step}`) ?? html`` });
}

/** A root in the timeline of its channel: its card, and the present state of its thread. */
export async function renderRoot(post: Post, viewer: Viewer): Promise<Html> {
  const last = await lastReply(viewer.host, post);
  return html`<div class="root" id="${rootId(post.key)}">${renderPost(withoutOutput(post), viewer, { href: threadPath(post.key), fold: true })}${
    last !== null && renderPreview(last, post.key, viewer)
  }</div>`;
}

export function rootId(key: string): string {
  return domId('root', key);
}

/** How many of the last replies are read. */
const mostReplies = 5;

/** The last reply that waits for a person, else the last with a state, else the last. So "you approved" does not hide the run's state. */
async function lastReply(host: ChatHost, root: Post): Promise<Post | null> {
  const { key: thread, channel } = root;
  const found = await host.store.posts({ platform: 'console', channel, thread, order: 'newest', limit: mostReplies });
  return (
    found.find(post => post.card.tone === 'ask') ?? found.find(post => post.card.badge !== null) ?? found[0] ?? null
  );
}

/** Removes output, which is shown in the thread only; in the channel it would push the other alerts away. */
function withoutOutput(post: Post): Post {
  return { ...post, card: { ...post.card, blocks: post.card.blocks.filter(block => block.kind !== 'output') } };
}

function renderPreview(last: Post, root: string, viewer: Viewer): Html {
  const { card } = last;
  return html`<a class="preview tone-${card.tone}" href="${`${threadPath(root)}#${domId('post', last.key)}`}"><span class="preview-title">${card.title}</span>${
    card.badge !== null && html` <span class="badge">${card.badge}</span>`
  } <span class="when">${showAgo(last.createdAt, viewer)}</span></a>`;
}
