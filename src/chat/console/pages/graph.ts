import { type Html, html } from '../../../kernel/html.ts';
import { cutLine } from '../../../kernel/text.ts';
import type { StepShapeView } from '../../../ports/chat.ts';
import { domId } from '../viewer.ts';

/** The id of a step's details on the page of its runbook. */
export function stepAnchor(id: string): string {
  return domId('step', id);
}

/**
 * The steps as a graph: a list in a list, which the style sheet draws with lines. So it reads as well without colours and lines, on a small
 * screen and aloud.
 */
export function renderGraph(steps: readonly StepShapeView[]): Html {
  return html`<ol class="graph" aria-label="Steps in their order">${steps.map(step => renderNode(step, ''))}</ol>`;
}

function renderNode(step: StepShapeView, prefix: string): Html {
  const { id, title, type, when, undo, branches } = step;
  const path = `${prefix}${id}`;
  const marks = html`${when !== null && html`<span class="graph-when">only if <code>${cutLine(when, 160)}</code></span>`}${type === 'approve' && html`<span class="graph-asks">people are asked</span>`}${type === 'verify' && html`<span class="graph-asks">waits until it is so</span>`}${undo !== null && html`<span class="graph-undo">undone by ${undo} when a later step fails</span>`}`;
  if (branches.length > 0)
    return html`<li class="graph-group"><p class="graph-title">${cutLine(title || id, 120)}: ${branches.length} at the same time</p>${marks}<ul class="graph-branches">${branches.map(branch => renderNode(branch, `${path}/`))}</ul></li>`;
  return html`<li class="graph-node graph-${type}"><a href="#${stepAnchor(path)}">${cutLine(title || id, 120)}</a> <span class="badge">${type}</span>${marks}</li>`;
}
