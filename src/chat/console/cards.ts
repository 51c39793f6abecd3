import { type Html, html, nothing } from '../../kernel/html.ts';
import { cutLine, cutText, mixedWords } from '../../kernel/text.ts';
import { webUrl } from '../../kernel/web-url.ts';
import {
  type Block,
  type Card,
  type Post,
  type Progress,
  progressText,
  quoted,
  type Span,
  shadeOf,
  stepMark,
  type Tone,
  warningsTitle,
} from '../../model/card.ts';
import { renderButtons } from './buttons.ts';
import { renderPicture } from './picture.ts';
import { domId, logPath, showAgo, showElapsed, showLeft, showTime, type Viewer } from './viewer.ts';

/** The name of a state, shown beside its colour for people who cannot see it. */
const toneWords: Record<Tone, string> = {
  critical: 'Critical',
  error: 'Error',
  warning: 'Warning',
  info: 'Info',
  good: 'OK',
  neutral: 'Note',
  ask: 'Needs a person',
};

export interface CardPlace {
  /** The DOM id; unique on the page. */
  id: string;
  /** Shown at the top right; null for answers. */
  at: number | null;
  /** The thread that the title leads to; null inside of it. */
  href: string | null;
  /** Folds away what comes after the first facts. */
  fold?: boolean;
  /** The rendered text of an output block; nothing where the stream fills it in. */
  output?: (run: string, step: string, tail: string) => Html;
}

/** A card as an article. The texts are data: the `html` tag escapes them and makes odd characters visible. */
export function renderCard(card: Card, place: CardPlace, viewer: Viewer): Html {
  const heading = domId('h', place.id);
  const title =
    place.href === null
      ? html`${cutLine(card.title, 300)}`
      : html`<a href="${place.href}">${cutLine(card.title, 300)}</a>`;
  return html`<article class="card tone-${shadeOf(card)}" id="${place.id}" aria-labelledby="${heading}">
  <header class="card-head">
    <span class="tone">${toneWords[card.tone]}</span>
    <h2 id="${heading}">${title}${renderMixed(card.title)}</h2>
    ${card.badge !== null && html`<span class="badge">${cutLine(card.badge, 60)}</span>`}
    ${place.at !== null && html`<span class="when">${showTime(place.at, viewer)}</span>`}
  </header>
  ${card.mention.length > 0 && html`<p class="mention">Calls ${card.mention.map(name => html`<b>@${cutLine(name, 80)}</b> `)}</p>`}
  ${renderBlocks(card, place, viewer)}
  ${renderButtons(card.buttons, place.id, viewer)}
  <div class="slot" id="${domId('ans', place.id)}" aria-live="polite" hx-morph-skip></div>
  ${place.href !== null && html`<footer class="card-foot"><a href="${place.href}">Open thread</a></footer>`}
</article>`;
}

/**
 * In a channel the first facts identify the alert; the others are folded, so that the next alert is visible too. A long plan is shown
 * unfolded while people are asked about it, and folded afterwards.
 */
function renderBlocks(card: Card, place: CardPlace, viewer: Viewer): Html {
  const asks = card.buttons.some(button => button.does.kind === 'act');
  const end =
    place.fold === true ? card.blocks.findIndex(block => block.kind === 'fields' || block.kind === 'facts') + 1 : 0;
  const [shown, folded] = end === 0 ? [card.blocks, []] : [card.blocks.slice(0, end), card.blocks.slice(end)];
  const ofSteps = outputsOfSteps(card.blocks);
  const render = (block: Block, index: number) => {
    if (ofSteps.has(block)) return nothing;
    const content =
      block.kind === 'progress'
        ? renderProgress(block, viewer, [...ofSteps], place)
        : renderBlock(block, place, viewer);
    return block.kind === 'code' && block.text.length > longCode && !asks && place.at !== null
      ? renderFolded(`plan${index}`, 'The plan', place.id, content)
      : content;
  };
  return html`${shown.map(render)}${folded.length > 0 && renderFolded('more', 'More', place.id, html`${folded.map(render)}`)}`;
}

