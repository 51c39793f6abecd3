import { type Html, html } from '../../kernel/html.ts';
import type { ChatHost } from '../../ports/chat.ts';
import type { Store } from '../../ports/store.ts';
import { type AnsiState, plain, renderAnsi } from './ansi.ts';
import { outputId } from './cards.ts';
import { changesOf, digestOf, markOf, type RowList, type RowsState, stateOf } from './lists/live-rows.ts';
import { readEnd, renderPart, renderTail } from './outputs.ts';
import type { LivePage, PostList, Region } from './pages/page.ts';
import type { Box } from './pages/posts.ts';
import { partial, type Viewer } from './viewer.ts';

/** The state of one open page's stream: what was sent, and what comes next. It holds no content, so a slow page costs little memory. */
export interface PageFeed {
  /**
   * Fragments that update the page, and the stamp that it is then at; no texts when nothing is new. Each is a message of its own, because
   * htmx looks up all targets of a message before it changes anything, and output for a new box must come after the box.
   */
  next(viewer: Viewer): Promise<{ texts: string[]; stamp: number }>;
  /** The runs whose live output is on the page. */
  liveRuns(): readonly string[];
}

/** The regions of the frame around every page, such as the banners. */
export type FrameRegions = readonly Region[];

const mostChanges = 200;

export function createFeed(
  page: LivePage,
  frameRegions: FrameRegions,
  host: ChatHost,
  { after, shown }: { after: number; shown: string },
): PageFeed {
  const rows = page.rows === undefined ? null : createRowsFeed(page.rows, shown);
  const sent = new Map<string, string>();
  const list = page.list === null ? null : createListFeed(page.list, host.store, after);
  const outputs = createOutputFeed(host);
  let boxes: readonly Box[] = [];
  let tail: { stamp: number; runs: readonly string[] } = { stamp: after, runs: [] };
  return {
    async next(viewer) {
      const pieces: Html[] = [];
      for (const region of [...frameRegions, ...page.regions]) {
        const content = await region.render(viewer);
        if (isNew(sent, region.id, content)) pieces.push(partial(region.id, 'innerMorph', content));
      }
      if (rows !== null) pieces.push(...(await rows(viewer)));
      const changed = list === null ? null : await list.next(viewer);
      if (changed !== null) pieces.push(...changed.pieces);
      const grown = (await page.tail?.next(tail.stamp, viewer)) ?? null;
      if (grown !== null) {
        tail = grown;
        pieces.push(...grown.pieces);
      }
      boxes = await page.boxes(viewer);
      const texts = [pieces, await outputs.next(boxes, changed?.touched ?? true)].map(one =>
        one.map(String).join('\n'),
      );
      return { texts: texts.filter(text => text.trim() !== ''), stamp: list?.stamp() ?? tail.stamp };
    },
    liveRuns: () => [...new Set([...tail.runs, ...boxes.filter(box => box.live).map(box => box.run)])],
  };
}

/** Rows that changed. `shown` is the mark of what the page shows since it was opened; it is sent nothing that it has. */
function createRowsFeed(list: RowList, shown: string): (viewer: Viewer) => Promise<Html[]> {
  let before: RowsState | null = null;
  return async viewer => {
    const rows = await list.read(viewer);
    const now = stateOf(rows);
    const isShown = before === null && markOf(now) === shown;
    const pieces = isShown ? [] : changesOf(list.id, before, rows);
    before = now;
    return pieces;
  };
}

/** Only a digest is kept: the content itself would be one copy per open page. */
function isNew(sent: Map<string, string>, id: string, content: Html): boolean {
  const digest = digestOf(content);
  if (sent.get(id) === digest) return false;
  sent.set(id, digest);
  return true;
}

function createListFeed(list: PostList, store: Store, after: number) {
  let stamp = after;
  /** The keys on the page; null until they are known. */
  let shown: Set<string> | null = null;
  return {
    stamp: () => stamp,
    async next(viewer: Viewer): Promise<{ pieces: Html[]; touched: boolean }> {
      const first = shown === null ? await list.keys() : null;
      // A stamp ahead of the store's is of another database: the page was opened before a restart with an empty one.
      if (first !== null && stamp > first.stamp) stamp = 0;
      const posts = await store.posts({ ...list.query, changedAfter: stamp, limit: mostChanges });
      const items = new Set(posts.map(post => list.itemOf(post)).filter(key => key !== null));
      const newest = Math.max(stamp, ...posts.map(post => post.changed));
      if (posts.length === mostChanges || (first !== null && items.size > 0)) {
        const now = await list.keys();
        shown = new Set(now.keys);
        stamp = Math.max(newest, now.stamp);
        return { pieces: [await wholeList(list, now.keys, viewer)], touched: true };
      }
      shown ??= new Set(first?.keys);
      const pieces: Html[] = [];
      for (const key of items) pieces.push(await oneItem(list, key, viewer, shown));
      stamp = newest;
      return { pieces, touched: items.size > 0 };
    },
  };
}

async function oneItem(list: PostList, key: string, viewer: Viewer, shown: Set<string>): Promise<Html> {
  const item = await list.item(key, viewer);
  if (item === null) return html``;
  if (shown.has(key)) return partial(list.itemId(key), 'outerMorph', item);
  shown.add(key);
  return partial(list.id, list.grows === 'start' ? 'afterbegin' : 'beforeend', item);
}

/** The whole list, morphed into the present one; sent after a gap, or when too much changed at once. */
async function wholeList(list: PostList, keys: readonly string[], viewer: Viewer): Promise<Html> {
  const items: Html[] = [];
  for (const key of keys) {
    const item = await list.item(key, viewer);
    if (item !== null) items.push(item);
  }
  return partial(list.id, 'innerMorph', html`${items}`);
}

interface BoxState {
  seq: number;
  ansi: AnsiState;
}

function createOutputFeed(host: ChatHost) {
  const known = new Map<string, BoxState>();
  return {
    async next(boxes: readonly Box[], touched: boolean): Promise<Html[]> {
      const pieces: Html[] = [];
      for (const box of boxes) {
        const id = outputId(box.run, box.step);
        const state = known.get(id);
        if (state === undefined && (box.live || touched)) pieces.push(await fill(host, box, id, known));
        else if (state !== undefined) pieces.push(await append(host, box, id, state, known));
      }
      return pieces;
    },
  };
}

async function fill(host: ChatHost, box: Box, id: string, known: Map<string, BoxState>): Promise<Html> {
  const tail = await readEnd(host, box.run, box.step);
  if (tail.text === '' && !box.live) return partial(id, 'innerHTML', renderAnsi(box.tail, plain).html);
  const rendered = renderTail(tail);
  known.set(id, { seq: tail.seq, ansi: rendered.ansi });
  return partial(id, 'innerHTML', rendered.html);
}

/** Adds what is new. What stands there stays, because somebody may read it; the page's script drops the earliest parts. */
async function append(
  host: ChatHost,
  box: Box,
  id: string,
  state: BoxState,
  known: Map<string, BoxState>,
): Promise<Html> {
  const chunks = await host.store.output({ run: box.run, step: box.step, after: state.seq, limit: 250 });
  const last = chunks.at(-1);
  if (last === undefined) return html``;
  if (chunks.length === 250) return fill(host, box, id, known);
  const { html: body, ansi } = renderPart(chunks.map(chunk => chunk.text).join(''), state.ansi);
  known.set(id, { seq: last.seq, ansi });
  return partial(id, 'beforeend', body);
}
