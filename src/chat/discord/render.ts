import { cutLine } from '../../kernel/text.ts';
import {
  type Block,
  type Button,
  type Card,
  quoted,
  type Shade,
  type Span,
  shadeOf,
  type Tone,
} from '../../model/card.ts';
import { renderProgress } from './progress.ts';
import { codeBlock, codeTail, escapeLine, escapeText, inlineCode, mixedNote, safeUrl } from './text.ts';
import { renderWarnings } from './warnings.ts';

/** A message as the API takes it. */
export interface Message {
  content: string;
  embeds: Embed[];
  components: Row[];
  /** Only users with these ids are notified; mentions in texts are not. */
  allowed_mentions: { parse: never[]; users: string[] };
}

interface Embed {
  title?: string;
  description?: string;
  color: number;
  fields?: Field[];
  footer?: { text: string };
}

interface Field {
  name: string;
  value: string;
  inline: boolean;
}

interface Row {
  type: 1;
  components: { type: 2; style: number; label: string; custom_id: string }[];
}

export interface RenderTools {
  /** The reference that a button carries; null leaves the button out. */
  reference(button: Button): string | null;
  /** The Discord users that a name of `mention` stands for. */
  accounts(name: string): readonly string[];
  /** The text of the footer, by which the message is found again; null for private answers. */
  mark: string | null;
  /** Milliseconds since the epoch, for what still runs. */
  now: number;
}

const colours: Record<Shade, number> = {
  'risk-none': 0x98a2b3,
  'risk-low': 0x2e90fa,
  'risk-medium': 0xf79009,
  'risk-high': 0xd92d20,
  critical: 0xd92d20,
  error: 0xf04438,
  warning: 0xf79009,
  info: 0x2e90fa,
  good: 0x12b76a,
  neutral: 0x98a2b3,
  ask: 0x9b51e0,
};

/** The sign of a state, for people who cannot see the colour. */
const signs: Record<Tone, string> = {
  critical: '🚨',
  error: '❌',
  warning: '⚠️',
  info: 'ℹ️',
  good: '✅',
  neutral: '▫️',
  ask: '✋',
};

/** Discord's limits: all embeds of a message 6,000 characters, a description 4,096, 25 fields of 256 and 1,024, ten embeds. */
const most = { total: 5900, description: 4000, fields: 25, embeds: 10, users: 80 } as const;

/** Limits of single values, characters. Of the steps, from generous to strict, the first that fits the whole card is used. */
export interface Caps {
  text: number;
  code: number;
  value: number;
  count: number;
}
const steps: readonly Caps[] = [
  { text: 3000, code: 3600, value: 1000, count: 256 },
  { text: 1800, code: 2600, value: 700, count: 256 },
  { text: 1000, code: 1800, value: 400, count: 256 },
  { text: 600, code: 1200, value: 240, count: 256 },
  { text: 400, code: 800, value: 140, count: 256 },
  { text: 250, code: 500, value: 80, count: 256 },
  { text: 150, code: 300, value: 45, count: 256 },
  { text: 120, code: 200, value: 40, count: 60 },
  { text: 120, code: 150, value: 40, count: 25 },
  { text: 100, code: 100, value: 40, count: 8 },
];

export function renderCard(card: Card, tools: RenderTools): Message {
  const users = [...new Set(card.mention.flatMap(tools.accounts))].slice(0, most.users);
  return {
    content: [renderHeadline(card), renderMention(card.mention, users, tools)].filter(text => text !== '').join('\n'),
    embeds: renderEmbeds(card, tools),
    components: renderButtons(card.buttons, tools),
    allowed_mentions: { parse: [], users },
  };
}

/** Renders an answer without a card in the same style. */
export function renderText(text: string, tone: Tone): Message {
  const embed = { description: escapeText(text.trim() === '' ? 'Done.' : text, 3900), color: colours[tone] };
  return { content: '', embeds: [embed], components: [], allowed_mentions: { parse: [], users: [] } };
}

/** Notifications show the content, so that a headline stands there, and not above the embed once more. */
function renderHeadline({ title, risk }: Card): string {
  return risk === undefined ? '' : `**${escapeLine(title, 500)}**`;
}

function renderMention(names: readonly string[], users: readonly string[], tools: RenderTools): string {
  if (names.length === 0) return '';
  const unknown = names.filter(name => tools.accounts(name).length === 0).map(name => escapeLine(`@${name}`, 100));
  return `Calls ${[...users.map(user => `<@${user}>`), ...unknown.slice(0, 5)].join(' ')}`;
}

function renderEmbeds(card: Card, tools: RenderTools): Embed[] {
  return fitEmbeds(card, tools).embeds;
}

