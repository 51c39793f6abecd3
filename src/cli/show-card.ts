import { stripAnsi, visible } from '../kernel/text.ts';
import type { Block, Card } from '../model/card.ts';

/** A card as plain text for a terminal. */
export function showCard(card: Card): string {
  const title = card.badge === null ? card.title : `${card.title} [${card.badge}]`;
  return [plain(title), ...card.blocks.map(showBlock)].filter(text => text !== '').join('\n\n');
}

function showBlock(block: Block): string {
  switch (block.kind) {
    case 'text':
      return plain(block.text);
    case 'code':
      return indent(plain(block.text));
    case 'fields':
      return showFields(block.fields);
    case 'links':
      return block.links.map(link => `${plain(link.label)}: ${plain(link.url)}`).join('\n');
    case 'progress':
      return block.steps
        .map(step => plain(`  ${step.state.padEnd(8)} ${step.title}${step.because ? `: ${step.because}` : ''}`))
        .join('\n');
    case 'output':
      return indent(plain(block.tail));
  }
}

function showFields(fields: readonly { label: string; value: string }[]): string {
  const width = Math.max(0, ...fields.map(field => field.label.length));
  return fields
    .map(
      ({ label, value }) =>
        `${plain(label).padEnd(width)}  ${plain(value).replaceAll('\n', `\n${' '.repeat(width + 2)}`)}`,
    )
    .join('\n');
}

function indent(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map(line => `  ${line}`)
    .join('\n');
}

/** Text of others must not drive the terminal. */
export function plain(text: string): string {
  return visible(stripAnsi(text));
}
