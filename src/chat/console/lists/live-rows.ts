import { sha256 } from '../../../kernel/canonical.ts';
import { type Html, html } from '../../../kernel/html.ts';
import type { Viewer } from '../viewer.ts';

/** A row of a list: its element has the id, which is unique on the page and stays with what it shows. */
export interface ListRow {
  id: string;
  html: Html;
}

/** The rows of a long list, of which only those that changed are sent while the page is open. */
export interface RowList {
  /** The id of the element whose children the rows are. */
  id: string;
  read(viewer: Viewer): Promise<readonly ListRow[]>;
  /** The mark of what was read last. */
  mark(): string;
}

export function createRowList(id: string, read: RowList['read']): RowList {
  let last: readonly ListRow[] = [];
  return {
    id,
    async read(viewer) {
      last = await read(viewer);
      return last;
    },
    mark: () => markOf(stateOf(last)),
  };
}

/** Only digests of rows are kept: the content itself would be one copy for each open page. */
export interface RowsState {
  ids: readonly string[];
  digests: ReadonlyMap<string, string>;
}

/** The page's script advances times, so a change of these alone is none. */
export function digestOf(content: Html): string {
  return sha256(String(content).replace(/<(span|time)[^>]* data-now="\d+"[^>]*>[^<]*/g, ''));
}

export function stateOf(rows: readonly ListRow[]): RowsState {
  return { ids: rows.map(row => row.id), digests: new Map(rows.map(row => [row.id, digestOf(row.html)])) };
}

/** One word for all of it, by which a stream knows that the page shows what it would send. */
export function markOf({ ids, digests }: RowsState): string {
  return sha256(ids.map(id => `${id} ${digests.get(id)}`).join('\n')).slice(0, 16);
}

/** Fragments that make the rows of `before` those of `rows`. Null stands for an unknown state, for which all rows are sent. */
export function changesOf(list: string, before: RowsState | null, rows: readonly ListRow[]): Html[] {
  const after = stateOf(rows);
  if (before === null) return [whole(list, rows)];
  const moved = movedOf(before.ids, after.ids);
  const stays = (id: string) => before.digests.has(id) && !moved.has(id);
  const pieces = before.ids.filter(id => !after.digests.has(id) || moved.has(id)).map(id => swap(id, 'delete', html``));
  let anchor: string | null = null;
  let added: Html[] = [];
  const flush = () => {
    if (added.length > 0)
      pieces.push(anchor === null ? swap(list, 'afterbegin', added) : swap(anchor, 'afterend', added));
    added = [];
  };
  for (const row of rows) {
    if (stays(row.id)) {
      flush();
      anchor = row.id;
      if (before.digests.get(row.id) !== after.digests.get(row.id)) pieces.push(swap(row.id, 'outerMorph', row.html));
    } else added.push(row.html);
  }
  flush();
  return pieces.length > Math.max(8, rows.length / 2) ? [whole(list, rows)] : pieces;
}

function whole(list: string, rows: readonly ListRow[]): Html {
  return swap(list, 'innerMorph', html`${rows.map(row => row.html)}`);
}

function swap(id: string, how: string, content: Html | readonly Html[]): Html {
  return html`<hx-partial hx-target="#${id}" hx-swap="${how}">${content}</hx-partial>`;
}

/** Rows that have another place among those that were there before: of two ways to tell, the one that moves fewer. */
function movedOf(before: readonly string[], after: readonly string[]): ReadonlySet<string> {
  const places = new Map(before.map((id, place) => [id, place]));
  const kept = after.filter(id => places.has(id));
  const ways = [descending(kept, places), descending(kept.toReversed(), places, -1)];
  return ways.reduce((best, way) => (way.size < best.size ? way : best));
}

function descending(ids: readonly string[], places: ReadonlyMap<string, number>, sign = 1): Set<string> {
  const moved = new Set<string>();
  let last = Number.NEGATIVE_INFINITY;
  for (const id of ids) {
    const place = sign * (places.get(id) ?? 0);
    if (place < last) moved.add(id);
    else last = place;
  }
  return moved;
}
