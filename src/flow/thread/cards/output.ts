import type { Block, Card } from '../../../model/card.ts';
import type { Step } from '../../../model/run.ts';

export type OutputBlock = Extract<Block, { kind: 'output' }>;

/** How much of a step's output a message shows: it must fit the smallest platform (Discord: 2,000 characters), and stay readable. */
const mostLines = 20;
const mostCharacters = 1800;

export function isOutput(block: Block): block is OutputBlock {
  return block.kind === 'output';
}

/** The run's card without output, for platforms where output has messages of its own. */
export function withoutOutput(card: Card): Card {
  return card.blocks.some(isOutput) ? { ...card, blocks: card.blocks.filter(block => !isOutput(block)) } : card;
}

/** The last lines of a step's output, in a message of its own that is edited while the step runs. */
export function outputCard(block: OutputBlock, title: string, link: string): Card {
  const tail = lastLines(block.tail);
  const cut = tail.length < block.tail.trimEnd().length;
  return {
    tone: block.live ? 'info' : 'neutral',
    title: `Output of ${title}`,
    badge: block.live ? 'live' : null,
    blocks: [
      { ...block, tail },
      ...(cut && !block.live
        ? [{ kind: 'links' as const, links: [{ label: 'All of it in the console', url: link }] }]
        : []),
    ],
    buttons: [],
    mention: [],
  };
}

/** Says where the full log is; a platform that takes files gets the file itself instead. */
export function logCard(title: string, link: string): Card {
  return {
    tone: 'neutral',
    title: `Full log of ${title}`,
    badge: null,
    blocks: [{ kind: 'links', links: [{ label: 'Open it in the console', url: link }] }],
    buttons: [],
    mention: [],
  };
}

/** The last whole lines, at most 20 and 1,800 characters; of a longer last line its end. */
export function lastLines(text: string): string {
  const trimmed = text.trimEnd();
  const lines = trimmed
    .slice(-4 * mostCharacters)
    .split('\n')
    .slice(-mostLines);
  let shown = lines.join('\n');
  while (shown.length > mostCharacters && lines.length > 1) {
    lines.shift();
    shown = lines.join('\n');
  }
  return shown.length > mostCharacters ? wholeFrom(shown, shown.length - mostCharacters) : shown;
}

/** Never begins in the middle of a surrogate pair. */
function wholeFrom(text: string, start: number): string {
  const unit = text.charCodeAt(start);
  return text.slice(unit >= 0xdc00 && unit <= 0xdfff ? start + 1 : start);
}

/** What a step printed, both streams, with its colours. */
export function printed(step: Step): string {
  const { output } = step;
  if (output === null || typeof output !== 'object' || Array.isArray(output)) return '';
  const texts = [output['stdout'], output['stderr']].filter(text => typeof text === 'string');
  return texts.join('').trimEnd();
}
