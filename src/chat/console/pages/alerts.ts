import { z } from 'zod';
import { type Html, html } from '../../../kernel/html.ts';
import { cutLine } from '../../../kernel/text.ts';
import { type Alert, alertState } from '../../../model/alert.ts';
import { changesSource } from '../../../ports/catalogue.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import { renderCard } from '../cards.ts';
import { domId, showAgo, threadPath, type Viewer } from '../viewer.ts';
import { renderChangesOf } from './changes.ts';
import { afterId, renderOlder } from './older.ts';
import type { LivePage } from './page.ts';
import { renderRuns } from './runs.ts';

export const alertsQuery = z.object({
  state: z.union([z.literal('all'), alertState]).catch('all'),
  after: afterId,
});

const perPage = 200;

export function alertsPage(host: ChatHost, query: z.infer<typeof alertsQuery>): LivePage {
  const rows = async (viewer: Viewer) => {
    const alerts = await host.store.alerts({
      limit: perPage,
      ...(query.state === 'all' ? {} : { state: query.state }),
      ...(query.after === undefined ? {} : { after: query.after }),
    });
    if (alerts.length === 0) return html`<p class="none">No alerts here.</p>`;
    return html`<ul class="rows">${alerts.map(alert => renderRow(alert, viewer))}</ul>${renderOlder('/alerts', query, alerts, perPage)}`;
  };
  return {
    title: 'Alerts',
    here: '/alerts',
    regions: [{ id: 'alert-rows', render: rows }],
    list: null,
    boxes: async () => [],
    render: async viewer => html`<h1 class="page-title">Alerts</h1>
<nav class="tabs" aria-label="Filter">${['all', ...alertState.options].map(
      name =>
        html`<a href="/alerts?state=${name}" ${name === query.state && html`aria-current="true"`}>${name[0]?.toUpperCase()}${name.slice(1)}</a>`,
    )}</nav>
<div id="alert-rows">${await rows(viewer)}</div>`,
  };
}

function renderRow(alert: Alert, viewer: Viewer): Html {
  const since = alert.state === 'resolved' && alert.resolvedAt !== null ? alert.resolvedAt : alert.startsAt;
  return html`<li class="row alert-${alert.state} severity-${alert.severity}"><a class="row-main" href="${`/alerts/${encodeURIComponent(alert.id)}`}"><span class="row-title">${cutLine(alert.title, 160)}</span></a>
<span class="badge state-badge">${alert.state}</span>
<span class="row-sub">${alert.severity} · ${alert.source} · ${alert.state === 'resolved' ? 'resolved' : 'since'} ${showAgo(since, viewer)}${
    alert.count > 1 && ` · delivered ${alert.count} times`
  }${alert.acknowledgedBy !== null && html` · acknowledged by ${alert.acknowledgedBy}`}</span></li>`;
}

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
