import { cutMiddle } from '../../kernel/text.ts';
import type { Card } from '../../model/card.ts';
import type { Confirmation } from '../../model/confirmation.ts';
import type { Modal, ModalText } from './reply.ts';
import { codeBlock, escapeText } from './text.ts';
import { renderWarnings } from './warnings.ts';

/**
 * Characters of all texts of a modal. Discord documents 4,000 for the text displays of a message, and nothing for those of a modal.
 * The commands get what the rest leaves.
 */
const most = { all: 3900, about: 1900, leastCommands: 600 } as const;

/** The modal of a confirmation: what there is to know, the commands with their end, and the field for the reason. */
export function confirmModal(id: string, label: string, confirm: Confirmation): Modal {
  const about = aboutText(confirm, most.about);
  const commands = commandsText(confirm.commands, Math.max(most.leastCommands, most.all - about.length));
  const required = confirm.reason === 'required';
  return {
    custom_id: id,
    title: label.slice(0, 45),
    components: [
      say(about),
      say(commands),
      {
        type: 18,
        label: required ? 'Reason' : 'Reason (optional)',
        description: 'It is shown in the thread and kept in the journal.',
        component: { type: 4, custom_id: 'reason', style: 2, required, max_length: 500 },
      },
    ],
  };
}

function say(content: string): ModalText {
  return { type: 10, content };
}

/** The warnings come before the facts, which are on the card too. */
function aboutText(confirm: Confirmation, max: number): string {
  const news = confirm.news === null ? [] : [`⚠️ ${escapeText(confirm.news, 300)}`];
  const warnings = confirm.warnings.length === 0 ? [] : renderWarnings(confirm.warnings, { text: 600 });
  const said = [...news, `**${escapeText(confirm.title, 300)}**`, ...warnings];
  const facts = confirm.facts.map(({ label, value }) => escapeText(`${label}: ${cutMiddle(value, 200)}`, 300));
  let text = '';
  for (const [index, part] of [...said, ...facts].entries()) {
    const left = said.length + facts.length - index;
    if (text.length + part.length > max - 60) return `${text}\n… ${left} more lines; Details show all of it`;
    text = text === '' ? part : `${text}\n${part}`;
  }
  return text;
}

function commandsText(commands: string, max: number): string {
  for (let room = max - 8; room > 100; room = Math.floor(room * 0.9)) {
    const text = codeBlock(cutMiddle(commands, room), Number.POSITIVE_INFINITY);
    if (text.length <= max) return text;
  }
  return codeBlock(cutMiddle(commands, 100), max);
}

/** The same as a private message, where no modal can be opened: an answer to a modal, or one that came too late for it. */
export function confirmCard(confirm: Confirmation): Card {
  const fields = confirm.facts.map(({ label, value }) => ({ label, value: cutMiddle(value, 900), code: true }));
  return {
    tone: 'ask',
    title: confirm.title,
    badge: null,
    blocks: [
      ...(confirm.news === null ? [] : [{ kind: 'text' as const, text: confirm.news }]),
      { kind: 'fields', fields },
      { kind: 'code', text: confirm.commands },
      ...(confirm.warnings.length === 0 ? [] : [{ kind: 'warnings' as const, items: [...confirm.warnings] }]),
    ],
    buttons: [],
    mention: [],
  };
}
