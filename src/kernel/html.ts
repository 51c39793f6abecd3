import { visible } from './text.ts';

/** A piece of finished HTML. Only the `html` tag makes one (the class is not exported), so a string can never pass as markup. */
class Html {
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  toString(): string {
    return this.#text;
  }
}

export type { Html };

export type HtmlValue = Html | string | number | null | undefined | false | readonly HtmlValue[];

/**
 * Joins a literal template and data. Every value is escaped. In running text, control, bidi and zero-width characters are made visible
 * first; inside a tag (attribute values) they stay as they are, because forms must send back what they were given.
 * Attribute values must stand in double quotes; a test reads the templates and says where they do not.
 */
export function html(strings: TemplateStringsArray, ...values: HtmlValue[]): Html {
  let text = strings[0] ?? '';
  let inTag = opensTag(strings[0] ?? '', false);
  values.forEach((value, index) => {
    const next = strings[index + 1] ?? '';
    text += render(value, inTag) + next;
    inTag = opensTag(next, inTag);
  });
  return new Html(text);
}

/** Whether the text ends inside a tag, `<a href="` for example. */
function opensTag(text: string, before: boolean): boolean {
  const open = text.lastIndexOf('<');
  const close = text.lastIndexOf('>');
  return open === close ? before : open > close;
}

function render(value: HtmlValue, inTag: boolean): string {
  if (value instanceof Html) return value.toString();
  if (Array.isArray(value)) return value.map(item => render(item, inTag)).join('');
  if (value === null || value === undefined || value === false) return '';
  const text = String(value);
  return escapeHtml(inTag ? text : visible(text));
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escapeHtml(text: string): string {
  // A NUL has no escape in HTML; a browser would show U+FFFD, so we say so ourselves. A CR would become LF on the way back.
  return text
    .replace(/[&<>"']/g, char => entities[char] ?? char)
    .replaceAll('\0', '\ufffd')
    .replaceAll('\r', '&#13;');
}

export const nothing = html``;
