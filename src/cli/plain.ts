import { stripAnsi, visible } from '../kernel/text.ts';

/** Removes control sequences, because texts of others must not control the terminal. */
export function plain(text: string): string {
  return visible(stripAnsi(text));
}