/** The outputs that stand under their steps, because the card shows these. */
function outputsOfSteps(blocks: readonly Block[]): Set<Block> {
  const steps = new Set(blocks.flatMap(block => (block.kind === 'progress' ? block.steps.map(step => step.id) : [])));
  return new Set(blocks.filter(block => block.kind === 'output' && steps.has(block.step)));
}

/** A code block of more characters than this is long. */
const longCode = 400;

function renderFolded(prefix: string, title: string, id: string, content: Html): Html {
  return html`<details class="more-facts" id="${domId(prefix, id)}"><summary>${title}</summary>${content}</details>`;
}

export function renderPost(post: Post, viewer: Viewer, facts: Partial<CardPlace> = {}): Html {
  return renderCard(post.card, { id: domId('post', post.key), at: post.createdAt, href: null, ...facts }, viewer);
}

/** Names words that mix look-alike letters of several scripts, because the difference cannot be seen. */
function renderMixed(text: string): Html | null {
  const words = mixedWords(text);
  if (words.length === 0) return null;
  return html` <span class="odd" title="Letters of different scripts that look alike">mixes scripts: ${words.join(', ')}</span>`;
}

export const mostText = 4000;

/** Characters of a code block. It is large enough to show a whole plan, because people read it before they approve it. */
export const mostCode = 60_000;
export const mostValue = 600;

export function renderBlock(block: Block, place: Pick<CardPlace, 'output'>, viewer: Viewer): Html {
  switch (block.kind) {
    case 'text':
      return html`<p class="text">${cutText(block.text, mostText)}</p>`;
    case 'code':
      return html`<pre class="code" tabindex="0">${cutText(block.text, mostCode)}</pre>`;
    case 'warnings':
      return renderWarnings(block.items);
    case 'fields':
      return renderFields(block.fields);
    case 'facts':
      return html`<dl class="facts">${block.facts.map(
        one =>
          html`<div><dt>${cutLine(one.label, 80)}</dt><dd>${one.spans.map(span => renderSpan(span, viewer))}</dd></div>`,
      )}</dl>`;
    case 'quote':
      return html`<p class="quote">${cutLine(block.by, 120)} <q>${quoted(cutText(block.text, mostValue))}</q>${renderMixed(block.text)}</p>`;
    case 'small':
      return html`<p class="fine-print">${cutText(block.text, mostText)}</p>`;
    case 'links':
      return html`<p class="links">${block.links.map(({ label, url }) => renderLink(label, url))}</p>`;
    case 'progress':
      return renderProgress(block, viewer);
    case 'picture':
      return renderPicture(block);
    case 'output':
      return renderOutput(block, place);
  }
}

function renderSpan(span: Span, viewer: Viewer): Html {
  switch (span.kind) {
    case 'said':
      return html`${cutText(span.text, mostText)}`;
    case 'quoted':
      return html`<q>${quoted(cutText(span.text, mostValue))}</q>${renderMixed(span.text)}`;
    case 'code':
      return html`<code>${cutText(span.text, mostValue)}</code>${renderMixed(span.text)}`;
    case 'page':
      return renderPage(span.text, span.url, viewer);
    case 'ago':
      return showAgo(span.at, viewer);
    case 'left':
      return showLeft(span.at, viewer);
  }
}

/** A page of ours is linked by its path, whatever address this page was opened by. */
function renderPage(text: string, url: string, { host }: Viewer): Html {
  const base = host.baseUrl();
  const path = url.startsWith(`${base}/`) ? url.slice(base.length) : null;
  const target = path ?? webUrl(url)?.href;
  return target === undefined ? html`${text}` : html`<a href="${target}">${text}</a>`;
}

/** Above the buttons, as a region of its own name. It is no heading: cards stand under headings of any level. */
export function renderWarnings(items: readonly string[]): Html {
  return html`<section class="beforehand" aria-label="${warningsTitle}"><p class="beforehand-title"><b>${warningsTitle}</b></p><ul>${items.map(
    item => html`<li>${cutText(item, mostText)}</li>`,
  )}</ul></section>`;
}

