import { cutAway, stripAnsi, visible, visibleLine } from '../../kernel/text.ts';
import type { Block, Card } from '../../model/card.ts';
import type { Hidden } from '../../ports/chat.ts';
import { type Caps, capsAt } from './blocks.ts';
import { fitMessage } from './render.ts';

/** What Slack would not show of the card's commands and values. */
export function hiddenBySlack(card: Card): Hidden[] {
  const { caps } = fitMessage(card, { post: null, mentions: [], now: 0 });
  if (caps === null) return card.blocks.flatMap(block => hiddenOf(block, { ...capsAt(0), code: 0, value: 0, text: 0 }));
  return card.blocks.flatMap(block => hiddenOf(block, caps));
}

function hiddenOf(block: Block, caps: Caps): Hidden[] {
  switch (block.kind) {
    case 'code':
      return cut('the commands', visible(stripAnsi(block.text)).replaceAll('\t', '    '), caps.code);
    case 'text':
      return cut('the text', visible(block.text), caps.text);
    case 'fields': {
      const shown = block.fields.length <= caps.rows ? block.fields.length : caps.rows - 1;
      return block.fields.flatMap(({ label, value }, index) =>
        cut(label, visibleLine(value), index < shown ? caps.value : 0),
      );
    }
    case 'facts':
      return block.facts.flatMap(({ label, spans }) =>
        spans.flatMap(span => (span.kind === 'code' ? cut(label, visibleLine(span.text), caps.value) : [])),
      );
    default:
      return [];
  }
}

function cut(what: string, text: string, max: number): Hidden[] {
  const away = max === 0 && text !== '' ? { count: text.length, end: text.slice(-200) } : cutAway(text, max);
  return away === null ? [] : [{ what, ...away }];
}
