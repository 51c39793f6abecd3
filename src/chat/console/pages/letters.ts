import { type Html, html } from '../../../kernel/html.ts';
import { cutLine } from '../../../kernel/text.ts';
import type { Button } from '../../../model/card.ts';
import type { Letter } from '../../../model/letter.ts';
import type { ChatHost } from '../../../ports/chat.ts';
import { renderButtons } from '../buttons.ts';
import { domId, showAgo, type Viewer } from '../viewer.ts';

const mostShown = 100;

/** What sources could not read and nobody has dealt with, newest first. Empty when there is nothing. */
export async function renderLetters({ store }: ChatHost, viewer: Viewer): Promise<Html> {
  const retrying = await store.letters({ state: 'retrying', limit: mostShown });
  const dead = await store.letters({ state: 'dead', limit: mostShown });
  const letters = [...retrying, ...dead].slice(0, mostShown);
  if (letters.length === 0) return html``;
  const more =
    retrying.length + dead.length >= mostShown &&
    html`<p class="none">There may be more: <code>GET /api/v1/dead-letters</code> lists all.</p>`;
  return html`<h2>Could not be read</h2><ul class="rows">${letters.map(letter => renderLetter(letter, viewer))}</ul>${more}`;
}

function renderLetter(letter: Letter, viewer: Viewer): Html {
  const { id, source, from, code, because, attempts, state, lastAt } = letter;
  const times = attempts === 1 ? 'tried once' : `tried ${attempts} times`;
  return html`<li class="row"><span class="row-title">${cutLine(from, 300)}</span> <span class="badge">${state}</span>
<span class="row-why"><b>${code}</b> ${cutLine(because, 400)}</span>
<span class="row-sub">${source} · ${times}, last ${showAgo(lastAt, viewer)}</span>
${renderButtons(buttonsOf(letter), domId('letter', id), viewer)}<div class="slot" id="${domId('ans', domId('letter', id))}" aria-live="polite" hx-morph-skip></div></li>`;
}

function buttonsOf({ id: letter, again, state }: Letter): Button[] {
  const act = (kind: 'redrive' | 'discard') => ({ kind: 'act' as const, act: { kind, letter, reason: null } });
  const discard: Button = { label: 'Discard', style: 'plain', reason: 'optional', does: act('discard') };
  const retry: Button = { label: 'Read again', style: 'primary', reason: 'none', does: act('redrive') };
  return again === null || state === 'retrying' ? [discard] : [retry, discard];
}
