import type { types } from '@slack/bolt';
import { type Card, type Shade, shadeOf, type Tone } from '../../model/card.ts';
import { type Caps, capsAt, renderBlock } from './blocks.ts';
import { renderButtons } from './buttons.ts';
import { emoji, fallback, line, literal, type Piece, plainText, richText, type SlackBlock, section } from './text.ts';

/** A message as Slack takes it. The title is above, everything else beside a bar in the colour of the tone. */
export interface SlackMessage {
  /** The escaped fallback, for notifications and screen readers. */
  text: string;
  blocks: SlackBlock[];
  attachments: types.MessageAttachment[];
}

const colours: Record<Shade, string> = {
  'risk-none': '#8c959f',
  'risk-low': '#2f6feb',
  'risk-medium': '#e8a100',
  'risk-high': '#b3261e',
  critical: '#b3261e',
  error: '#d9480f',
  warning: '#e8a100',
  info: '#2f6feb',
  good: '#2da44e',
  neutral: '#8c959f',
  ask: '#8250df',
};

const signs: Record<Tone, string> = {
  critical: 'rotating_light',
  error: 'x',
  warning: 'warning',
  info: 'information_source',
  good: 'white_check_mark',
  neutral: 'speech_balloon',
  ask: 'raised_hand',
};

/** What a state is called beside its colour and sign, for those who see neither. */
const words: Record<Tone, string> = {
  critical: 'Critical',
  error: 'Error',
  warning: 'Warning',
  info: 'Info',
  good: 'OK',
  neutral: 'Note',
  ask: 'Needs a person',
};

export interface RenderFacts {
  /** The key of the post; null for a private answer. */
  post: string | null;
  /** The alert whose own message it is: it gets the button for a run. */
  alert?: string | null;
  /** Who is called: only elements that mention somebody. */
  mentions: readonly Piece[];
  now: number;
}

/** Characters over all blocks. Slack refuses about 13,200; the difference is a margin for what else it may count. */
const mostCharacters = 11_000;
/** Blocks. Slack takes 50 over a message and its attachments. */
const mostBlocks = 40;

/** A card as a message that Slack takes, however long its texts are: the longer it is, the more of each value is cut. */
export function renderMessage(card: Card, facts: RenderFacts): SlackMessage {
  return fitMessage(card, facts).message;
}

/** The message and the caps that it was made with; null when it is the title, the buttons and what to know before one presses alone. */
export function fitMessage(card: Card, facts: RenderFacts): { message: SlackMessage; caps: Caps | null } {
  for (const scale of [1, 0.6, 0.35, 0.2, 0.1]) {
    const caps = capsAt(scale);
    const message = renderAt(card, facts, caps);
    if (countCharacters(message) <= mostCharacters) return { message, caps };
  }
  return { message: renderAt(withWarningsOnly(card), facts, capsAt(0)), caps: null };
}

function withWarningsOnly(card: Card): Card {
  return { ...card, blocks: card.blocks.filter(block => block.kind === 'warnings') };
}

/** The title, the state and the buttons alone: for a message whose full form Slack does not take, whatever the reason. */
export function renderBare(card: Card, facts: RenderFacts): SlackMessage {
  const text = 'Slack did not take all of this message. See the console for the rest.';
  const blocks: Card['blocks'] = [{ kind: 'text', text }, ...withWarningsOnly(card).blocks];
  return renderAt({ ...card, blocks }, facts, capsAt(0.2));
}

function renderAt(card: Card, facts: RenderFacts, caps: Caps): SlackMessage {
  const body = renderBody(card, facts, caps);
  const text = fallback(pushText(card));
  const attachment = { color: colours[shadeOf(card)], fallback: text, blocks: body };
  return { text, blocks: [renderHead(card, caps, facts.mentions)], attachments: body.length === 0 ? [] : [attachment] };
}

/** What notifications say. A phone shows the beginning, so that a headline stands first. */
function pushText(card: Card): string {
  const badge = card.badge === null ? '' : ` (${card.badge})`;
  return card.risk === undefined ? `${words[card.tone]}: ${card.title}${badge}` : `${card.title}${badge}`;
}

/** The sign, the title and the state, and who is called. */
export function renderHead(card: Card, caps: Caps, mentions: readonly Piece[] = []): types.RichTextBlock {
  const badge = card.badge === null ? [] : [literal('  '), line(card.badge, 80, { code: true })];
  const title = section(emoji(signs[card.tone]), literal(' '), line(card.title, caps.title, { bold: true }), ...badge);
  return mentions.length === 0 ? richText(title) : richText(title, section(...mentions));
}

function renderBody(card: Card, facts: RenderFacts, caps: Caps): SlackBlock[] {
  const all = card.blocks
    .filter(block => block.kind !== 'warnings')
    .flatMap(block => renderBlock(block, caps, facts.now));
  const blocks = all.slice(0, mostBlocks);
  const left = all.length - blocks.length;
  if (left > 0) blocks.push(richText(section(literal(`… ${left} more parts`))));
  // They stand last, directly above the buttons.
  const warnings = withWarningsOnly(card).blocks.flatMap(block => renderBlock(block, caps, facts.now));
  return [...blocks, ...warnings, ...renderButtons(card.buttons, facts.post, facts.alert)];
}

/** A short private answer. */
export function renderNotice(text: string, tone: Tone): SlackMessage {
  const card: Card = { tone, title: text, badge: null, blocks: [], buttons: [], mention: [] };
  const head = richText(section(emoji(signs[tone]), literal(' '), line(text, 2500)));
  return { ...renderMessage(card, { post: null, mentions: [], now: 0 }), blocks: [head] };
}

/** The blocks of a message for places that take no attachments, such as modals and App Home. */
export function flatten(message: SlackMessage): SlackBlock[] {
  return [...message.blocks, ...message.attachments.flatMap(one => (one.blocks ?? []) as SlackBlock[])];
}

/** A modal that only tells something. */
export function resultView(blocks: SlackBlock[]): types.ModalView {
  return { type: 'modal', title: plainText('Tocsin', 24), close: plainText('Close', 24), blocks };
}

/** The characters of all texts that people or Slack read, wherever they are in the message. */
export function countCharacters(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, one) => sum + countCharacters(one), 0);
  if (value === null || typeof value !== 'object') return 0;
  let sum = 0;
  for (const [key, one] of Object.entries(value)) {
    if (typeof one === 'string') sum += counted.has(key) ? one.length : 0;
    else sum += countCharacters(one);
  }
  return sum;
}

const counted = new Set(['text', 'url', 'value']);
