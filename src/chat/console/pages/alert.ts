import { showDuration } from '../../../kernel/duration.ts';
import { type Html, html } from '../../../kernel/html.ts';
import { cutLine, cutText, mixedWords } from '../../../kernel/text.ts';
import { nameOf } from '../../../model/actor.ts';
import { type Alert, isUnseen } from '../../../model/alert.ts';
import { type Entry, streamOf } from '../../../model/journal.ts';
import { changesSource } from '../../../ports/catalogue.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import { renderRunLink } from '../acting/run-for-alert.ts';
import { renderCard, renderLink } from '../cards.ts';
import { renderCopy } from '../copy.ts';
import { domId, showAgo, showElapsed, showTime, textOfTime, threadPath, type Viewer } from '../viewer.ts';
import { renderChart } from './alert-chart.ts';
import { renderChangesOf } from './changes.ts';
import { actsOf, type DoneAct, type Episode, endText, episodesOf } from './episodes.ts';
import type { LivePage } from './page.ts';
import { renderRuns } from './runs.ts';

/** How many episodes and acts one page lists. */
const mostEpisodes = 50;
const mostActs = 50;

/** One alert: its card with the buttons, all values in full, every episode, its runs, and what people did. Null when there is none. */
export async function alertPage(host: ChatHost, id: string): Promise<LivePage | null> {
  const alert = await host.store.alert(id);
  if (alert === null) return null;
  const now = async () => (await host.store.alert(id)) ?? alert;
  const read = createReader(host, id);
  const card = async (viewer: Viewer) => {
    const found = await host.details('alert', id);
    return found === null ? html`` : renderCard(found, { id: domId('details', id), at: null, href: null }, viewer);
  };
  const runs = async (viewer: Viewer) => {
    const found = await host.store.runs({ alert: id, limit: 50 });
    return found.length === 0 ? html`<p class="none">No runbook has run for it.</p>` : renderRuns(found, viewer);
  };
  const chart = async (viewer: Viewer) => renderChart(await now(), viewer);
  const values = async () => renderValues(await now());
  const episodes = async (viewer: Viewer) => {
    const present = await now();
    return renderEpisodes(present, episodesOf(present, await read(present)), viewer);
  };
  const acts = async (viewer: Viewer) => {
    const found = actsOf(await read(await now()), at => textOfTime(at, viewer));
    return renderActs(found, viewer);
  };
  // An alert of the ledger stands for all unpermitted changes of one principal.
  const ofChanges = alert.source === changesSource;
  const changes = async (viewer: Viewer) => renderChangesOf(id, host, viewer);
  return {
    title: alert.title,
    here: '/alerts',
    regions: [
      { id: 'alert-card', render: card },
      { id: 'alert-chart', render: chart },
      ...(ofChanges ? [{ id: 'alert-changes', render: changes }] : []),
      { id: 'alert-runs', render: runs },
      { id: 'alert-episodes', render: episodes },
      { id: 'alert-acts', render: acts },
      { id: 'alert-values', render: values },
    ],
    list: null,
    boxes: async () => [],
    async render(viewer) {
      const thread = await host.store.post('console', `alert/${id}/${alert.episode}`);
      const who = viewer.who?.kind === 'person' ? viewer.who.id : null;
      return html`<p class="crumb"><a href="/alerts">Alerts</a>${thread !== null && html` · <a href="${threadPath(thread.key)}">Thread</a>`}${who !== null && html` · <a href="${`/people?${new URLSearchParams({ person: who, alert: id })}`}">What I may do</a>`}</p>
<h1 class="page-title">${cutLine(alert.title, 200)}</h1><div id="alert-card">${await card(viewer)}</div>
<div id="alert-chart">${await chart(viewer)}</div>
${ofChanges && html`<h2>Changes</h2><div id="alert-changes">${await changes(viewer)}</div>`}
<h2>Runs</h2>${renderRunLink(id)}<div id="alert-runs">${await runs(viewer)}</div>
<h2>Episodes</h2><div id="alert-episodes">${await episodes(viewer)}</div>
<h2>What was done about it</h2><div id="alert-acts">${await acts(viewer)}</div>
<h2>All values</h2><div id="alert-values">${await values()}</div>`;
    },
  };
}

/** The journal of the alert, read once for each of its versions: an alert that fires for weeks has thousands of entries. */
function createReader({ store }: ChatHost, id: string): (alert: Alert) => Promise<readonly Entry[]> {
  let known: { version: number; entries: Promise<Entry[]> } | null = null;
  return ({ version }) => {
    if (known?.version !== version) {
      const entries = store.stream(streamOf.alert(id));
      known = { version, entries };
      entries.catch(() => {
        known = null;
      });
    }
    return known.entries;
  };
}

