import { stripAnsi, visible } from '../../kernel/text.ts';
import { type Block, type Card, quoted, type Span, warningsTitle } from '../../model/card.ts';
import type { Call } from './api.ts';
import type { Message } from './render.ts';

/** The whole card as a text file, where the message had to leave something out, so that nobody approves a plan that they could not read. */
export function fileOfCard(card: Card, message: Message): NonNullable<Call['files']>[number] | undefined {
  if (!isCut(message)) return undefined;
  const text = visible(stripAnsi([card.title, ...card.blocks.map(plainBlock)].join('\n\n')));
  return { name: 'details.txt', data: Buffer.from(`${text}\n`), contentType: 'text/plain; charset=utf-8' };
}

function isCut(message: Message): boolean {
  const texts = message.embeds.flatMap(one => [one.description ?? '', ...(one.fields ?? []).map(field => field.value)]);
  return texts.some(text => /… [\d,]+ more characters|more, which are in the console|more parts are/.test(text));
}

function plainBlock(block: Block): string {
  switch (block.kind) {
    case 'text':
    case 'code':
      return block.text;
    case 'warnings':
      return [warningsTitle, ...block.items.map(item => `! ${item}`)].join('\n');
    case 'fields':
      return block.fields.map(({ label, value }) => `${label}: ${value}`).join('\n');
    case 'facts':
      return block.facts.map(({ label, spans }) => `${label}: ${spans.map(plainSpan).join('')}`).join('\n');
    case 'quote':
      return `${block.by} ${quoted(block.text)}`;
    case 'small':
      return block.text;
    case 'links':
      return block.links.map(({ label, url }) => `${label}: ${url}`).join('\n');
    case 'progress':
      return block.steps
        .map(({ title, state, because }) => `${state}: ${title}${because === null ? '' : ` (${because})`}`)
        .join('\n');
    case 'picture':
      return block.alt;
    case 'output':
      return `Output of ${block.step}\n${block.tail}`;
  }
}

function plainSpan(span: Span): string {
  if (span.kind === 'quoted') return quoted(span.text);
  if (span.kind === 'page') return `${span.text} (${span.url})`;
  return span.kind === 'left' ? `until ${span.text}` : span.text;
}
