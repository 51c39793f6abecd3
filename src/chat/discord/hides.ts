import { cutCount } from '../../kernel/text.ts';
import type { Block, Card } from '../../model/card.ts';
import type { Hidden } from '../../ports/chat.ts';
import { type Caps, fitEmbeds, renderValue } from './render.ts';
import { codeBlock, escapeText, inlineCode } from './text.ts';

/** What Discord would not show of the card's commands and values. */
export function hiddenByDiscord(card: Card): Hidden[] {
  // The mark is the key of the post, which is never longer.
  const { caps } = fitEmbeds(card, { mark: 'approval/'.padEnd(60, '.'), now: 0 });
  if (caps === null) return card.blocks.slice(1).flatMap(block => hiddenOf(block, null));
  return card.blocks.flatMap(block => hiddenOf(block, caps));
}

function hiddenOf(block: Block, caps: Caps | null): Hidden[] {
  switch (block.kind) {
    case 'code':
      return cut('the commands', block.text, caps === null ? '' : codeBlock(block.text, caps.code));
    case 'text':
      return cut('the text', block.text, caps === null ? '' : escapeText(block.text, caps.text));
    case 'fields':
      return block.fields.flatMap((fact, index) =>
        cut(
          fact.label,
          fact.value,
          caps === null || index >= caps.count ? '' : renderValue(fact, Math.min(caps.value, 1020)),
        ),
      );
    case 'facts':
      return block.facts.flatMap(({ label, spans }) =>
        spans.flatMap(span =>
          span.kind === 'code'
            ? cut(label, span.text, caps === null ? '' : inlineCode(span.text, Math.min(200, caps.value)))
            : [],
        ),
      );
    default:
      return [];
  }
}

/** Nothing is shown where `shown` is empty; otherwise its note counts what is not. */
function cut(what: string, text: string, shown: string): Hidden[] {
  if (text === '') return [];
  const count = shown === '' ? text.length : isNoted(text, shown) ? cutCount(shown) : 0;
  return count === 0 ? [] : [{ what, count, end: text.slice(-200) }];
}

/** A text may itself say that something is left out of it. */
function isNoted(text: string, shown: string): boolean {
  return /… [\d,]+ more characters\W*$/.test(shown) && !/… [\d,]+ more characters\W*$/.test(text);
}
