import { type Html, html } from '../../../kernel/html.ts';
import { cutLine } from '../../../kernel/text.ts';
import type { ChatHost, RunbookView } from '../../../ports/chat.ts';
import { runbookPath } from '../viewer.ts';
import type { LivePage } from './page.ts';

export function runbooksPage(host: ChatHost): LivePage {
  const rows = async () => {
    const { runbooks } = host.catalogue();
    if (runbooks.length === 0)
      return html`<p class="none">There are no runbooks. Put one in the folder that tocsin.yaml names.</p>`;
    return html`<ul class="rows">${runbooks.map(renderRow)}</ul>`;
  };
  return {
    title: 'Runbooks',
    here: '/runbooks',
    regions: [{ id: 'runbook-rows', render: rows }],
    list: null,
    boxes: async () => [],
    render: async () => html`<h1 class="page-title">Runbooks</h1><div id="runbook-rows">${await rows()}</div>`,
  };
}

function renderRow(runbook: RunbookView): Html {
  return html`<li class="row"><a class="row-main" href="${runbookPath(runbook.id)}"><span class="row-title">${cutLine(runbook.title, 160)}</span> <code>${runbook.id}</code></a>
<span class="badge risk-${runbook.risk}">${riskText(runbook.risk)}</span>
<span class="row-sub">${cutLine(runbook.about, 300)}</span></li>`;
}

export function riskText(risk: string): string {
  return risk === 'none' ? 'reads only' : `${risk} risk`;
}
