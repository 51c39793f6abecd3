import type { types } from '@slack/bolt';
import { cutMiddle } from '../../kernel/text.ts';
import type { Block } from '../../model/card.ts';
import type { Confirmation } from '../../model/confirmation.ts';
import { renderBlock } from './blocks.ts';
import { piecesOf, wide } from './details.ts';
import { emoji, line, lines, literal, plainText, richText, type SlackBlock, section } from './text.ts';

/** The field of the reason, in the modals of reasons and of confirmations. */
export const reasonBlock = 'reason';

/** Characters of the commands. A modal takes 250 KB, and one character may take six bytes. */
const mostCommands = 25_000;
/** Characters of one value: of a long list of targets the beginning and the end. */
const mostValue = 2800;
/** A modal takes 100. */
const mostBlocks = 95;

/** What is to be confirmed, whole, with the field for the reason. `reason` is what was typed before. */
export function confirmBlocks(confirm: Confirmation, reason: string | null): SlackBlock[] {
  const news =
    confirm.news === null ? [] : [richText(section(emoji('warning'), literal(' '), lines(confirm.news, 500)))];
  const head = richText(section(line(confirm.title, 1000, { bold: true })));
  const fields = confirm.facts.map(({ label, value }) => ({ label, value: cutMiddle(value, mostValue), code: true }));
  const commands = { kind: 'code' as const, text: cutMiddle(confirm.commands, mostCommands) };
  const blocks: Block[] = [
    ...(confirm.warnings.length === 0 ? [] : [{ kind: 'warnings' as const, items: [...confirm.warnings] }]),
    { kind: 'fields', fields },
    ...piecesOf(commands, mostCommands * 2),
  ];
  const shown = blocks.flatMap(block => renderBlock(block, wide, 0));
  return [...news, head, ...shown.slice(0, mostBlocks), reasonInput(confirm.reason === 'required', reason)];
}

export function reasonInput(required: boolean, typed: string | null = null): types.InputBlock {
  return {
    type: 'input',
    block_id: reasonBlock,
    optional: !required,
    label: plainText(required ? 'Reason' : 'Reason, if there is one', 2000),
    element: {
      type: 'plain_text_input',
      action_id: reasonBlock,
      multiline: true,
      max_length: 1000,
      ...(typed === null ? {} : { initial_value: typed.slice(0, 1000) }),
    },
  };
}
