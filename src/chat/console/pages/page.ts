import type { Html } from '../../../kernel/html.ts';
import type { PostQuery } from '../../../ports/store.ts';
import type { RowList } from '../lists/live-rows.ts';
import type { Viewer } from '../viewer.ts';
import type { Box } from './posts.ts';

/** A page, and how it is kept fresh while it is open. One is made for each request and for each stream. */
export interface LivePage {
  title: string;
  /** The path in the navigation that is the current one. */
  here: string;
  /** The whole content, with the regions in it. */
  render(viewer: Viewer): Promise<Html>;
  /** Parts that are rendered again when anything changed, and sent when they differ from what was sent. */
  regions: readonly Region[];
  /** A long list, of which rows that changed are sent one by one; none when left out. */
  rows?: RowList;
  /** A list of posts that grows at one end; only posts that changed are sent. */
  list: PostList | null;
  /** Output that is on the page now. */
  boxes(viewer: Viewer): Promise<readonly Box[]>;
  /** Lines that grow at the end of the page; null and left out where there are none. A page has a list or a tail, not both. */
  tail?: Tail | null;
  /** The HTTP status, where it is not 200: the page tells why something is not there. */
  status?: number;
}

export interface Tail {
  /** Where the page ends when it is rendered now. */
  stamp(): Promise<number>;
  /** What came after a stamp, the stamp that the page is then at, and the runs whose output is to be followed. */
  next(after: number, viewer: Viewer): Promise<{ pieces: Html[]; stamp: number; runs: readonly string[] }>;
}

export interface Region {
  /** The id of the element whose content it is. */
  id: string;
  render(viewer: Viewer): Promise<Html>;
}

export interface PostList {
  /** The id of the element that holds the items. */
  id: string;
  /** Where new items go. */
  grows: 'start' | 'end';
  /** The keys on the page now, in the order of the page, and the last stamp of a change among them. */
  keys(): Promise<{ keys: readonly string[]; stamp: number }>;
  /** Which items a changed post concerns: itself, or the root that shows a preview of it. */
  query: Omit<PostQuery, 'changedAfter' | 'limit' | 'order'>;
  itemOf(post: { key: string; thread: string | null }): string | null;
  /** The id of an item's element. */
  itemId(key: string): string;
  /** One item with empty output boxes; null when it is gone. */
  item(key: string, viewer: Viewer): Promise<Html | null>;
}
