import type { types } from '@slack/bolt';
import { messageOf } from '../../kernel/errors.ts';
import { cutText, visible } from '../../kernel/text.ts';
import type { Actor } from '../../model/actor.ts';
import type { Block, Button, Card } from '../../model/card.ts';
import { type Caps, capsAt, renderBlock } from './blocks.ts';
import { renderButtons } from './buttons.ts';
import type { SlackContext, Tell } from './context.ts';
import { openOrPush } from './modal.ts';
import { renderHead, renderMessage, renderNotice } from './render.ts';
import { plainText, type SlackBlock } from './text.ts';

type Details = Extract<Button['does'], { kind: 'details' }>;

/**
 * Shows details to the person who asked, only if tocsin.yaml names that person. What is too long for a message is shown whole in a modal,
 * so that nobody approves a plan that they could not read.
 */
export async function showDetails(
  does: Details,
  who: Actor,
  trigger: { trigger_id: string; inModal: boolean },
  tell: Tell,
  ctx: SlackContext,
): Promise<void> {
  if (who.kind === 'stranger') return tell(renderNotice(`You are not known here: ${who.because}.`, 'error'));
  const card = await ctx.host.details(does.subject, does.id);
  if (card === null) return tell(renderNotice('There is nothing of this kind any more.', 'error'));
  const now = ctx.host.clock.now();
  const message = renderMessage(card, { post: null, mentions: [], now });
  if (!/… [\d,]+ more/.test(JSON.stringify(message))) return tell(message);
  try {
    await openOrPush(trigger, wholeView(card, now), ctx);
  } catch (error) {
    // A modal must be opened within 3 s of the press. When that fails, a shortened message is sent.
    ctx.host.log.info({ reason: messageOf(error) }, 'details were not opened in a modal, and are sent in short');
    await tell(message);
  }
}

const mostBlocks = 97;
const pieceLength = 2900;
/** Characters. A view may have 250 KB, and one character may take six bytes. */
const mostWhole = 40_000;

export const wide: Caps = {
  ...capsAt(1),
  text: 6000,
  code: pieceLength,
  value: 3000,
  because: 2000,
  warning: 3000,
  rows: 200,
};

function wholeView(card: Card, now: number): types.ModalView {
  const blocks: SlackBlock[] = [renderHead(card, wide)];
  let room = mostWhole;
  for (const block of card.blocks) {
    for (const piece of piecesOf(block, room)) {
      room -= textLength(piece);
      blocks.push(...renderBlock(piece, wide, now));
    }
  }
  const buttons = renderButtons(card.buttons, null);
  const shown = blocks.slice(0, mostBlocks - buttons.length);
  return {
    type: 'modal',
    title: plainText('Details', 24),
    close: plainText('Close', 24),
    blocks: [...shown, ...buttons],
  };
}

/** Splits a long block into several, at line ends where possible. */
export function piecesOf(block: Block, room: number): Block[] {
  if (block.kind !== 'code') return room > 0 ? [block] : [];
  const text = cutText(visible(block.text), Math.max(100, room));
  const pieces: Block[] = [];
  for (let at = 0; at < text.length; ) {
    const line = text.lastIndexOf('\n', at + pieceLength);
    const end = at + pieceLength >= text.length ? text.length : line > at ? line + 1 : wholeEnd(text, at + pieceLength);
    pieces.push({ kind: 'code', text: text.slice(at, end) });
    at = end;
  }
  return pieces;
}

function wholeEnd(text: string, end: number): number {
  const unit = text.charCodeAt(end - 1);
  return unit >= 0xd800 && unit <= 0xdbff ? end - 1 : end;
}

function textLength(block: Block): number {
  return JSON.stringify(block).length;
}
