import { showNumber } from '../../kernel/chart/words.ts';
import { type Html, html } from '../../kernel/html.ts';
import { cutLine } from '../../kernel/text.ts';
import type { Picture } from '../../model/picture.ts';

/** A picture with its text, and its numbers as a table. One of the two themes is hidden by the style sheet, and so not loaded. */
export function renderPicture({ id, alt, rows, more }: Picture): Html {
  const number = (value: number | null) => html`<td>${value === null ? '–' : showNumber(value)}</td>`;
  const image = (theme: string) =>
    html`<img class="picture-${theme}" src="/pictures/${encodeURIComponent(id)}.svg?theme=${theme}" alt="${cutLine(alt, 600)}" width="420" height="250" loading="lazy">`;
  return html`<figure class="picture">${image('light')}${image('dark')}
<details class="more-facts"><summary>The numbers</summary><table class="numbers"><thead><tr><th scope="col">Series</th><th scope="col">First</th><th scope="col">Last</th><th scope="col">Lowest</th><th scope="col">Highest</th></tr></thead><tbody>${rows.map(
    row =>
      html`<tr><th scope="row">${cutLine(row.name, 120)}</th>${number(row.first)}${number(row.last)}${number(row.low)}${number(row.high)}</tr>`,
  )}</tbody></table>${more > 0 && html`<p class="sub">${more} more series are not drawn.</p>`}</details></figure>`;
}
