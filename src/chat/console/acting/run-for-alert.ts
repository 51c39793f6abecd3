import { z } from 'zod';
import type { Json } from '../../../kernel/canonical.ts';
import { type Html, html } from '../../../kernel/html.ts';
import { cutLine } from '../../../kernel/text.ts';
import type { Alert } from '../../../model/alert.ts';
import type { ChatHost, Explanation, RunbookView } from '../../../ports/chat.ts';
import type { LivePage } from '../pages/page.ts';
import { empty, renderRunForm } from '../run-form.ts';
import { alertPath, type Viewer } from '../viewer.ts';

export const runForAlertQuery = z.object({ runbook: z.string().max(100).optional().catch(undefined) });

/** The link to the page, for pages about the alert. */
export function renderRunLink(alert: string): Html {
  return html`<p class="more run-for"><a class="button plain" href="${`${alertPath(alert)}/run`}">Run for this alert…</a></p>`;
}

/**
 * What can be run for an alert: first the runbooks whose trigger takes it, with the parameters that the trigger makes of it, then all others.
 * Null when there is no such alert.
 */
export async function runForAlertPage(
  host: ChatHost,
  id: string,
  query: z.infer<typeof runForAlertQuery>,
): Promise<LivePage | null> {
  const alert = await host.store.alert(id);
  if (alert === null) return null;
  return {
    title: `Run for ${alert.title}`,
    here: '/alerts',
    regions: [],
    list: null,
    boxes: async () => [],
    async render(viewer) {
      const explained = await host.explain(id);
      const holding = new Map((explained?.runbooks ?? []).filter(one => one.holds).map(one => [one.runbook, one]));
      const { runbooks } = host.catalogue();
      const fitting = runbooks.filter(one => holding.has(one.id));
      const others = runbooks.filter(one => !holding.has(one.id));
      // One form at a time; the first that fits is open.
      const chosen = runbooks.find(one => one.id === query.runbook) ?? fitting[0];
      const list = (some: readonly RunbookView[]) =>
        html`<ul class="rows">${some.map(one => renderRow(one, one === chosen, holding.get(one.id)))}</ul>`;
      return html`<p class="crumb"><a href="/alerts">Alerts</a> · <a href="${alertPath(id)}">${cutLine(alert.title, 80)}</a></p>
<h1 class="page-title">Run for ${cutLine(alert.title, 200)}</h1>
${alert.state === 'resolved' && html`<p class="text">This alert is resolved.</p>`}
${chosen !== undefined && renderChosen(chosen, alert, holding.get(chosen.id), viewer)}
<h2>Runbooks for this alert</h2>${fitting.length === 0 ? html`<p class="none">No runbook has a trigger that takes this alert.</p>` : list(fitting)}
${others.length > 0 && html`<h2>All others</h2>${list(others)}`}`;
    },
  };
}

type Explained = Explanation['runbooks'][number];

function renderRow(runbook: RunbookView, here: boolean, explained: Explained | undefined): Html {
  const decision = explained?.decision ?? null;
  return html`<li class="row"><a class="row-main" href="${`?runbook=${encodeURIComponent(runbook.id)}`}" ${here && html`aria-current="true"`}><span class="row-title">${cutLine(runbook.title, 160)}</span> <code>${runbook.id}</code></a>${
    explained !== undefined &&
    html`<span class="row-why">${cutLine(explained.because, 300)}${decision !== null && html`. By itself: ${decision.verdict}, ${cutLine(decision.because, 300)}`}</span>`
  }</li>`;
}

function renderChosen(runbook: RunbookView, alert: Alert, explained: Explained | undefined, viewer: Viewer): Html {
  const values = valuesFor(runbook, alert, explained?.params ?? null);
  return html`<h2>${cutLine(runbook.title, 160)} <code>${runbook.id}</code></h2>
${renderRunForm(runbook, viewer, { ...empty, values, alert: alert.id })}`;
}

/** What the trigger makes of the alert; else a label that is called like the parameter. */
function valuesFor(
  runbook: RunbookView,
  alert: Alert,
  params: Readonly<Record<string, Json>> | null,
): Record<string, string> {
  const values: Record<string, string> = {};
  for (const { name } of runbook.params) {
    const made = params !== null && Object.hasOwn(params, name) ? params[name] : undefined;
    const label = Object.hasOwn(alert.labels, name) ? alert.labels[name] : undefined;
    if (made !== undefined && made !== null) values[name] = typeof made === 'string' ? made : JSON.stringify(made);
    else if (params === null && label !== undefined) values[name] = label;
  }
  return values;
}
