import { type Html, html, nothing } from '../../../kernel/html.ts';
import { cutLine } from '../../../kernel/text.ts';
import type { Alert } from '../../../model/alert.ts';
import { type FactOf, streamOf } from '../../../model/journal.ts';
import { renderPicture } from '../picture.ts';
import { showTime, type Viewer } from '../viewer.ts';

/**
 * The picture of the series that fired, on the page of its alert: as it fired, or as it ended once it has. Where there is none, why; and
 * nothing where none was tried, because the source has no metrics or its turn is still to come.
 */
export async function renderChart({ id, episode }: Alert, viewer: Viewer): Promise<Html> {
  const entries = await viewer.host.store.stream(streamOf.picture(`${id}/${episode}`));
  const told = entries.flatMap(({ at, fact }) => (fact.kind === 'alert.pictured' ? [{ at, fact }] : []));
  const shown = told.findLast(({ fact }) => fact.picture !== null);
  const last = told.at(-1)?.fact;
  if (last === undefined) return nothing;
  return html`<h2>What was measured</h2>${
    shown !== undefined &&
    shown.fact.picture !== null &&
    html`${renderPicture(shown.fact.picture)}
<p class="sub">As it was at ${showTime(shown.at, viewer)}.</p>`
  }${last.picture === null && renderWhy(last)}`;
}

function renderWhy({ of, because }: FactOf<'alert.pictured'>): Html {
  const what = of === 'start' ? 'There is no picture of it.' : 'There is no picture of its end.';
  return html`<p class="none">${what} ${cutLine(because ?? '', 400)}</p>`;
}
