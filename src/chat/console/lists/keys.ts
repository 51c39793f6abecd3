import { type Html, html } from '../../../kernel/html.ts';

const keys = [
  ['j', 'the next row'],
  ['k', 'the row before'],
  ['Enter', 'opens the row'],
  ['x', 'selects the row, or takes it out'],
  ['a', 'acknowledges what is selected, or else this row'],
  ['s', 'silences it'],
  ['/', 'goes to the search'],
  ['?', 'shows and hides this'],
  ['Escape', 'leaves the search, or closes this'],
] as const;

/** The keys of a list, in a dialog that a script opens; without one there are no keys, and the button is not shown. */
export function renderKeys(acts = false): Html {
  return html`<p class="keys-line"><button type="button" class="button plain small" id="keys-open" aria-haspopup="dialog" hidden>Keys <kbd>?</kbd></button></p>
<dialog id="keys" aria-labelledby="keys-title"><h2 id="keys-title">Keys</h2><dl>${keys
    .filter(([key]) => acts || !'xas'.includes(key))
    .map(
      ([key, what]) => html`<div><dt><kbd>${key}</kbd></dt><dd>${what}</dd></div>`,
    )}</dl><p class="hint">None of them does anything while you type.</p><form method="dialog"><button class="button">Close</button></form></dialog>`;
}
