import { type Html, html } from '../../../kernel/html.ts';
import { cutLine, cutText } from '../../../kernel/text.ts';
import type { ChangeState } from '../../../model/change.ts';
import type { Event } from '../../../model/event.ts';
import { streamOf } from '../../../model/journal.ts';
import type { Held } from '../../../model/ledger/held.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import { permitPath, showTime, type Viewer } from '../viewer.ts';
import { heldStates, renderStands, whereText } from './changes.ts';
import { code, renderFacts, renderLinks, renderStreams } from './facts.ts';
import type { LivePage } from './page.ts';
import { renderPermit } from './permits.ts';
import { renderRuns } from './runs.ts';

/** One change: who did what where, before and after, what it was held against, and what became of it. Null when there is none of this id. */
export async function changePage(host: ChatHost, id: string): Promise<LivePage | null> {
  const first = await host.store.document('held', id);
  if (first === null) return null;
  const read = async () => (await host.store.document('held', id)) ?? first;
  const head = async (viewer: Viewer) => renderHead(await read(), viewer);
  const permit = async (viewer: Viewer) => renderNearest(await read(), host, viewer);
  const work = async (viewer: Viewer) => renderWork(await read(), host, viewer);
  const journal = (viewer: Viewer) => renderStreams([streamOf.held(id)], host, viewer);
  return {
    title: first.title,
    here: '/changes',
    regions: [
      { id: 'change-head', render: head },
      { id: 'change-permit', render: permit },
      { id: 'change-work', render: work },
      { id: 'change-journal', render: journal },
    ],
    list: null,
    boxes: async () => [],
    async render(viewer) {
      const event = await eventOf(first.event, host);
      return html`<p class="crumb"><a href="/changes">Changes</a></p>
<h1 class="page-title">${cutLine(first.title, 200)}</h1>
<div id="change-head" aria-live="polite">${await head(viewer)}</div>
<h2>Before and after</h2>${renderStates(event)}
<h2>Held against</h2><div id="change-permit">${await permit(viewer)}</div>
<h2>What came of it</h2><div id="change-work">${await work(viewer)}</div>
<h2>Journal</h2><div id="change-journal">${await journal(viewer)}</div>`;
    },
  };
}

async function eventOf(id: string, host: ChatHost): Promise<Event | null> {
  const [entry] = await host.store.stream(streamOf.event(id));
  return entry?.fact.kind === 'event.accepted' ? entry.fact.event : null;
}

function renderHead(held: Held, viewer: Viewer): Html {
  const at = (time: number | null) => (time === null ? null : showTime(time, viewer));
  return html`<p class="state-line held-${held.state}"><span class="badge state-badge">${heldStates[held.state]}</span>${renderStands(held, viewer)}<span class="because">${cutText(held.because, 2000)}</span></p>
${renderFacts([
  ['Who', held.principal === '' ? 'nobody is named' : code(held.principal)],
  ['What', code(held.action)],
  ['On', code(held.resource)],
  ['Where', cutLine(whereText(held), 300)],
  ['When', at(held.occurredAt)],
  ['Told by', cutLine(held.source, 100)],
  [
    'Its sender',
    held.trusted
      ? 'proved itself'
      : html`<b class="unproven">did not prove itself</b>: nothing is undone by itself, and it ends no window`,
  ],
  ['Will be judged', at(held.dueAt)],
  ['Judged', at(held.judgedAt)],
  ['Stood until', at(held.endedAt)],
])}`;
}

function renderStates(event: Event | null): Html {
  if (event === null || event.body.kind !== 'change')
    return html`<p class="none">The event is not in the journal any more.</p>`;
  const { before, after, links } = event.body;
  if (before === undefined && after === undefined)
    return html`<p class="none">Its sender tells neither what stood there before nor what it became.</p>${renderLinks(links)}`;
  return html`<div class="before-after" role="group" tabindex="0" aria-label="Before and after"><table><thead><tr><th scope="col">Setting</th><th scope="col">Before</th><th scope="col">After</th></tr></thead><tbody>${settings(
    before,
    after,
  ).map(
    ([name, was, is]) =>
      html`<tr ${was !== is && html`class="differs"`}><th scope="row">${cutLine(name, 100)}</th><td>${shown(was)}</td><td>${shown(is)}</td></tr>`,
  )}</tbody></table></div>${renderLinks(links)}`;
}

function shown(value: string | null): Html {
  return value === null ? html`<span class="sub">not told</span>` : html`<code>${cutText(value, 1000)}</code>`;
}

/** Each setting with what it was and what it became; null where the sender does not say. */
function settings(
  before: ChangeState | undefined,
  after: ChangeState | undefined,
): (readonly [string, string | null, string | null])[] {
  const factsOf = (state: ChangeState | undefined): Readonly<Record<string, string>> =>
    state === undefined ? {} : state.as === 'facts' ? state.facts : { digest: state.digest };
  const [was, is] = [new Map(Object.entries(factsOf(before))), new Map(Object.entries(factsOf(after)))];
  return [...new Set([...was.keys(), ...is.keys()])].map(name => [name, was.get(name) ?? null, is.get(name) ?? null]);
}

/** The permit that fits, or the nearest that does not. */
async function renderNearest(held: Held, host: ChatHost, viewer: Viewer): Promise<Html> {
  if (held.state === 'open') return html`<p class="none">It is held against the permits when its time has come.</p>`;
  const permit = held.permit === null ? null : await host.store.document('permit', held.permit);
  if (permit === null) return html`<p class="none">There is no permit that is near to it.</p>`;
  const fitted = !['unpermitted', 'undone', 'ended'].includes(held.state);
  const why = fitted ? 'It fits this permit:' : `The nearest permit does not fit: ${cutText(held.because, 2000)}`;
  return html`<p class="text">${why} <a href="${permitPath(permit.id)}">${permit.id}</a></p>${renderPermit(permit, viewer)}`;
}

/** Its alert, and the runs for it: what was undone, or is asked about. */
async function renderWork(held: Held, host: ChatHost, viewer: Viewer): Promise<Html> {
  if (held.alert === null)
    return html`<p class="none">${held.state === 'open' ? 'Nothing yet.' : 'It needed nobody.'}</p>`;
  const [alert, runs] = await Promise.all([
    host.store.alert(held.alert),
    host.store.runs({ alert: held.alert, limit: 20 }),
  ]);
  return html`<p class="text">Alert: <a href="${`/alerts/${encodeURIComponent(held.alert)}`}">${alert === null ? held.alert : cutLine(alert.title, 200)}</a>${alert !== null && ` (${alert.state})`}</p>
${runs.length === 0 ? html`<p class="none">No runbook has run for it.</p>` : renderRuns(runs, viewer)}`;
}
