import { type Html, html } from '../../kernel/html.ts';
import { cutMiddle } from '../../kernel/text.ts';
import type { Act } from '../../model/act.ts';
import type { Confirmation } from '../../model/confirmation.ts';
import { mostCode, renderWarnings } from './cards.ts';
import { hidden, type Viewer } from './viewer.ts';

/** What was pressed, and what has to be looked at first. */
export interface Asked {
  act: Act;
  label: string;
  confirm: Confirmation;
}

/** Characters of one value: of a long list of targets the beginning and the end. */
const mostValue = 8000;

/**
 * The form of a confirmation, in the place of the answer. It is a plain form, so that it works without a script too. The focus goes to the
 * text and not to the button: who presses Enter twice has not read it.
 */
export function renderConfirm({ act, label, confirm }: Asked, viewer: Viewer): Html {
  const sealed = act.kind === 'vote' ? { ...act, confirmed: confirm.seal } : act;
  const typed = 'reason' in act && typeof act.reason === 'string' ? act.reason : '';
  const required = confirm.reason === 'required';
  const id = `confirm-${confirm.seal}`;
  return html`<form class="confirm" method="post" action="/console/act" hx-post="/console/act" hx-target="closest .slot" hx-swap="innerHTML" hx-disable="find button" aria-labelledby="${id}">
  ${hidden(viewer, { act: JSON.stringify(sealed), label })}
  <p class="confirm-title" id="${id}" tabindex="-1" autofocus><b>${confirm.title}</b></p>
  ${confirm.news !== null && html`<p class="news">${confirm.news}</p>`}
  ${confirm.warnings.length > 0 && renderWarnings(confirm.warnings)}
  <dl class="fields wide">${confirm.facts.map(
    ({ label: name, value }) => html`<div><dt>${name}</dt><dd><code>${cutMiddle(value, mostValue)}</code></dd></div>`,
  )}</dl>
  <pre class="code" tabindex="0" aria-label="Everything that runs">${cutMiddle(confirm.commands, mostCode)}</pre>
  <label for="${`${id}-why`}">Reason${!required && ' (optional)'}</label>
  <input id="${`${id}-why`}" name="reason" maxlength="500" autocomplete="off" value="${typed}" ${required && html`required`}>
  <button class="button primary">${label}</button>
</form>`;
}
