import { parseDuration, showDuration } from '../../../kernel/duration.ts';
import { type Html, html } from '../../../kernel/html.ts';
import { cutLine } from '../../../kernel/text.ts';
import type { Act, ActAnswer } from '../../../model/act.ts';
import type { Actor } from '../../../model/actor.ts';
import type { Alert } from '../../../model/alert.ts';
import { parseSearch, type SearchTerm } from '../../../model/search/parse.ts';
import { alertWords } from '../../../model/search/words.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import { renderNotice } from '../cards.ts';
import { hidden, type Viewer } from '../viewer.ts';
import type { Search } from './listing.ts';

/** The most alerts that one press acts on; another press goes on with the rest. */
export const mostActs = 1000;
/** How many acts are under way at the same time. Each is authorised and journalled for itself. */
const together = 25;

const verbs = ['acknowledge', 'silence'] as const;
type Verb = (typeof verbs)[number];

const silences = ['30m', '1h', '2h', '4h', '8h', '1d', '7d'];

/** Those that the verb changes something for. */
function open(verb: Verb, terms: readonly SearchTerm[]): SearchTerm[] {
  const key = (name: string, value: string) => ({ kind: 'key', not: false, key: name, values: [value] }) as const;
  return verb === 'acknowledge'
    ? [...terms, key('state', 'live'), key('acknowledged', 'no')]
    : [...terms, key('state', 'firing')];
}

/** What the verb still changes, of an alert as it is now. */
function isOpen(verb: Verb, { state, acknowledgedBy }: Alert): boolean {
  return verb === 'acknowledge' ? state !== 'resolved' && acknowledgedBy === null : state === 'firing';
}

/** The form for what is selected, and the button that asks about all that a search finds. Nothing for readers. */
export function renderBulk(search: Search, viewer: Viewer): Html {
  if (viewer.who === null || !search.result.ok) return html``;
  return html`<div class="bulk"><form id="bulk" method="post" action="/console/bulk" hx-post="/console/bulk" hx-target="#bulk-answer" hx-swap="innerHTML" hx-disable="find button">${hidden(viewer, { scope: 'picked' })}<span class="bulk-count" id="bulk-count" role="status">Selected alerts</span>
<button class="button small" name="what" value="acknowledge" id="bulk-acknowledge">Acknowledge</button>
<label for="bulk-for">Silence for</label>${renderTimes('bulk-for')}<button class="button small" name="what" value="silence" id="bulk-silence">Silence</button></form><form method="post" action="/console/bulk" hx-post="/console/bulk" hx-target="#bulk-answer" hx-swap="innerHTML" hx-disable="find button">${hidden(viewer, { scope: 'ask', q: search.text })}<button class="button plain small" id="bulk-ask">All that match…</button></form></div>`;
}

function renderTimes(id: string): Html {
  return html`<select id="${id}" name="for">${silences.map(time => html`<option value="${time}" ${time === '1h' && html`selected`}>${time}</option>`)}</select>`;
}

type Answer = { status: number; fragment: Html };

/**
 * Asks about all that a search finds. The set is fixed here, by ids: what comes later is not acted on unseen, and the number that was
 * read stays true. Nothing is done yet.
 */
async function askAboutAll(form: Record<string, string>, viewer: Viewer): Promise<Answer> {
  const search = parseSearch(form['q'] ?? '', alertWords);
  if (!search.ok) return refuse('This search does not parse. Reload the page.');
  const asked = await Promise.all(
    verbs.map(async verb => {
      const query = { terms: open(verb, search.terms), now: viewer.now };
      const some = await viewer.host.store.findAlerts({ ...query, sort: 'oldest', limit: mostActs });
      if (some.length === 0) return null;
      const counts = some.length < mostActs ? [] : await viewer.host.store.countAlerts(query);
      const all = counts.reduce((sum, { count }) => sum + count, 0);
      return renderAll(verb, some, Math.max(all, some.length), viewer);
    }),
  );
  const forms = asked.filter(one => one !== null);
  if (forms.length === 0) return refuse('Nothing matches that is not done already.');
  return {
    status: 200,
    fragment: html`<div class="bulk-all"><p>These match now; what comes later is left alone.</p>${forms}</div>`,
  };
}

/** How many that are is told before. */
function renderAll(verb: Verb, some: readonly Alert[], count: number, viewer: Viewer): Html {
  const name = verb === 'acknowledge' ? 'Acknowledge' : 'Silence';
  const many =
    count === 1
      ? 'the one'
      : count > some.length
        ? `the oldest ${some.length.toLocaleString('en-GB')} of ${count.toLocaleString('en-GB')}`
        : `all ${count.toLocaleString('en-GB')}`;
  const id = `bulk-${verb}-all`;
  const ids = some.map(alert => alert.id).join(' ');
  return html`<form method="post" action="/console/bulk" hx-post="/console/bulk" hx-target="#bulk-answer" hx-swap="innerHTML" hx-disable="find button">${hidden(viewer, { scope: 'found', what: verb, ids })}<label for="${`${id}-why`}">Reason (optional)</label><input id="${`${id}-why`}" name="reason" maxlength="500" autocomplete="off">${
    verb === 'silence' && html`<label for="${`${id}-for`}">for</label>${renderTimes(`${id}-for`)}`
  }<button class="button small" id="${id}">${name} ${many}</button></form>`;
}

