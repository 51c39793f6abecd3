import { type Html, html } from '../../kernel/html.ts';
import { hidden, type Viewer } from './viewer.ts';

export interface ComposerPlace {
  channel: string | null;
  alert: string | null;
  run: string | null;
  gate: string | null;
  hint: string;
}

/** The message box: takes a line of `commands/` and shows the answer only to the person who typed it. */
export function renderComposer(place: ComposerPlace, viewer: Viewer): Html {
  const fields = {
    channel: place.channel ?? '',
    alert: place.alert ?? '',
    run: place.run ?? '',
    gate: place.gate ?? '',
  };
  // In a thread a line that is no command is a note for everybody.
  const label = (place.alert ?? place.run ?? place.gate) ? 'Command or note' : 'Command';
  const names = viewer.host.commands().map(command => command.id);
  return html`<section class="composer" aria-label="Commands">
<form method="post" action="/console/command" hx-post="/console/command" hx-target="#answers" hx-swap="innerHTML" hx-disable="find button" data-clears="yes">${hidden(viewer, fields)}
<label class="hush" for="line">${label}</label>
<input id="line" name="line" list="line-words" required maxlength="2000" autocomplete="off" autocapitalize="none" spellcheck="false" enterkeyhint="send" placeholder="${place.hint}">
<datalist id="line-words">${names.map(name => html`<option value="${name}"></option>`)}</datalist>
<button class="button primary">Send</button></form>
<div id="answers" class="answers" aria-live="polite"></div></section>`;
}
