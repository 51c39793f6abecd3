import { warningsTitle } from '../../model/card.ts';
import { escapeText } from './text.ts';

/** Never cut to less than says what it is. */
export function renderWarnings(items: readonly string[], { text }: { text: number }): string[] {
  return [`**${warningsTitle}**`, ...items.map(item => `⚠️ ${escapeText(item, Math.max(220, Math.floor(text / 2)))}`)];
}
