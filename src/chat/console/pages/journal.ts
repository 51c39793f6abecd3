import { type Html, html } from '../../../kernel/html.ts';
import { cutLine } from '../../../kernel/text.ts';
import { nameOf } from '../../../model/actor.ts';
import type { Entry } from '../../../model/journal.ts';
import { journalWords } from '../../../model/search/words.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import { oncePerViewer } from '../lists/counts.ts';
import { type Found, findEntries, type JournalQuery, shownFact } from '../lists/journal.ts';
import { firstRows, listPath, mostRows, readSearch, renderSearch } from '../lists/listing.ts';
import { createRowList } from '../lists/live-rows.ts';
import { showTime, type Viewer } from '../viewer.ts';
import type { LivePage } from './page.ts';

/** The journal, newest first, with the state of its verification. */
export function journalPage(host: ChatHost, query: JournalQuery): LivePage {
  const search = readSearch(query.q ?? '', journalWords);
  const { terms } = search.result;
  const times = { from: query.from, to: query.to };
  const state = async () => renderState(await host.journalState());
  const find = oncePerViewer(viewer => findEntries(host.store, query, terms, query.show, viewer.now));
  const list = createRowList('journal-rows', async viewer => {
    if (!search.result.ok) return [];
    const { entries } = await find(viewer);
    if (entries.length === 0)
      return [{ id: 'no-rows', html: html`<li class="none" id="no-rows">No entries here.</li>` }];
    return entries.map(entry => ({ id: `entry-${entry.seq}`, html: renderEntry(entry, viewer) }));
  });
  const more = async (viewer: Viewer) => {
    if (!search.result.ok) return html``;
    const found = await find(viewer);
    const note =
      terms.length > 0 &&
      html` <span class="tally">${found.entries.length} among the ${found.looked.toLocaleString('en-GB')} looked at</span>`;
    const first = found.lookedTo <= 1 || found.looked >= found.all;
    return html`${!first && renderOlder(query, found)}${note}`;
  };
  const total = async (viewer: Viewer) => {
    const { all } = await find(viewer);
    const where = query.from === undefined && query.to === undefined ? '' : ' in this time';
    return html`<p class="total" id="total">${all === 1 ? '1 entry' : `${all.toLocaleString('en-GB')} entries`}${where}</p>`;
  };
  const live = query.before === undefined;
  return {
    title: 'Journal',
    here: '/journal',
    regions: [
      { id: 'journal-state', render: state },
      ...(live
        ? [
            { id: 'journal-total', render: total },
            { id: 'more', render: more },
          ]
        : []),
    ],
    ...(live ? { rows: list } : {}),
    list: null,
    boxes: async () => [],
    async render(viewer) {
      const rows = await list.read(viewer);
      const file = listPath('/console/export/journal.ndjson', { ...times, q: search.text });
      return html`<div class="list-page" id="list-page"><h1 class="page-title">Journal</h1>
<div id="journal-state" aria-live="polite">${await state()}</div>${renderSearch('/journal', search, renderTimes(query))}
<div id="journal-total">${await total(viewer)}</div>
<ol class="entries" reversed id="journal-rows">${rows.map(row => row.html)}</ol>
<div class="more" id="more">${await more(viewer)}</div>${search.result.ok && html`<p class="exports">Export what is found: <a href="${file}" download>NDJSON</a></p>`}</div>`;
    },
  };
}

/** Further entries below these on the same page; from a length on, or where a search has looked far enough, the next page. */
function renderOlder(query: JournalQuery, { entries, lookedTo }: Found): Html {
  if (entries.length < query.show || query.show >= mostRows)
    return html`<a class="button plain" href="${listPath('/journal', { ...query, show: firstRows, before: lookedTo })}">Older entries</a>`;
  const href = listPath('/journal', { ...query, show: Math.min(mostRows, query.show + firstRows) });
  return html`<a class="button plain" data-more="yes" hx-get="${href}" hx-target="#main" hx-select="#main > *" hx-swap="innerMorph" href="${`${href}#entry-${lookedTo}`}">Older entries</a>`;
}

function renderTimes({ from, to }: JournalQuery): Html {
  return html`<label for="from">From (UTC)</label><input type="datetime-local" id="from" name="from" value="${from}"><label for="to">to</label><input type="datetime-local" id="to" name="to" value="${to}">`;
}

function renderState(state: Awaited<ReturnType<ChatHost['journalState']>>): Html {
  if (!state.ok) {
    return html`<p class="verify verify-bad"><b>The journal does not verify.</b> ${state.because} Checked ${state.checked} of ${state.head} entries. Keep a copy of the data folder before anything else.</p>`;
  }
  if (state.checked < state.head) {
    return html`<p class="verify verify-part"><b>Verifying.</b> ${state.checked} of ${state.head} entries form one unbroken chain so far.</p>`;
  }
  return html`<p class="verify verify-good"><b>Verified.</b> All ${state.head} entries form one unbroken chain.</p>`;
}

/** What an event is, in a line: a change stands nowhere else. */
function told(fact: Entry['fact']): Html | false {
  if (fact.kind !== 'event.accepted') return false;
  const { kind, title } = fact.event.body;
  return html`<span class="entry-event">${kind}: ${cutLine(title, 160)}</span>`;
}

export function renderEntry(entry: Entry, viewer: Viewer): Html {
  const { kind, ...body } = shownFact(entry.fact);
  return html`<li class="entry" value="${entry.seq}" id="${`entry-${entry.seq}`}"><p class="entry-line"><span class="entry-seq">${entry.seq}</span><b>${kind}</b>${told(entry.fact)}<span class="row-sub">${cutLine(nameOf(entry.actor), 120)} · ${showTime(entry.at, viewer)} · <code>${cutLine(entry.stream, 120)}</code></span></p>
<details id="${`entry-body-${entry.seq}`}"><summary>Body and hash</summary><pre class="code" tabindex="0">${JSON.stringify(body, null, 2).slice(0, 8000)}</pre><p class="hash">hash <code>${entry.hash}</code></p><p class="hash">previous <code>${entry.prev}</code></p></details></li>`;
}
