import { html } from '../../../kernel/html.ts';
import { cutLine } from '../../../kernel/text.ts';
import { changesSource } from '../../../ports/catalogue.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import { renderCard } from '../cards.ts';
import { domId, threadPath, type Viewer } from '../viewer.ts';
import { renderChangesOf } from './changes.ts';
import type { LivePage } from './page.ts';
import { renderRuns } from './runs.ts';

/** One alert: what is known, its threads and its runs. Null when there is no such alert. */
export async function alertPage(host: ChatHost, id: string): Promise<LivePage | null> {
  const alert = await host.store.alert(id);
  if (alert === null) return null;
  const card = async (viewer: Viewer) => {
    const found = await host.details('alert', id);
    return found === null ? html`` : renderCard(found, { id: domId('details', id), at: null, href: null }, viewer);
  };
  const runs = async (viewer: Viewer) => {
    const found = await host.store.runs({ alert: id, limit: 50 });
    return found.length === 0 ? html`<p class="none">No runbook has run for it.</p>` : renderRuns(found, viewer);
  };
  // An alert of the ledger stands for all unpermitted changes of one principal.
  const ofChanges = alert.source === changesSource;
  const changes = async (viewer: Viewer) => renderChangesOf(id, host, viewer);
  return {
    title: alert.title,
    here: '/alerts',
    regions: [
      { id: 'alert-card', render: card },
      ...(ofChanges ? [{ id: 'alert-changes', render: changes }] : []),
      { id: 'alert-runs', render: runs },
    ],
    list: null,
    boxes: async () => [],
    async render(viewer) {
      const thread = await host.store.post('console', `alert/${id}/${alert.episode}`);
      return html`<p class="crumb"><a href="/alerts">Alerts</a>${thread !== null && html` · <a href="${threadPath(thread.key)}">Thread</a>`}</p>
<h1 class="page-title">${cutLine(alert.title, 200)}</h1><div id="alert-card">${await card(viewer)}</div>
${ofChanges && html`<h2>Changes</h2><div id="alert-changes">${await changes(viewer)}</div>`}
<h2>Runs</h2><div id="alert-runs">${await runs(viewer)}</div>`;
    },
  };
}
