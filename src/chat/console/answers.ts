import { type Html, html } from '../../kernel/html.ts';
import type { ActAnswer } from '../../model/act.ts';
import { renderNotice } from './cards.ts';
import { gatePath, runPath } from './viewer.ts';

/** What a form is answered with. */
export interface FormAnswer {
  status: number;
  /** For the slot of the form. */
  fragment: Html;
  /** For a browser without a script, which leaves the page: with the form again, so that nothing that was typed is lost. */
  whole?: Html;
  /** The page that shows what came of it; the browser goes there. */
  to?: string;
}

export function answerAct(answer: ActAnswer, label: string): FormAnswer {
  const more =
    answer.run !== undefined
      ? html`<p><a href="${runPath(answer.run)}">Open the run</a></p>`
      : answer.gate !== undefined && html`<p><a href="${gatePath(answer.gate)}">Open the gate</a></p>`;
  if (!answer.ok) return { status: answer.status, fragment: renderNotice(answer.text, 'error', html`${more}`) };
  return { status: 200, fragment: renderNotice(answer.text || label, 'good', html`${more}`) };
}

export function refusal(status: number, text: string): FormAnswer {
  return { status, fragment: renderNotice(text, 'error') };
}
