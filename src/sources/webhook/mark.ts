import { hmacOf, sameText } from '../../kernel/signature.ts';
import { cutText } from '../../kernel/text.ts';

/**
 * The mark at the end of what Tocsin writes at an origin: a retry finds it, and by it Tocsin knows its own words when they come back. The
 * digits behind the marker are made with the key of the origin's API, so that only who has that key can have words taken for Tocsin's.
 */
export interface Mark {
  /** The text with the mark behind it, the text cut so that both together have no more characters than this. */
  sign(text: string, marker: string, longest: number): string;
  /** True for a text that ends with a mark of Tocsin's. Constant time. */
  isOwn(text: string): boolean;
}

const shape = /\[tocsin ([A-Za-z0-9_/-]{1,200}) ([0-9a-f]{16})\]\s*$/;

/** `key`: the credential that Tocsin writes with. */
export function markWith(key: string): Mark {
  const digits = (marker: string) => hmacOf(key, ['tocsin mark ', marker]).toString('hex').slice(0, 16);
  return {
    sign(text, marker, longest) {
      const mark = `\n[tocsin ${marker} ${digits(marker)}]`;
      return cutText(text, longest - mark.length) + mark;
    },
    isOwn(text) {
      const [, marker, told] = shape.exec(text.slice(-300)) ?? [];
      return marker !== undefined && told !== undefined && sameText(told, digits(marker));
    },
  };
}

/** True when the text has the mark of this marker, whatever key it was made with: the key may have been replaced between two attempts. */
export function carries(text: string, marker: string): boolean {
  return text.includes(`[tocsin ${marker} `);
}

/**
 * Words as a block of code of Markdown: otherwise they could mention people or hide something, and a line that begins with a slash would
 * be carried out by GitLab (gitlab-org/gitlab issue 505099). An indented block needs no fence that the words could end.
 */
export function asWords(text: string): string {
  return text
    .split(/\r\n|[\n\r\u2028\u2029]/)
    .map(line => `    ${line}`)
    .join('\n');
}