/** The embeds and the caps that they were made with; null when only the first part and what to know before one presses are shown. */
export function fitEmbeds(
  card: Card,
  tools: Pick<RenderTools, 'mark' | 'now'>,
): { embeds: Embed[]; caps: Caps | null } {
  for (const caps of steps) {
    const embeds = embedsWith(card, caps, tools);
    const fits = embeds.length <= most.embeds && embeds.every(one => (one.description ?? '').length <= 4096);
    if (fits && sizeOf(embeds) <= most.total) return { embeds, caps };
  }
  // Only a card of very many blocks comes here. The first ones are shown, with a note that there are more.
  const strictest = steps.at(-1) ?? steps[0];
  const warnings = card.blocks.filter(block => block.kind === 'warnings');
  const blocks = [...card.blocks.filter(block => block.kind !== 'warnings').slice(0, 1), ...warnings];
  const shown = strictest === undefined ? [] : embedsWith({ ...card, blocks }, strictest, tools);
  const left = {
    description: escapeLine(`${card.blocks.length - blocks.length} more parts are in the console`, 200),
    color: colours[shadeOf(card)],
  };
  return { embeds: [...shown, left], caps: null };
}

function sizeOf(embeds: readonly Embed[]): number {
  const texts = embeds.flatMap(one => [
    one.title,
    one.description,
    one.footer?.text,
    ...(one.fields ?? []).flatMap(field => [field.name, field.value]),
  ]);
  return texts.reduce((sum, text) => sum + (text?.length ?? 0), 0);
}

interface Draft {
  parts: string[];
  length: number;
  fields: Field[];
}

/** Blocks keep their order. An embed shows its text above its fields, so text after fields begins another embed. */
function embedsWith(card: Card, caps: Caps, tools: Pick<RenderTools, 'mark' | 'now'>): Embed[] {
  let last: Draft = { parts: [], length: 0, fields: [] };
  const drafts = [last];
  const say = (text: string) => {
    if (last.fields.length > 0 || last.length + text.length > most.description) {
      last = { parts: [], length: 0, fields: [] };
      drafts.push(last);
    }
    last.parts.push(text);
    last.length += text.length + 1;
  };
  for (const block of card.blocks) {
    if (block.kind !== 'fields') {
      for (const text of renderBlock(block, caps, tools, card.title)) say(text);
      continue;
    }
    const asLines = block.fields.length > 9 || last.fields.length + block.fields.length > most.fields;
    if (asLines) for (const line of renderLines(block.fields, caps)) say(line);
    else last.fields.push(...block.fields.map(field => renderField(field, caps)));
  }
  const filled = drafts.filter((draft, index) => index === 0 || draft.parts.length > 0 || draft.fields.length > 0);
  return filled.map((draft, index) => ({
    ...(index === 0 ? { title: renderTitle(card) } : {}),
    ...(draft.parts.length > 0 ? { description: draft.parts.join('\n') } : {}),
    ...(draft.fields.length > 0 ? { fields: draft.fields } : {}),
    ...(index === filled.length - 1 && tools.mark !== null ? { footer: { text: tools.mark } } : {}),
    color: colours[shadeOf(card)],
  }));
}

function renderTitle(card: Card): string {
  if (card.risk !== undefined) {
    const state = [...(card.tone === 'ask' ? ['Needs a person'] : []), ...(card.badge === null ? [] : [card.badge])];
    return `${signs[card.tone]} ${escapeLine(state.join(' · '), 200)}`;
  }
  const badge = card.badge === null ? '' : ` · ${escapeLine(card.badge, 60)}`;
  const sign = `${signs[card.tone]} `;
  const note = mixedNote(card.title).slice(0, 60);
  const room = 250 - badge.length - sign.length - note.length;
  return `${sign}${escapeLine(card.title === '' ? '(without a title)' : card.title, room)}${note}${badge}`;
}

function renderBlock(
  block: Exclude<Block, { kind: 'fields' }>,
  caps: Caps,
  tools: Pick<RenderTools, 'now'>,
  title: string,
): string[] {
  switch (block.kind) {
    case 'text':
      return block.text.trim() === '' ? [] : [escapeText(block.text, caps.text)];
    case 'code':
      return block.text.trim() === '' ? [] : [codeBlock(block.text, caps.code)];
    case 'facts':
      return renderFacts(block.facts, caps);
    case 'quote':
      return [`> ${escapeLine(block.by, 100)} ${escapeLine(quoted(block.text), Math.min(300, caps.value))}`];
    case 'small':
      return [`-# ${escapeLine(block.text, Math.max(200, caps.value))}`];
    case 'warnings':
      return renderWarnings(block.items, caps);
    case 'links':
      return renderLinks(block.links, caps);
    case 'progress':
      return renderProgress(block, caps, tools);
    case 'picture':
      // The title may be the text already.
      return block.alt === title ? [] : [escapeText(block.alt, caps.text)];
    case 'output':
      return [...outputHead(block, title), ...tailLines(block.tail, caps)];
  }
}