function renderFields(fields: Extract<Block, { kind: 'fields' }>['fields']): Html {
  const value = (text: string, code: boolean | undefined) =>
    code === true
      ? html`<code>${cutText(text, mostValue)}</code>${renderMixed(text)}`
      : html`${cutText(text, mostValue)}${renderMixed(text)}`;
  // Long values get a line of their own; short ones stand side by side.
  const wide = fields.some(field => field.label.length > 24 || field.value.length > 64);
  return html`<dl class="fields${wide && ' wide'}">${fields.map(
    field => html`<div><dt>${cutLine(field.label, 80)}</dt><dd>${value(field.value, field.code)}</dd></div>`,
  )}</dl>`;
}

/** Only http and https become links; anything else is shown as text. The host is shown too, because the label may be misleading. */
export function renderLink(label: string, url: string): Html {
  const target = webUrl(url);
  if (target === null) return html`<span class="dead-link">${cutLine(label, 120)}: ${cutLine(url, 200)}</span> `;
  return html`<a href="${target.href}" rel="noopener noreferrer nofollow" target="_blank">${cutLine(label, 120)} <span class="host">${target.host}</span></a> `;
}

/** The steps, each with its output where the card has one. */
export function renderProgress(
  block: Progress,
  viewer: Viewer,
  outputs: readonly Block[] = [],
  place: Pick<CardPlace, 'output'> = {},
): Html {
  const total = block.total ?? null;
  const bar =
    total !== null &&
    total > 0 &&
    html`<progress max="${total}" value="${Math.min(block.done, total)}">${block.done} of ${total}</progress>`;
  const elapsed =
    block.startedAt !== null &&
    html`<span class="sub">${block.finishedAt === null ? 'for ' : 'in '}${showElapsed(block.startedAt, block.finishedAt, viewer)}</span>`;
  return html`<div class="progress">
  <p class="progress-line">${bar}<span>${progressText(block)}</span>${elapsed}</p>
  <ol class="steps">${block.steps.map(
    step =>
      html`<li class="step state-${stateClass(step.state)}"><span class="mark" aria-hidden="true">${stepMark(step.state)}</span><span class="step-title">${cutLine(step.title, 200)}</span><span class="step-state">${step.state}</span>${
        step.because !== null && html`<span class="because">${cutText(step.because, 400)}</span>`
      }${outputs.map(one => one.kind === 'output' && one.step === step.id && renderOutput(one, place, step.title))}</li>`,
  )}</ol>
</div>`;
}

/** The CSS class of a state; `unknown` for a text that is no plain word, although states are of enumerated types. */
export function stateClass(state: string): string {
  const name = state.replaceAll(' ', '-');
  return /^[a-z-]+$/.test(name) ? name : 'unknown';
}

function renderOutput(
  block: Extract<Block, { kind: 'output' }>,
  place: Pick<CardPlace, 'output'>,
  title = block.step,
): Html {
  const body = place.output?.(block.run, block.step, block.tail) ?? nothing;
  return html`<section class="output" aria-label="Output of ${title}">
  <p class="output-head"><span>Output of <b>${cutLine(title, 120)}</b></span> <span class="live-mark">${block.live && 'running'}</span> <a href="${logPath(block.run, block.step)}">full log</a></p>
  ${renderOutputBox(block.run, block.step, body)}
</section>`;
}

/** The end of an output. The page's script keeps it in sight until the reader scrolls away from it. */
export function renderOutputBox(run: string, step: string, body: Html): Html {
  return html`<div class="follow" hx-morph-skip><div class="scroll" tabindex="0" role="group" aria-label="Last lines" data-follow="end"><pre class="ansi" id="${outputId(run, step)}">${body}</pre></div><button type="button" class="button plain small jump" hidden>Jump to the end</button></div>`;
}

export function outputId(run: string, step: string): string {
  return domId('out', `${run}/${step}`);
}

/** A short private answer: what an act or a refusal said. */
export function renderNotice(text: string, tone: 'good' | 'error' | 'info', more: Html = nothing): Html {
  return html`<div class="notice notice-${tone}"><p><b>${tone === 'error' ? 'Not done' : tone === 'good' ? 'Done' : 'Note'}</b> ${cutText(text, mostText)}</p>${more}</div>`;
}
