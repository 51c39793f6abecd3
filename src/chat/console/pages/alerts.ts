import { z } from 'zod';
import { type Html, html } from '../../../kernel/html.ts';
import { cutLine } from '../../../kernel/text.ts';
import { type Alert, alertState } from '../../../model/alert.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import { showAgo, type Viewer } from '../viewer.ts';
import { afterId, renderOlder } from './older.ts';
import type { LivePage } from './page.ts';

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