function renderFacts(facts: Extract<Block, { kind: 'facts' }>['facts'], caps: Caps): string[] {
  const shown = facts.slice(0, caps.count);
  const lines = shown.map(
    ({ label, spans }) => `**${escapeLine(label.trim() === '' ? '–' : label, 60)}** ${renderSpans(spans, caps)}`,
  );
  const left = facts.length - shown.length;
  return left === 0 ? lines : [...lines, escapeLine(`and ${left} more, which are in the console`, 100)];
}

/** As many as have room: markup cannot be cut. */
function renderSpans(spans: readonly Span[], caps: Caps): string {
  let line = '';
  for (const span of spans) {
    const text = renderSpan(span, caps);
    if (line.length + text.length > caps.text) return `${line} …`;
    line += text;
  }
  return line;
}

/** Discord shows times in the zone of whoever reads them, and counts `R` on by itself. */
function renderSpan(span: Span, caps: Caps): string {
  switch (span.kind) {
    case 'said':
      return escapeLine(span.text, Math.min(600, caps.text));
    case 'quoted':
      return escapeLine(quoted(span.text), Math.min(300, caps.value)) + mixedNote(span.text).slice(0, 80);
    case 'code':
      return inlineCode(span.text, Math.min(200, caps.value)) + mixedNote(span.text).slice(0, 80);
    case 'page': {
      const target = safeUrl(span.url);
      return target === null ? escapeLine(span.text, 100) : `[${escapeLine(span.text, 100)}](${target})`;
    }
    case 'ago':
      return timeTag(span.at, 'R');
    case 'left':
      return `ends ${timeTag(span.at, 'R')} at ${timeTag(span.at, 't')}`;
  }
}

function timeTag(at: number, style: 'R' | 't'): string {
  return `<t:${Math.floor(at / 1000)}:${style}>`;
}

/** The heading of an output block; empty when the title already names the step. */
function outputHead({ step, live }: Extract<Block, { kind: 'output' }>, title: string): string[] {
  return title === `Output of ${step}` ? [] : [`Output of ${escapeLine(step, 120)}${live ? ' (running)' : ''}`];
}

function tailLines(text: string, caps: Caps): string[] {
  return text.trim() === '' ? [] : [codeTail(text, caps.code)];
}

/**
 * As many as have room for, and one at least. An address cannot be cut, and long ones must not push out what people compare, such as a
 * digest.
 */
function renderLinks(links: readonly { label: string; url: string }[], caps: Caps): string[] {
  const shown: string[] = [];
  let room = caps.text;
  for (const { label, url } of links) {
    const text = renderLink(label, url, caps);
    room -= text.length;
    if (room < 0 && shown.length > 0) break;
    shown.push(text);
  }
  const left = links.length - shown.length;
  if (left > 0) shown.push(escapeLine(`and ${left} more, which are in the console`, 100));
  return shown.length === 0 ? [] : [shown.join(' · ')];
}

/** Only http and https become links. The host is shown too, because the label may be misleading. */
function renderLink(label: string, url: string, caps: Caps): string {
  const target = safeUrl(url);
  const shown = escapeLine(label, Math.min(100, caps.value));
  if (target === null || shown.trim() === '') return `${shown}: ${inlineCode(url, Math.min(200, caps.value))}`;
  return `[${shown}](${target}) (${escapeLine(new URL(target).host, 80)})`;
}

type Fact = { label: string; value: string; code?: boolean | undefined };

export function renderValue({ value, code }: Fact, max: number): string {
  const note = mixedNote(value).slice(0, 80);
  const room = Math.max(20, max - note.length);
  return code === true || value.trim() === '' ? inlineCode(value, room) + note : escapeText(value, room) + note;
}

function renderField(fact: Fact, caps: Caps): Field {
  const value = renderValue(fact, Math.min(caps.value, 1020));
  const name = escapeLine(fact.label, Math.min(caps.value, 200));
  return { name: name.trim() === '' ? '–' : name, value, inline: value.length <= 40 };
}

function renderLines(facts: readonly Fact[], caps: Caps): string[] {
  const shown = facts.slice(0, caps.count);
  const lines = shown.map(
    fact => `${escapeLine(fact.label, Math.min(caps.value, 100))}: ${renderValue(fact, caps.value)}`,
  );
  const left = facts.length - shown.length;
  return left === 0 ? lines : [...lines, escapeLine(`and ${left} more, which are in the console`, 100)];
}

/** Discord's button colours: green, red, grey. */
const styles: Record<Button['style'], number> = { primary: 3, danger: 4, plain: 2 };

function renderButtons(buttons: readonly Button[], tools: RenderTools): Row[] {
  const made = buttons.flatMap(button => {
    const reference = tools.reference(button);
    const label = cutLine(button.label, 80).trim();
    return reference === null
      ? []
      : [
          {
            type: 2 as const,
            style: styles[button.style],
            label: label === '' ? 'Press' : label,
            custom_id: reference,
          },
        ];
  });
  const rows: Row[] = [];
  for (let from = 0; from < made.length && rows.length < 5; from += 5)
    rows.push({ type: 1, components: made.slice(from, from + 5) });
  return rows;
}
