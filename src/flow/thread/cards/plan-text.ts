import { cutLine } from '../../../kernel/text.ts';
import { quoted } from '../../../model/card.ts';
import type { StepOutline } from '../../../ports/runbook.ts';

/** The steps of a plan as they will run, numbered from `first`. */
export function planText(outline: readonly StepOutline[], first = 1): string {
  if (outline.length === 0)
    return 'A TypeScript runbook: the approval covers its code and these parameters; later arguments are computed.';
  return outline
    .map((step, index) => {
      const title = step.title === '' || step.title === step.id ? step.id : quoted(cutLine(step.title, 200));
      return `${first + index}. ${title}\n   ${step.shows.replaceAll('\n', '\n   ')}`;
    })
    .join('\n');
}
