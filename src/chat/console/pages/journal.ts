import { z } from 'zod';
import { type Html, html } from '../../../kernel/html.ts';
import { digits } from '../../../kernel/number.ts';
import { cutLine } from '../../../kernel/text.ts';
import { nameOf } from '../../../model/actor.ts';
import type { Entry } from '../../../model/journal.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import { showTime, type Viewer } from '../viewer.ts';
import type { LivePage } from './page.ts';

const perPage = 100;

export const journalQuery = z.object({ before: digits(z.int().min(2)).optional().catch(undefined) });

/** The journal, newest first, with the state of its verification. */
export function journalPage(host: ChatHost, query: z.infer<typeof journalQuery>): LivePage {
  const state = async () => renderState(await host.journalState());
  const rows = async (viewer: Viewer) => {
    const end = query.before ?? (await host.store.head()).seq + 1;
    const entries = await host.store.journal({
      after: Math.max(0, end - 1 - perPage),
      limit: Math.min(perPage, end - 1),
    });
    if (entries.length === 0) return html`<p class="none">The journal is empty.</p>`;
    const first = entries[0]?.seq ?? 1;
    return html`<ol class="entries" reversed>${entries.reverse().map(entry => renderEntry(entry, viewer))}</ol>${
      first > 1 && html`<p class="more"><a class="button plain" href="/journal?before=${first}">Older entries</a></p>`
    }`;
  };
  return {
    title: 'Journal',
    here: '/journal',
    regions: [
      { id: 'journal-state', render: state },
      ...(query.before === undefined ? [{ id: 'journal-rows', render: rows }] : []),
    ],
    list: null,
    boxes: async () => [],
    render: async viewer => html`<h1 class="page-title">Journal</h1>
<div id="journal-state" aria-live="polite">${await state()}</div>
<div id="journal-rows">${await rows(viewer)}</div>`,
  };
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

/** Without the word that the changes of a run carry: whoever reads it could make a change look permitted. */
function shownFact(fact: Entry['fact']): Entry['fact'] {
  if (fact.kind !== 'permit.issued' || fact.permit.nonce === '') return fact;
  const { permit } = fact;
  const key = permit.key === permit.nonce ? notShown : permit.key;
  return { ...fact, permit: { ...permit, nonce: notShown, key } };
}

const notShown = '(not shown)';

export function renderEntry(entry: Entry, viewer: Viewer): Html {
  const { kind, ...body } = shownFact(entry.fact);
  return html`<li class="entry" value="${entry.seq}" id="${`entry-${entry.seq}`}"><p class="entry-line"><span class="entry-seq">${entry.seq}</span><b>${kind}</b>${told(entry.fact)}<span class="row-sub">${cutLine(nameOf(entry.actor), 120)} · ${showTime(entry.at, viewer)} · <code>${cutLine(entry.stream, 120)}</code></span></p>
<details id="${`entry-body-${entry.seq}`}"><summary>Body and hash</summary><pre class="code" tabindex="0">${JSON.stringify(body, null, 2).slice(0, 8000)}</pre><p class="hash">hash <code>${entry.hash}</code></p><p class="hash">previous <code>${entry.prev}</code></p></details></li>`;
}
