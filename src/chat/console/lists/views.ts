import { z } from 'zod';
import { type Html, html } from '../../../kernel/html.ts';
import { cutLine } from '../../../kernel/text.ts';
import { type Actor, identityOf } from '../../../model/actor.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import { renderForm } from '../buttons.ts';
import { renderNotice } from '../cards.ts';
import type { Viewer } from '../viewer.ts';
import type { Search } from './listing.ts';

/** A search that a person saved, with its grouping and order, as an address of the list. */
const view = z.object({
  name: z.string().min(1).max(60),
  to: z
    .string()
    .max(3000)
    .regex(/^\/alerts(\?|$)/),
  /** What the list shows when it is opened without a search; one of a person's views at most. */
  first: z.boolean(),
});
export type View = z.infer<typeof view>;

const mostViews = 30;
const stored = z.array(view).max(mostViews);

/** Kept for each person in the store, so that they are there on every node and after a restart. They are settings, and not journalled. */
const nameOf = (who: Actor) => `console/views/${identityOf(who)}`;

export async function readViews({ who, host }: Pick<Viewer, 'who' | 'host'>): Promise<readonly View[]> {
  if (who === null) return [];
  const text = await host.store.memo(nameOf(who));
  if (text === null) return [];
  const parsed = stored.safeParse(JSON.parse(text));
  return parsed.success ? parsed.data : [];
}

/** Where a person's list begins; null for the usual. */
export async function firstView(viewer: Viewer): Promise<string | null> {
  return (await readViews(viewer)).find(one => one.first)?.to ?? null;
}

/** Links to the views, and a form to save what is shown. Nothing for readers. */
export function renderViews(views: readonly View[], here: string, viewer: Viewer): Html {
  if (viewer.who === null) return html``;
  const links = views.map(
    ({ name, to, first }) =>
      html`<a href="${to}" ${to === here && html`aria-current="true"`}>${name}${first && html` <span class="sub">(first)</span>`}</a>`,
  );
  const save = renderForm(
    '/console/views',
    'views-answer',
    html`<label for="view-name">Name</label><input id="view-name" name="name" required maxlength="60" autocomplete="off"><label class="check"><input type="checkbox" name="first" value="yes" id="view-first"> show it first</label><button class="button small">Save</button>`,
    viewer,
    { to: here, change: 'save' },
  );
  const forget = views.map(({ name }) =>
    renderForm(
      '/console/views',
      'views-answer',
      html`<button class="button plain small">Forget<span class="hush"> the view</span> ${name}</button>`,
      viewer,
      { name, change: 'forget' },
    ),
  );
  return html`<div class="views">${links.length > 0 && html`<nav class="tabs" aria-label="Saved views">${links}</nav>`}<details class="ask" id="views-ask"><summary class="button plain small">Save this view…</summary>${save}${forget}</details><div class="slot" id="views-answer" aria-live="polite" hx-morph-skip></div></div>`;
}

/** Saves a view under its name, or forgets it. Two tabs that save at the same moment on two nodes may lose one of the two. */
export async function changeViews(
  form: Record<string, string>,
  viewer: Viewer & { who: Actor },
  { host }: { host: ChatHost },
): Promise<{ status: number; fragment: Html }> {
  const known = await readViews(viewer);
  const name = (form['name'] ?? '').trim();
  const others = known.filter(one => one.name !== name);
  if (form['change'] === 'forget') {
    await host.keep(nameOf(viewer.who), JSON.stringify(others));
    return { status: 200, fragment: renderNotice(`Forgotten: ${cutLine(name, 60)}.`, 'good') };
  }
  const made = view.safeParse({ name, to: form['to'], first: form['first'] === 'yes' });
  if (!made.success) return refuse('A view has a name of at most 60 characters, and is of this list.');
  if (others.length >= mostViews) return refuse(`There are ${mostViews} views already: forget one of them.`);
  const rest = made.data.first ? others.map(one => ({ ...one, first: false })) : others;
  const views = [...rest, made.data].sort((a, b) => (a.name < b.name ? -1 : 1));
  await host.keep(nameOf(viewer.who), JSON.stringify(views));
  const more = html`<p><a href="${made.data.to}">Open it</a></p>`;
  return { status: 200, fragment: renderNotice(`Saved: ${name}.`, 'good', more) };
}

function refuse(text: string): { status: number; fragment: Html } {
  return { status: 422, fragment: renderNotice(text, 'error') };
}

/** Says so when a search or grouping is by a label that no alert has, or has any more. */
export async function renderGone(search: Search, by: readonly string[], host: ChatHost): Promise<Html> {
  const named = search.result.terms.flatMap(term => (term.kind === 'label' && term.value !== '' ? [term.name] : []));
  const gone: string[] = [];
  for (const name of new Set([...named, ...by])) {
    const has = { kind: 'label', not: true, name, value: '' } as const;
    if ((await host.store.countAlerts({ terms: [has], now: 0 })).length === 0) gone.push(name);
  }
  return html`${gone.map(
    name =>
      html`<p class="gone" role="status">No alert has the label <code>${cutLine(name, 100)}</code>, or has it any more. A saved view that names it finds nothing by it.</p>`,
  )}`;
}
