import { type Html, html } from '../../../kernel/html.ts';
import { cutLine } from '../../../kernel/text.ts';
import type { DeliveredEvent, DeliveryCount, DeliveryOutcome, DeliveryRecord } from '../../../model/delivery.ts';
import type { ChatHost, SourceDetail } from '../../../ports/chat.ts';
import { renderForm } from '../buttons.ts';
import { showAgo, showTime, threadPath, type Viewer } from '../viewer.ts';
import type { LivePage } from './page.ts';

/** One source: what to do at its sender, and what became of what came. Null when there is none of this name. */
export async function sourcePage(host: ChatHost, name: string): Promise<LivePage | null> {
  const first = host.source(name);
  if (first === null) return null;
  const find = () => host.source(name) ?? first;
  const head = async () => renderHead(find());
  const counts = async (viewer: Viewer) => renderCounts(await host.store.deliveryCounts(name), viewer);
  const rows = async (viewer: Viewer) => renderDeliveries(await host.store.deliveries(name), viewer);
  const takes = first.url !== null;
  return {
    title: name,
    here: '/sources',
    regions: [
      { id: 'source-head', render: head },
      ...(takes
        ? [
            { id: 'source-counts', render: counts },
            { id: 'source-deliveries', render: rows },
          ]
        : []),
    ],
    list: null,
    boxes: async () => [],
    async render(viewer) {
      const source = find();
      return html`<p class="crumb"><a href="/sources">Sources</a></p>
<h1 class="page-title">${cutLine(name, 200)}</h1>
<div id="source-head">${await head()}</div>
${takes && renderTest(source, viewer)}
${
  takes &&
  html`<h2>Deliveries</h2><div id="source-counts">${await counts(viewer)}</div>
<div id="source-deliveries">${await rows(viewer)}</div>`
}
${source.steps.length > 0 && renderSetup(source)}
<h2>Options in tocsin.yaml</h2><pre class="code" tabindex="0" aria-label="Options">${source.options}</pre>
${takes && html`<p class="hint below">To keep the next delivery as a file, without its secrets: <code>tocsin record ${name}</code></p>`}`;
    },
  };
}

function renderHead({ type, about, url, maxBody, proof, trouble }: SourceDetail): Html {
  const proven =
    proof !== null &&
    (proof
      ? html`<span class="badge proof-yes">only proven senders</span>`
      : html`<span class="badge proof-no">unsigned: can only ask or notify</span>`);
  return html`<p class="state-line"><span class="badge">${type}</span>${proven}</p>
<p class="text">${about}</p>
${trouble !== null && html`<p class="because"><b>Not well:</b> ${trouble}</p>`}
${
  url === null || maxBody === null
    ? html`<p class="hint">${
        proof === null
          ? 'It makes its events itself and takes no deliveries.'
          : 'It takes what is sent by a way of its own and not by HTTP, so single deliveries are not shown here.'
      }</p>`
    : html`<p class="hint">Takes deliveries at <code>${url}</code>, of ${maxBody.toLocaleString('en')} bytes at most.</p>`
}`;
}

function renderTest({ name }: SourceDetail, viewer: Viewer): Html {
  const act = JSON.stringify({ kind: 'test', source: name });
  const button = html`<button class="button" id="source-test">Deliver a test</button>`;
  return html`<section class="card test-form" aria-label="Test">${renderForm('/console/act', 'test-answer', button, viewer, { act, label: 'Test' })}
<p class="hint">Sends the source’s own example through it, proven as its sender would be. It is posted where the routes say, marked as a test. It opens no alert, nothing is decided or run for it, and nobody is paged.</p>
<div class="slot" id="test-answer" aria-live="polite" hx-morph-skip></div></section>`;
}

function renderSetup({ type, steps, page }: SourceDetail): Html {
  return html`<h2>At its sender</h2><p class="hint">With the options that <code>tocsin source add ${type}</code> writes:</p>
<ol class="setup-steps">${steps.map(step => html`<li>${step}</li>`)}</ol>
${page !== null && html`<p class="hint below">More: <code>${page}</code></p>`}`;
}

const countNames: Readonly<Record<string, string>> = {
  accepted: 'Accepted',
  events: 'Events in them',
  duplicate: 'Seen before',
  stale: 'Older than known',
  notice: 'Notices',
  echo: 'Echoes of Tocsin itself',
  test: 'Tests',
};

