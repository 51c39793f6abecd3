import type { types } from '@slack/bolt';
import { cutHead, cutLine, cutText, stripAnsi, visible } from '../../kernel/text.ts';
import { webUrl } from '../../kernel/web-url.ts';

export type Piece = types.RichTextSection['elements'][number];
export type RichPart = types.RichTextBlock['elements'][number];
export type SlackBlock = types.KnownBlock;

/**
 * Escapes the three characters that begin entities, links and mentions. Only the fallback of notifications needs it: everything else is
 * `rich_text`, whose texts Slack takes literally.
 */
export function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** The escaped fallback of a message: one line, at most `max` characters after escaping. */
export function fallback(text: string, max = 2000): string {
  // An escaped character is up to five long, and is never cut in two.
  return escapeText(cutLine(text, Math.floor(max / 5)));
}

export interface Look {
  bold?: boolean;
  code?: boolean;
  italic?: boolean;
}

/** A literal run of text on one line, cut to `max` with the number of characters that were cut. */
export function line(text: string, max: number, style: Look = {}): Piece {
  return literal(cutLine(text, max), style);
}

/** The same with its line breaks. */
export function lines(text: string, max: number, style: Look = {}): Piece {
  return literal(cutText(visible(text), max), style);
}

/** Our own words. Slack refuses an empty element, so that nothing is shown as a space. */
export function literal(text: string, style: Look = {}): Piece {
  return { type: 'text', text: text === '' ? ' ' : text, ...(Object.keys(style).length === 0 ? {} : { style }) };
}

export function emoji(name: string): Piece {
  return { type: 'emoji', name };
}

/** A time in the zone and the way of whoever reads it; `text` where it cannot be shown so. */
export function date(at: number, format: string, text: string): Piece {
  return { type: 'date', timestamp: Math.floor(at / 1000), format, fallback: text };
}

/** A link to a page of ours, whose text is ours too. */
export function page(text: string, url: string): Piece {
  const target = url.length > 2000 ? null : webUrl(url);
  return target === null ? literal(text) : { type: 'link', url: target.href, text: cutLine(text, 100) };
}

export function quotation(...elements: Piece[]): RichPart {
  return { type: 'rich_text_quote', elements };
}

export function section(...elements: Piece[]): RichPart {
  return { type: 'rich_text_section', elements };
}

/** Fixed pitch. The end is kept when `tail` is set, because the last lines of an output are the news. */
export function fixed(text: string, max: number, tail = false): RichPart {
  const shown = visible(stripAnsi(text)).replaceAll('\t', '    ');
  const kept = tail ? cutHead(shown, max) : cutText(shown, max);
  return { type: 'rich_text_preformatted', elements: [{ type: 'text', text: kept === '' ? ' ' : kept }] };
}

export function richText(...elements: RichPart[]): types.RichTextBlock {
  return { type: 'rich_text', elements };
}

/** Labels of buttons, titles and options: Slack takes them literally, and refuses longer or empty ones. */
export function plainText(text: string, max: number): types.PlainTextElement {
  const shown = cutLine(text, max);
  return { type: 'plain_text', text: shown.trim() === '' ? '–' : shown, emoji: false };
}

/** Only http and https without credentials become links, with the host beside the label, which may say anything; the rest is text. */
export function linkTo(label: string, url: string, max: number): Piece[] {
  const target = url.length > 2000 ? null : webUrl(url);
  if (target === null || target.href.length > 3000) return [line(`${label}: ${url}`, max)];
  return [
    { type: 'link', url: target.href, text: cutLine(label, max) || target.host },
    literal(` (${cutText(target.host, 100)})`),
  ];
}
