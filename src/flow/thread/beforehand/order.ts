import { type Finding, listed } from './finding.ts';
import type { PlanText } from './scripts.ts';

/** Letters that are read from right to left. They also move what stands between them, so that arguments may seem to change places. */
const rightToLeft =
  /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Samaritan}\p{Script=Mandaic}\p{Script=Adlam}\p{Script=Hanifi_Rohingya}]/u;
/** This many blanks in a row push what follows them onto another line, or out of sight. */
const wide = /[ \t]{16,}/;

/** Texts on the plan whose parts are seen at another place than they stand. */
export function findOrder(texts: readonly PlanText[]): Finding[] {
  const turned = texts.filter(({ text }) => rightToLeft.test(text)).map(({ where }) => where);
  const order: Finding[] =
    turned.length === 0
      ? []
      : [
          {
            kind: 'order',
            key: `order ${turned.join(' ')}`,
            text: `Letters that are read from right to left are in: ${listed(turned)}. What you see may stand in another order than it runs.`,
          },
        ];
  return [...order, ...texts.flatMap(findBlanks)];
}

/** A name is what the commands get, blanks and all: `" web-1"` is not web-1. */
function findBlanks({ where, text, isName }: PlanText): Finding[] {
  const finding = (what: string): Finding => ({ kind: 'order', key: `blanks ${where}`, text: `${where} ${what}.` });
  const run = text.match(wide)?.[0];
  if (run !== undefined) return [finding(`has ${run.length} blanks in a row, and goes on behind them`)];
  if (isName !== true) return [];
  if (text.trim() !== text) return [finding('begins or ends with a blank, which cannot be seen')];
  return text.includes('\n') ? [finding('goes on after a line break')] : [];
}
