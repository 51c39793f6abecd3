import { type Html, html } from '../../kernel/html.ts';

/** A button that copies the text of an element. The page's script shows it (static/js/copy.js): without one, text is selected by hand. */
export function renderCopy(id: string, what: string): Html {
  return html`<button type="button" class="copy" data-copies="${id}" hidden>Copy<span class="hush"> ${what}</span></button>`;
}
