import { z } from 'zod';
import { type Html, html } from '../../../kernel/html.ts';

/** The id after which a list goes on, as it stands in an address. */
export const afterId = z.string().min(1).max(200).optional().catch(undefined);

/** The link to what a list has after its last item; nothing when the page is not full. */
export function renderOlder(
  path: string,
  query: Record<string, string | undefined>,
  found: readonly { id: string }[],
  perPage: number,
): Html {
  const last = found.at(-1);
  if (last === undefined || found.length < perPage) return html``;
  const given = Object.entries({ ...query, after: last.id }).filter(([, value]) => value !== undefined);
  return html`<p class="more"><a class="button plain" href="${`${path}?${new URLSearchParams(given as [string, string][])}`}">Show older</a></p>`;
}
