import type { Json } from './world.ts';

/** What people read of a message or view: the texts of its blocks, in order. */
export function readable(body: Json): string {
  const { blocks = [], attachments = [] } = body;
  const all = [...blocks, ...attachments.flatMap((one: Json) => one.blocks ?? [])];
  return all.length === 0 ? String(body.text ?? '') : all.map(readBlock).join('\n');
}

function readBlock(block: Json): string {
  if (block.type === 'rich_text')
    return block.elements.map((part: Json) => part.elements.map(readPiece).join('')).join('\n');
  if (block.type === 'context') return block.elements.map((one: Json) => one.text).join(' ');
  if (block.type === 'actions') return block.elements.map((one: Json) => `[${one.text.text}]`).join(' ');
  if (block.type === 'input') return block.label.text;
  return '';
}

function readPiece(piece: Json): string {
  switch (piece.type) {
    case 'text':
      return piece.text;
    case 'link':
      return piece.text ?? piece.url;
    case 'emoji':
      return `:${piece.name}:`;
    case 'date':
      return piece.fallback;
    default:
      return '';
  }
}

/** Whatever a client would act upon: links, mentions, markup that is parsed, entities in the fallback. */
export function activeParts(body: Json): string[] {
  const found: string[] = [];
  walk(body.blocks, found);
  for (const one of body.attachments ?? []) {
    walk(one.blocks, found);
    if (isActive(one.fallback ?? '')) found.push(`fallback ${one.fallback}`);
    for (const name of ['text', 'pretext', 'title', 'title_link', 'fields'])
      if (one[name] !== undefined) found.push(name);
  }
  if (isActive(String(body.text ?? ''))) found.push(`text ${body.text}`);
  return found;
}

function walk(value: Json, found: string[]): void {
  if (Array.isArray(value)) for (const one of value) walk(one, found);
  else if (value !== null && typeof value === 'object') {
    if (['link', 'user', 'usergroup', 'channel', 'broadcast', 'image'].includes(value.type))
      found.push(`${value.type} ${value.url ?? ''}`);
    // A date acts when it leads somewhere.
    if (value.type === 'date' && value.url !== undefined) found.push(`date ${value.url}`);
    if (value.type === 'mrkdwn' && isActive(value.text)) found.push(`mrkdwn ${value.text}`);
    if (value.type === 'plain_text' && value.emoji !== false) found.push('emoji in plain text');
    for (const one of Object.values(value)) walk(one, found);
  }
}

/** Slack acts on what stands in angle brackets, and on entities that are not its three. */
function isActive(text: string): boolean {
  return /[<>]/.test(text) || /&(?!amp;|lt;|gt;)/.test(text);
}