function renderEpisodes(alert: Alert, all: readonly Episode[], viewer: Viewer): Html {
  if (isUnseen(alert)) return html`<p class="none">Only its resolve is known: it was never told as firing.</p>`;
  if (all.length === 0) return html`<p class="none">The journal knows of none.</p>`;
  const rest = all.length - mostEpisodes;
  return html`<ul class="rows">${all.slice(0, mostEpisodes).map(one => renderEpisode(one, alert, viewer))}</ul>${rest > 0 && html`<p class="none">and ${rest} earlier ones, which the journal has.</p>`}`;
}

function renderEpisode(episode: Episode, alert: Alert, viewer: Viewer): Html {
  const { number, startsAt, heardAt, endedAt, end, count, reopened } = episode;
  const state = endedAt === null ? alert.state : 'resolved';
  const late = heardAt - startsAt > 60_000 && html` · heard ${showDuration(heardAt - startsAt)} later`;
  return html`<li class="row alert-${state} ${endedAt === null && `severity-${alert.severity}`}"><a class="row-main" href="${threadPath(`alert/${alert.id}/${number}`)}"><span class="row-title">Episode ${number}</span></a> <span class="badge state-badge">${state}</span>
<span class="row-sub">began ${showTime(startsAt, viewer)} · ${endedAt === null ? html`fires for ${showElapsed(startsAt, null, viewer)}` : html`ended ${showTime(endedAt, viewer)}, after ${showElapsed(startsAt, endedAt, viewer)}`}${late} · delivered ${count === 1 ? 'once' : `${count} times`}${reopened > 0 && ` · fired again ${reopened === 1 ? 'once' : `${reopened} times`} after its resolve`}</span>${
    endedAt !== null &&
    html`<span class="row-why">${end === null ? 'how it ended is not known' : cutText(endText(end, alert.source), 500)}</span>`
  }</li>`;
}

function renderActs(acts: readonly DoneAct[], viewer: Viewer): Html {
  if (acts.length === 0) return html`<p class="none">Nobody has done anything about it.</p>`;
  const rest = acts.length - mostActs;
  return html`<ul class="rows">${acts
    .slice(0, mostActs)
    .map(
      ({ at, actor, text, reason }) =>
        html`<li class="row"><span><b>${cutLine(nameOf(actor), 100)}</b> ${cutLine(text, 200)}</span> <span class="sub">${showTime(at, viewer)} (${showAgo(at, viewer)})</span>${reason !== null && html`<span class="row-why">${cutText(reason, 2000)}</span>`}</li>`,
    )}</ul>${rest > 0 && html`<p class="none">and ${rest} earlier ones, which the journal has.</p>`}`;
}

function renderValues(alert: Alert): Html {
  const { id, source, fingerprint, severity, trusted, labels, annotations, links } = alert;
  const own: [string, string][] = [
    ['id', id],
    ['source', `${source}${trusted ? '' : ', which nothing proves'}`],
    ['fingerprint', fingerprint],
    ['severity', severity],
  ];
  return html`${renderTable('Alert', own)}${renderTable('Labels', Object.entries(labels))}${renderTable('Annotations', Object.entries(annotations))}${
    links.length > 0 &&
    html`<h3>Links</h3><p class="links">${links.map(({ label, url }) => renderLink(label, url))}</p>`
  }`;
}

/** Longer values are folded, so that one of a megabyte does not hide the others; nothing is cut. */
const long = 2000;

function renderTable(title: string, pairs: readonly (readonly [string, string])[]): Html {
  if (pairs.length === 0) return html`<h3>${title}</h3><p class="none">None.</p>`;
  return html`<h3>${title}</h3><dl class="values">${pairs.map(([name, value]) => {
    const id = domId(`value-${title}`, name);
    const mixed = mixedWords(value.slice(0, long));
    const text = html`<code class="value" id="${id}">${value}</code>`;
    return html`<div><dt>${name}</dt><dd>${
      value.length > long
        ? html`<details id="${`${id}-fold`}"><summary>${value.length.toLocaleString('en')} characters: ${cutLine(value, 120)}</summary>${text}</details>`
        : text
    }${mixed.length > 0 && html` <span class="odd" title="Letters of different scripts that look alike">mixes scripts: ${mixed.slice(0, 5).join(', ')}</span>`}${renderCopy(id, name)}</dd></div>`;
  })}</dl>`;
}
