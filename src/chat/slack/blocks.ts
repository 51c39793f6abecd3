import { showDuration } from '../../kernel/duration.ts';
import { mixedWords } from '../../kernel/text.ts';
import {
  type Block,
  leftText,
  type Progress,
  progressText,
  quoted,
  type Span,
  stepMark,
  warningsTitle,
} from '../../model/card.ts';
import {
  date,
  fixed,
  line,
  lines,
  linkTo,
  literal,
  type Piece,
  page,
  plainText,
  quotation,
  type RichPart,
  richText,
  type SlackBlock,
  section,
} from './text.ts';

/** The longest that each kind of value may be, characters. All are reduced together when a whole message is too long. */
export interface Caps {
  title: number;
  text: number;
  code: number;
  tail: number;
  label: number;
  value: number;
  because: number;
  /** One thing to know beforehand. Never cut to less than says it. */
  warning: number;
  /** Fields and steps of one block. */
  rows: number;
}

export function capsAt(scale: number): Caps {
  const of = (most: number, least: number) => Math.max(least, Math.floor(most * scale));
  return {
    title: of(300, 80),
    text: of(1500, 60),
    code: of(6000, 200),
    tail: of(2800, 200),
    label: of(80, 30),
    value: of(500, 40),
    because: of(300, 40),
    warning: of(1200, 300),
    rows: of(60, 12),
  };
}

/** One block of a card as one of Slack's, or as none. `now` is for elapsed times and for those that are left. */
export function renderBlock(block: Block, caps: Caps, now: number): SlackBlock[] {
  if (block.kind === 'small')
    return [{ type: 'context', elements: [plainText(block.text, Math.max(200, caps.value * 2))] }];
  const parts = renderParts(block, caps, now);
  return parts.length === 0 ? [] : [richText(...parts)];
}

function renderParts(block: Exclude<Block, { kind: 'small' }>, caps: Caps, now: number): RichPart[] {
  switch (block.kind) {
    case 'text':
      return [section(lines(block.text, caps.text))];
    case 'warnings':
      return [renderWarnings(block.items, caps)];
    case 'code':
      return [fixed(block.text, caps.code)];
    case 'fields':
      return rows(block.fields, caps, field => [
        line(field.label, caps.label, { bold: true }),
        literal('  '),
        ...value(field.value, field.code === true, caps),
      ]);
    case 'facts':
      return rows(block.facts, caps, one => [
        line(one.label, caps.label, { bold: true }),
        literal('  '),
        ...one.spans.flatMap(span => renderSpan(span, caps, now)),
      ]);
    case 'quote':
      return [quotation(literal(`${block.by} `), line(quoted(block.text), caps.value, { italic: true }))];
    case 'links':
      return renderLinks(block.links, caps);
    case 'progress':
      return renderProgress(block, caps, now);
    case 'picture':
      return [section(lines(block.alt, caps.text))];
    case 'output':
      return [
        section(
          literal('Output of '),
          line(block.step, caps.label, { bold: true }),
          literal(block.live ? ', running' : ''),
        ),
        fixed(block.tail, caps.tail, true),
      ];
  }
}

/**
 * Slack counts `{ago}` on by itself. What is left it does not: its documents give no words for a time to come, so the words are ours, edited
 * every few minutes (flow/deliver/left.ts), beside the clock time of whoever reads it.
 */
function renderSpan(span: Span, caps: Caps, now: number): Piece[] {
  switch (span.kind) {
    case 'said':
      return [line(span.text, caps.text)];
    case 'quoted':
      return value(quoted(span.text), false, caps);
    case 'code':
      return value(span.text, true, caps);
    case 'page':
      return [page(span.text, span.url)];
    case 'ago':
      return [date(span.at, '{ago}', span.text)];
    case 'left': {
      const format = span.at - now < 12 * 3_600_000 ? '{time}' : '{date_short_pretty}, {time}';
      return [literal(`${leftText(span.at, now)} (until `), date(span.at, format, span.text), literal(')')];
    }
  }
}

function renderWarnings(items: readonly string[], caps: Caps): RichPart {
  const rest = items.flatMap(item => [literal('\n⚠ '), lines(item, caps.warning)]);
  return section(literal(warningsTitle, { bold: true }), ...rest);
}

/** One line for each; the number of those that do not fit is shown. */
function rows<T>(all: readonly T[], caps: Caps, render: (one: T) => Piece[]): RichPart[] {
  if (all.length === 0) return [];
  const shown = all.length <= caps.rows ? all : all.slice(0, caps.rows - 1);
  const pieces = shown.flatMap((one, index) => (index === 0 ? render(one) : [literal('\n'), ...render(one)]));
  if (shown.length < all.length) pieces.push(literal(`\n… ${all.length - shown.length} more`));
  return [section(...pieces)];
}

/**
 * As many links as have room for their addresses, and one at least. An address cannot be cut, and long ones must not push out what people
 * compare, such as a digest.
 */
function renderLinks(links: readonly { label: string; url: string }[], caps: Caps): RichPart[] {
  let room = caps.text * 2;
  const fit = links.findIndex((link, index) => {
    room -= link.url.length;
    return room < 0 && index > 0;
  });
  const parts = rows(fit < 0 ? links : links.slice(0, fit), caps, link => linkTo(link.label, link.url, caps.value));
  return fit < 0 ? parts : [...parts, section(literal(`… ${links.length - fit} more links`))];
}

/** Letters of different scripts that look alike are named, because the difference cannot be seen. */
function value(text: string, code: boolean, caps: Caps): Piece[] {
  // On one line always: a value with line breaks could look like further fields.
  const shown = line(text, caps.value, code ? { code } : {});
  const mixed = mixedWords(text);
  if (mixed.length === 0) return [shown];
  return [shown, line(` mixes scripts: ${mixed.join(', ')}`, caps.value, { italic: true })];
}

function renderProgress(block: Progress, caps: Caps, now: number): RichPart[] {
  const elapsed =
    block.startedAt === null
      ? ''
      : ` ${block.finishedAt === null ? 'for' : 'in'} ${showDuration(Math.max(0, (block.finishedAt ?? now) - block.startedAt))}`;
  const head = section(literal(progressText(block), { bold: true }), literal(elapsed === '' ? ' ' : elapsed));
  const steps = rows(block.steps, caps, step => [
    literal(`${stepMark(step.state)} `),
    line(step.title, caps.label * 2),
    line(`  ${step.state}`, 40, { italic: true }),
    ...(step.because === null ? [] : [literal(': '), line(step.because, caps.because)]),
  ]);
  return [head, ...steps];
}
