import type { FastifyInstance } from 'fastify';
import { showNumber } from '../../kernel/chart/words.ts';
import { type Html, html } from '../../kernel/html.ts';
import { cutLine } from '../../kernel/text.ts';
import type { Picture } from '../../model/picture.ts';
import type { Parts } from './reply.ts';

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

/** The pictures as SVG, for whoever is signed in. Opened by itself it may run and load nothing. */
export function registerPictures(scope: FastifyInstance, { door, host }: Parts): void {
  scope.get<{ Params: { file: string }; Querystring: { theme?: string } }>(
    '/pictures/:file',
    async (request, reply) => {
      if ((await door.viewer(request)) === null) return reply.code(401).type('text/plain').send('Sign in first.\n');
      const id = /^([A-Za-z0-9:_-]{1,100})\.svg$/.exec(request.params.file)?.[1];
      const svg = id === undefined ? null : await host.picture(id, request.query.theme === 'dark' ? 'dark' : 'light');
      if (svg === null) return reply.code(404).type('text/plain').send('This picture is not stored any more.\n');
      return reply
        .headers({
          'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
          // Its data never changes under this name.
          'cache-control': 'private, max-age=86400',
        })
        .type('image/svg+xml; charset=utf-8')
        .send(svg);
    },
  );
}
