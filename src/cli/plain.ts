import { stripAnsi, visible } from '../kernel/text.ts';

/** Text of others must not drive the terminal. */
export function plain(text: string): string {
  return visible(stripAnsi(text));
}
