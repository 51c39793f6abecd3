import { z } from 'zod';
import { type Html, html } from '../../../kernel/html.ts';
import { cutLine } from '../../../kernel/text.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import type { GroupView, MayAnswer, PeopleView, PersonView } from '../../../ports/overview.ts';
import { alertPath, runbookPath, showAgo, type Viewer } from '../viewer.ts';
import type { LivePage } from './page.ts';

const some = z.string().trim().min(1).max(300).optional().catch(undefined);

export const peopleQuery = z.object({ person: some, runbook: some, alert: some, params: some });
type Query = z.infer<typeof peopleQuery>;

/** Who is in which group, from where and how fresh; and what one of them may do, by the functions that decide about a press. */
export function peoplePage(host: ChatHost, query: Query): LivePage {
  const lists = async (viewer: Viewer) => {
    const view = await host.overview.people();
    return html`${renderGroups(view, viewer)}${renderPeople(view)}`;
  };
  return {
    title: 'People and groups',
    here: '/people',
    regions: [{ id: 'people-lists', render: lists }],
    list: null,
    boxes: async () => [],
    async render(viewer) {
      const view = await host.overview.people();
      return html`<h1 class="page-title">People and groups</h1>
${renderTry(view, query, host)}${await renderAnswers(query, host)}
<div id="people-lists">${renderGroups(view, viewer)}${renderPeople(view)}</div>`;
    },
  };
}

/** A form that reads: its address can be sent to somebody, and asks anew each time. */
function renderTry({ people }: PeopleView, query: Query, host: ChatHost): Html {
  const { runbooks } = host.catalogue();
  const option = (value: string, label: string, chosen: string | undefined) =>
    html`<option value="${value}" ${value === chosen && html`selected`}>${cutLine(label, 80)}</option>`;
  return html`<section class="card" aria-labelledby="try-title"><h2 class="card-title" id="try-title">Who may do what</h2>
<form method="get" action="/people" class="try">
<div class="field"><label for="try-person">What may</label><select id="try-person" name="person" required>${query.person === undefined && option('', 'Choose a person…', undefined)}${people.map(({ id }) => option(id, id, query.person))}</select></div>
<div class="field"><label for="try-runbook">do with the runbook</label><select id="try-runbook" name="runbook">${option('', '(none)', undefined)}${runbooks.map(({ id }) => option(id, id, query.runbook))}</select></div>
<div class="field"><label for="try-params">with <span class="needed">name=value, as in a command</span></label><input id="try-params" name="params" value="${query.params ?? ''}" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="300"></div>
<div class="field"><label for="try-alert">or about the alert <span class="needed">its id</span></label><input id="try-alert" name="alert" value="${query.alert ?? ''}" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="100"></div>
<button class="button primary">Ask</button></form>
<p class="hint">Policy and rights are asked as for a press, now, and nothing is done.</p></section>`;
}

async function renderAnswers({ person, runbook, alert, params }: Query, host: ChatHost): Promise<Html> {
  if (person === undefined) return html``;
  const about = { runbook: runbook ?? null, alert: alert ?? null, params: params ?? '' };
  const answers = await host.overview.mayDo(person, about);
  if (answers === null)
    return html`<p class="notice notice-error" role="alert">Nobody in tocsin.yaml is called ${cutLine(person, 100)}.</p>`;
  const subject = html`${runbook !== undefined && html` with <a href="${runbookPath(runbook)}">${cutLine(runbook, 100)}</a>`}${alert !== undefined && html` about <a href="${alertPath(alert)}">${cutLine(alert, 100)}</a>`}`;
  return html`<section aria-labelledby="answers-title"><h2 id="answers-title">What ${cutLine(person, 100)} may do${subject}</h2><ul class="rows" id="may-answers">${answers.map(renderAnswer)}</ul></section>`;
}

const words: Readonly<Record<MayAnswer['would'], string>> = { yes: 'yes', asks: 'after others agreed', no: 'no' };

function renderAnswer({ what, would, because }: MayAnswer): Html {
  return html`<li class="row may-${would}"><span class="row-title">${cutLine(what, 200)}</span> <span class="badge state-badge">${words[would]}</span><span class="row-why">${cutLine(because, 500)}</span></li>`;
}

function renderGroups({ groups, operators }: PeopleView, viewer: Viewer): Html {
  const everybody =
    operators.length === 0 &&
    html`<p class="hint">tocsin.yaml names no operators, so everybody in it may halt, resume, cancel, silence and close.</p>`;
  return html`<h2>Groups</h2>${everybody}${
    groups.length === 0
      ? html`<p class="none">tocsin.yaml has no groups; rules name people.</p>`
      : html`<ul class="rows">${groups.map(group => renderGroup(group, operators.includes(group.name), viewer))}</ul>`
  }`;
}

function renderGroup({ name, parts, rules }: GroupView, operators: boolean, viewer: Viewer): Html {
  return html`<li class="row"><span class="row-title">${cutLine(name, 100)}</span>${operators && html` <span class="badge">operators</span>`}
${parts.map(part => html`<span class="row-why">${part.people.length === 0 ? html`<span class="unproven">nobody</span>` : cutLine(part.people.join(', '), 2000)} <span class="sub">${howText(part.how, part.from)}${part.how !== 'file' && html`, asked ${showAgo(part.at, viewer)}`}</span></span>`)}
${rules.length > 0 && html`<span class="row-sub">asked by ${rules.map((rule, index) => html`${index > 0 && ', '}“${cutLine(rule, 100)}”`)}</span>`}</li>`;
}

function howText(how: GroupView['parts'][number]['how'], from: string): string {
  switch (how) {
    case 'file':
      return `from ${from}`;
    case 'live':
      return `from ${from}, which keeps it`;
    case 'last':
      return `${from} cannot be asked; its last answer counts`;
    case 'fallback':
      return `${from} counts, because the keeper of the group cannot be asked`;
  }
}

function renderPeople({ people }: PeopleView): Html {
  if (people.length === 0)
    return html`<h2>People</h2><p class="none">tocsin.yaml has no people. Whoever may approve stands there under <code>people</code>.</p>`;
  return html`<h2>People</h2><ul class="rows">${people.map(renderPerson)}</ul>`;
}

function renderPerson({ id, accounts, groups, operator }: PersonView): Html {
  const linked = Object.entries(accounts);
  return html`<li class="row"><a class="row-main" href="${`/people?${new URLSearchParams({ person: id })}`}"><span class="row-title">${cutLine(id, 100)}</span></a>${operator && html` <span class="badge">operator</span>`}
<span class="row-sub">${groups.length === 0 ? 'in no group' : `in ${cutLine(groups.join(', '), 300)}`} · ${
    linked.length === 0
      ? 'no linked account'
      : html`${linked.map(([platform, account], index) => html`${index > 0 && ', '}${platform} <code>${cutLine(account, 80)}</code>`)}`
  }</span></li>`;
}