/** Acts on many alerts, one by one: each is authorised at its moment and journalled for itself. */
export async function actOnMany(
  form: Record<string, string>,
  viewer: Viewer & { who: Actor },
  { host }: { host: ChatHost },
): Promise<Answer> {
  if (form['scope'] === 'ask') return await askAboutAll(form, viewer);
  const verb = verbs.find(one => one === form['what']);
  const duration = parseDuration(form['for'] ?? '1h');
  if (verb === undefined || duration === null)
    return refuse('This button is not one of this version. Reload the page.');
  const chosen = form['scope'] === 'found' ? await readAsked(verb, form, host) : await readPicked(form, host);
  if (typeof chosen === 'string') return refuse(chosen);
  const reason = (form['reason'] ?? '').trim() || null;
  const results = await inTurn(chosen, async alert => {
    const act: Act =
      verb === 'acknowledge'
        ? { kind: 'acknowledge', alert: alert.id, reason }
        : { kind: 'silence', alert: alert.id, duration, reason };
    return { alert, answer: await host.act(viewer.who, act) };
  });
  return { status: 200, fragment: renderResults(verb, duration, results) };
}

function refuse(text: string): Answer {
  return { status: 422, fragment: renderNotice(text, 'error') };
}

type Chosen = Pick<Alert, 'id' | 'title'>;

async function readPicked(form: Record<string, string>, host: ChatHost): Promise<readonly Chosen[] | string> {
  const ids = Object.keys(form).flatMap(name => (name.startsWith('pick.') ? [name.slice('pick.'.length)] : []));
  if (ids.length === 0) return 'Nothing is selected. Tick alerts, or press x on one.';
  if (ids.length > mostActs) return tooMany(ids.length);
  return await inTurn(ids, async id => (await host.store.alert(id)) ?? { id, title: id });
}

/** Those that were asked about, without what is done or over by now: a second press changes nothing, nor does it lengthen a silence. */
async function readAsked(
  verb: Verb,
  form: Record<string, string>,
  host: ChatHost,
): Promise<readonly Chosen[] | string> {
  const ids = [...new Set((form['ids'] ?? '').split(' ').filter(id => id !== ''))];
  if (ids.length === 0) return 'This button is not one of this version. Reload the page.';
  if (ids.length > mostActs) return tooMany(ids.length);
  const known = await inTurn(ids, async id => await host.store.alert(id));
  const chosen = known.filter(alert => alert !== null).filter(alert => isOpen(verb, alert));
  return chosen.length === 0 ? 'Nothing of these is left that is not done already.' : chosen;
}

function tooMany(count: number): string {
  return `At most ${mostActs.toLocaleString('en-GB')} at a time; these are ${count.toLocaleString('en-GB')}.`;
}

/** In the order of the items, a few at a time. */
async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += together)
    results.push(...(await Promise.all(items.slice(at, at + together).map(work))));
  return results;
}

interface Result {
  alert: Chosen;
  answer: ActAnswer;
}

const mostNamed = 10;

/** `38 done, 2 refused`, and which were refused and why. */
function renderResults(verb: Verb, duration: number, results: readonly Result[]): Html {
  const done = results.filter(({ answer }) => answer.ok).length;
  const refused = Map.groupBy(
    results.filter(({ answer }) => !answer.ok),
    ({ answer }) => answer.text,
  );
  const what = verb === 'acknowledge' ? 'Acknowledge' : `Silence for ${showDuration(duration)}`;
  const rest = results.length - done;
  const text = `${what}: ${done.toLocaleString('en-GB')} done${rest > 0 ? `, ${rest.toLocaleString('en-GB')} refused` : ''}.`;
  const reasons = [...refused].map(
    ([because, some]) =>
      html`<li>${cutLine(because, 300)} ${some
        .slice(0, mostNamed)
        .map(
          ({ alert }, index) =>
            html`${index > 0 && ', '}<a href="${`/alerts/${encodeURIComponent(alert.id)}`}">${cutLine(alert.title, 80)}</a>`,
        )}${some.length > mostNamed && ` and ${some.length - mostNamed} more`}</li>`,
  );
  return renderNotice(
    text,
    rest > 0 ? 'error' : 'good',
    html`${rest > 0 && html`<ul class="plain-list">${reasons}</ul>`}`,
  );
}
