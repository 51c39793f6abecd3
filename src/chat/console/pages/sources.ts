import { type Html, html } from '../../../kernel/html.ts';
import type { DeliveryCount } from '../../../model/delivery.ts';
import type { ChatHost, SourceView } from '../../../ports/chat.ts';
import { showAgo, type Viewer } from '../viewer.ts';
import { renderLetters } from './letters.ts';
import type { LivePage } from './page.ts';

/** The sources of tocsin.yaml: whether anything proves their senders, what came lately, and why those of its sender are refused; and what
 * those that fetch by themselves could not read. */
export function sourcesPage(host: ChatHost): LivePage {
  const rows = async (viewer: Viewer) => {
    const sources = host.sources();
    if (sources.length === 0)
      return html`<p class="none">There are no sources. <code>tocsin source add</code> writes one into tocsin.yaml.</p>`;
    const counts = await host.store.deliveryCounts();
    return html`<ul class="rows">${sources.map(source =>
      renderRow(
        source,
        counts.filter(one => one.source === source.name),
        viewer,
      ),
    )}</ul>`;
  };
  const letters = (viewer: Viewer) => renderLetters(host, viewer);
  return {
    title: 'Sources',
    here: '/sources',
    regions: [
      { id: 'source-rows', render: rows },
      { id: 'dead-letters', render: letters },
    ],
    list: null,
    boxes: async () => [],
    render: async viewer =>
      html`<h1 class="page-title">Sources</h1><div id="source-rows">${await rows(viewer)}</div><div id="dead-letters">${await letters(viewer)}</div>`,
  };
}

function renderRow(source: SourceView, counts: readonly DeliveryCount[], viewer: Viewer): Html {
  const { name, type, about, maxBody, proof, trouble } = source;
  const takes =
    maxBody !== null &&
    html`<span class="row-why">Takes deliveries at <code>/events/${encodeURIComponent(name)}</code>, of ${maxBody.toLocaleString('en')} bytes at most (maxBody).</span>`;
  return html`<li class="row"><a class="row-main" href="${`/sources/${encodeURIComponent(name)}`}"><span class="row-title">${name}</span></a> <span class="badge">${type}</span>${proof === false && html` <span class="badge proof-no">unsigned</span>`}
<span class="row-why">${trouble === null ? about : html`<b>Not well:</b> ${trouble}`}</span>
${takes}${maxBody !== null && renderLast(counts, viewer)}</li>`;
}

function renderLast(counts: readonly DeliveryCount[], viewer: Viewer): Html {
  const accepted = counts.find(one => one.what === 'accepted');
  const refused = counts.filter(one => one.what.startsWith('refused/'));
  const count = refused.reduce((sum, one) => sum + one.count, 0);
  const last = Math.max(...refused.map(one => one.at));
  return html`<span class="row-sub">${
    accepted === undefined
      ? 'nothing accepted yet'
      : html`${accepted.count.toLocaleString('en')} accepted, last ${showAgo(accepted.at, viewer)}`
  }${count > 0 && html` · ${count.toLocaleString('en')} refused, last ${showAgo(last, viewer)}`}</span>`;
}
