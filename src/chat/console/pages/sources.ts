import { type Html, html } from '../../../kernel/html.ts';
import type { ChatHost, SourceView } from '../../../ports/chat.ts';
import type { LivePage } from './page.ts';

/** The sources of tocsin.yaml: where each takes deliveries, how large, and why those of its sender are refused. */
export function sourcesPage(host: ChatHost): LivePage {
  const rows = async () => {
    const sources = host.sources();
    if (sources.length === 0) return html`<p class="none">There are no sources. Name one in tocsin.yaml.</p>`;
    return html`<ul class="rows">${sources.map(renderRow)}</ul>`;
  };
  return {
    title: 'Sources',
    here: '/sources',
    regions: [{ id: 'source-rows', render: rows }],
    list: null,
    boxes: async () => [],
    render: async () => html`<h1 class="page-title">Sources</h1><div id="source-rows">${await rows()}</div>`,
  };
}

function renderRow({ name, type, about, maxBody, trouble }: SourceView): Html {
  const takes =
    maxBody !== null &&
    html`<span class="row-why">Takes deliveries at <code>/events/${encodeURIComponent(name)}</code>, of ${maxBody.toLocaleString('en')} bytes at most (maxBody).</span>`;
  return html`<li class="row"><span class="row-title">${name}</span> <span class="badge">${type}</span>
<span class="row-why">${trouble === null ? about : html`<b>Not well:</b> ${trouble}`}</span>
${takes}</li>`;
}
