import { cutAway } from '../../kernel/text.ts';
import type { Card } from '../../model/card.ts';
import type { Hidden } from '../../ports/chat.ts';
import { mostCode, mostText, mostValue } from './cards.ts';

/** What the console would not show of the card's commands and values. */
export function hiddenByConsole(card: Card): Hidden[] {
  return card.blocks.flatMap(block => {
    if (block.kind === 'code') return cut('the commands', block.text, mostCode);
    if (block.kind === 'text') return cut('the text', block.text, mostText);
    if (block.kind === 'facts')
      return block.facts.flatMap(({ label, spans }) =>
        spans.flatMap(span => (span.kind === 'code' ? cut(label, span.text, mostValue) : [])),
      );
    return block.kind === 'fields' ? block.fields.flatMap(({ label, value }) => cut(label, value, mostValue)) : [];
  });
}

function cut(what: string, text: string, max: number): Hidden[] {
  const away = cutAway(text, max);
  return away === null ? [] : [{ what, ...away }];
}
