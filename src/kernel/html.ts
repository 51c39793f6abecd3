import { visible } from './text.ts';

/** Finished HTML. Only the `html` tag makes it (the class is not exported), so a string can never pass as markup. */
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
 * Template tag for HTML: every value is escaped. In text, control, bidi and zero-width characters are made visible first. In attribute
 * values they stay as they are, because forms must send back what they were given. Attribute values must be in double quotes; a test reads
 * the templates and reports those that are not.
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

/** True when the text ends inside a tag, for example after `<a href="`. */
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
  // HTML has no escape for NUL, and browsers show U+FFFD for it. A CR must be escaped, or a form would send back LF.
  return text
    .replace(/[&<>"']/g, char => entities[char] ?? char)
    .replaceAll('\0', '\ufffd')
    .replaceAll('\r', '&#13;');
}

export const nothing = html``;
