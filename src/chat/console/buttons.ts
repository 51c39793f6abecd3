import { type Html, html } from '../../kernel/html.ts';
import { identityOf } from '../../model/actor.ts';
import type { Button } from '../../model/card.ts';
import { domId, hidden, type Viewer } from './viewer.ts';

/** The buttons of a card. Each is a form of its own, so that it works without a script too. */
export function renderButtons(buttons: readonly Button[], card: string, viewer: Viewer): Html | null {
  if (buttons.length === 0) return null;
  const who = viewer.who === null ? null : identityOf(viewer.who);
  const mine = buttons.filter(button => who === null || button.notFor?.includes(who) !== true);
  const others = mine.length < buttons.length && html`<p class="hint">You asked for this, so others vote on it.</p>`;
  return html`${others}<div class="buttons">${mine.map((button, index) => renderButton(button, `${card}-${index}`, domId('ans', card), viewer))}</div>`;
}

function renderButton(button: Button, id: string, slot: string, viewer: Viewer): Html {
  if (button.does.kind === 'details') {
    const query = new URLSearchParams({ subject: button.does.subject, id: button.does.id });
    const href = `/console/details?${query}`;
    return html`<a class="button ${button.style}" href="${href}" hx-get="${href}" hx-target="#${slot}" hx-swap="innerHTML">${button.label}</a>`;
  }
  const fields = { act: JSON.stringify(button.does.act), label: button.label };
  // What is to be confirmed comes as the answer, with a place for the reason.
  if (button.reason === 'none' || button.confirm === true) {
    return html`${openForm(slot)}${hidden(viewer, fields)}<button class="button ${button.style}" id="${id}">${button.label}</button></form>`;
  }
  return askReason(button, id, slot, hidden(viewer, fields));
}

/** The button opens into a small form that asks for the reason. A <details> needs no script and is reachable by keyboard. */
function askReason(button: Button, id: string, slot: string, fields: Html): Html {
  const required = button.reason === 'required';
  return html`<details class="ask" id="${`${id}-ask`}"><summary class="button ${button.style}">${button.label}…</summary>
  ${openForm(slot)}${fields}
    <label for="${`${id}-why`}">Reason${required ? '' : ' (optional)'}</label>
    <input id="${`${id}-why`}" name="reason" maxlength="500" autocomplete="off" ${required && html`required`}>
    <button class="button ${button.style}" id="${id}">${button.label}</button>
  </form></details>`;
}

function openForm(slot: string): Html {
  return html`<form method="post" action="/console/act" hx-post="/console/act" hx-target="#${slot}" hx-swap="innerHTML" hx-disable="find button">`;
}

/** A form whose answer is shown in a slot. The children are its fields and its button. */
export function renderForm(
  action: string,
  slot: string,
  body: Html,
  viewer: Viewer,
  fields: Record<string, string> = {},
): Html {
  return html`<form method="post" action="${action}" hx-post="${action}" hx-target="#${slot}" hx-swap="innerHTML" hx-disable="find button">${hidden(viewer, fields)}${body}</form>`;
}