function renderCounts(counts: readonly DeliveryCount[], viewer: Viewer): Html {
  if (counts.length === 0) return html`<p class="none">Nothing has arrived.</p>`;
  const shown = (what: string) => counts.filter(one => one.what === what);
  const known = Object.keys(countNames).flatMap(shown);
  const refused = counts.filter(one => one.what.startsWith('refused/'));
  return html`<dl class="fields">${[...known, ...refused].map(({ what, count, at }) => {
    const label = countNames[what] ?? html`Refused: <code>${what.slice('refused/'.length)}</code>`;
    return html`<div><dt>${label}</dt><dd>${count.toLocaleString('en')} <span class="sub">last ${showAgo(at, viewer)}</span></dd></div>`;
  })}</dl>`;
}

function renderDeliveries(records: readonly DeliveryRecord[], viewer: Viewer): Html {
  if (records.length === 0)
    return html`<p class="none">No delivery is kept here. The last ones are shown as they come, refused ones too.</p>`;
  return html`<ul class="rows deliveries">${records.map(record => renderDelivery(record, viewer))}</ul>`;
}

function renderDelivery(record: DeliveryRecord, viewer: Viewer): Html {
  const { at, first, count, address, bytes, outcome, ring } = record;
  const taken = outcome.what === 'accepted';
  const state = taken ? (outcome.test ? 'test' : 'accepted') : 'refused';
  const from = address === null ? (taken ? null : 'from many addresses') : `from ${address}`;
  const facts = [
    ring === 'proven' ? 'proven' : 'not proven',
    from,
    bytes === null ? null : `${bytes.toLocaleString('en')} bytes`,
    count === 1 ? null : `${count.toLocaleString('en')} times`,
  ].filter(fact => fact !== null);
  const since = count > 1 && html` · since ${showTime(first, viewer)}`;
  return html`<li class="row delivery-${state}"><span class="badge">${state}</span> <span class="row-title">${taken ? titleOf(outcome) : html`<code>${outcome.code}</code>`}</span>
<span class="row-sub">${showAgo(at, viewer)} · ${facts.join(' · ')}${since}</span>
${taken ? renderEvents(outcome) : renderRefusal(outcome)}</li>`;
}

type Outcome<W extends DeliveryOutcome['what']> = Extract<DeliveryOutcome, { what: W }>;

function titleOf({ total, echo, records }: Outcome<'accepted'>): string {
  if (echo !== null) return `an echo of Tocsin itself (${echo}), dropped`;
  if (records !== undefined) return records === 1 ? '1 record' : `${records.toLocaleString('en')} records`;
  if (total === 0) return 'no event in it';
  return total === 1 ? '1 event' : `${total.toLocaleString('en')} events`;
}

function renderRefusal({ at, because }: Outcome<'refused'>): Html {
  return html`<span class="row-why">${at !== null && html`<code>${at}</code>: `}${cutLine(because, 300)}</span>`;
}

function renderEvents({ events, total }: Outcome<'accepted'>): Html {
  const rest = total - events.length;
  return html`${events.map(event => html`<span class="row-why">${renderEvent(event)}</span>`)}${
    rest > 0 && html`<span class="row-why">and ${rest.toLocaleString('en')} more</span>`
  }`;
}

function renderEvent({ event, kind, alert, episode, effect, duplicate }: DeliveredEvent): Html {
  if (duplicate) return html`seen before${alert !== null && html`, of ${renderAlert(alert, episode)}`}`;
  if (alert === null) return html`${kind} <code>${event}</code>`;
  return html`${effectText(effect)} ${renderAlert(alert, episode)}`;
}

function renderAlert(alert: string, episode: number | null): Html {
  const link = html`<a href="${`/alerts/${encodeURIComponent(alert)}`}">${alert}</a>`;
  if (episode === null || episode === 0) return link;
  return html`${link}, <a href="${threadPath(`alert/${alert}/${episode}`)}">episode ${episode}</a>`;
}

const effects: Readonly<Record<string, string>> = {
  opened: 'opened',
  refreshed: 'still fires:',
  resolved: 'resolved',
  unseen: 'a resolve of what never fired here:',
  reopened: 'fires again:',
  stale: 'older than what is known of',
  acknowledged: 'acknowledged',
  unacknowledged: 'no longer acknowledged:',
};

function effectText(effect: string | null): string {
  return effect === null ? 'about' : (effects[effect] ?? effect);
}
