import type { Json } from '../../kernel/canonical.ts';
import { type Html, html } from '../../kernel/html.ts';
import type { Actor } from '../../model/actor.ts';
import type { ParamView, RunbookView } from '../../ports/chat.ts';
import { typedValue } from '../../ports/command-answer.ts';
import { answerAct, type FormAnswer, refusal } from './answers.ts';
import { renderForm } from './buttons.ts';
import { renderNotice } from './cards.ts';
import { partial, runPath, type Viewer } from './viewer.ts';

/** What was typed, and what is wrong with it, by parameter. */
interface Filled {
  values: Readonly<Record<string, string>>;
  reason: string;
  faults: Readonly<Record<string, string>>;
  /** The alert that it is run for. */
  alert: string | null;
}

export const empty: Filled = { values: {}, reason: '', faults: {}, alert: null };

/** The form that runs a runbook by hand. */
export function renderRunForm(runbook: RunbookView, viewer: Viewer, filled: Filled = empty): Html {
  const body = html`<div id="run-fields" class="run-fields">${renderFields(runbook, filled)}</div>
<button class="button primary">Run</button>`;
  return html`<section class="card run-form" aria-label="Run it">${renderForm('/console/run', 'run-answer', body, viewer, { runbook: runbook.id, ...(filled.alert === null ? {} : { alert: filled.alert }) })}<div class="slot" id="run-answer" aria-live="polite"></div></section>`;
}

function renderFields({ params }: RunbookView, filled: Filled): Html {
  return html`${params.map(param => renderField(param, filled))}
<div class="field"><label for="run-reason">Reason (optional)</label><input id="run-reason" name="reason" maxlength="500" autocomplete="off" value="${filled.reason}"></div>`;
}

function renderField(param: ParamView, { values, faults }: Filled): Html {
  const id = idOf(param);
  const hint = `${id}-about`;
  const fault = Object.hasOwn(faults, param.name) ? faults[param.name] : undefined;
  const given = Object.hasOwn(values, param.name) ? values[param.name] : undefined;
  return html`<div class="field ${fault !== undefined && 'field-wrong'}"><label for="${id}">${param.name}${param.required && html` <span class="needed">required</span>`}</label>${renderInput(param, { id, hint, fault, value: given ?? param.default ?? '' })}${
    fault !== undefined && html`<p class="field-fault" id="${`${id}-fault`}">${param.name} ${fault}</p>`
  }<p class="hint" id="${hint}">${param.about}</p></div>`;
}

function idOf({ name }: ParamView): string {
  return `param-${name}`;
}

function renderInput(
  param: ParamView,
  { id, hint, fault, value }: { id: string; hint: string; fault: string | undefined; value: string },
): Html {
  const name = `param.${param.name}`;
  const about = fault === undefined ? hint : `${id}-fault ${hint}`;
  const wrong = fault !== undefined && html`aria-invalid="true"`;
  if (param.type === 'enum' || param.type === 'person' || param.type === 'boolean') {
    const known = param.type === 'boolean' ? ['true', 'false'] : param.options;
    // What was given stays to be seen, although it is not allowed.
    const options = value === '' || known.includes(value) ? known : [value, ...known];
    return html`<select id="${id}" name="${name}" aria-describedby="${about}" ${wrong} ${param.required && html`required`}>${
      (!param.required || param.default === null) &&
      html`<option value="">${param.required ? 'Choose…' : '(not given)'}</option>`
    }${options.map(option => html`<option value="${option}" ${option === value && html`selected`}>${option}</option>`)}</select>`;
  }
  const kind = param.type === 'number' ? html`inputmode="decimal"` : null;
  return html`<input id="${id}" name="${name}" value="${value}" aria-describedby="${about}" ${wrong} autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="4000" ${kind} ${param.required && html`required`}>`;
}

/** Asks for the run. A refusal keeps what was typed, and marks each field that is wrong. */
export async function runByForm(form: Record<string, string>, viewer: Viewer & { who: Actor }): Promise<FormAnswer> {
  const { host, who } = viewer;
  const runbook = host.catalogue().runbooks.find(one => one.id === form['runbook']);
  if (runbook === undefined) return refusal(404, 'There is no runbook of this name any more.');
  const params: Record<string, Json> = {};
  const values: Record<string, string> = {};
  for (const param of runbook.params) {
    const text = form[`param.${param.name}`] ?? '';
    values[param.name] = text;
    // An empty field is a parameter that was not given: its default applies, or it is reported as missing.
    if (text !== '') params[param.name] = typedValue(param, text);
  }
  const reason = (form['reason'] ?? '').trim();
  const alert = form['alert'] || null;
  const act = { kind: 'run', runbook: runbook.id, params, alert, reason: reason || null } as const;
  const answer = await host.act(who, act);
  const answered = answerAct(answer, 'Run');
  if (answer.ok && answer.run !== undefined) return { ...answered, to: runPath(answer.run) };
  const faults = (!answer.ok && answer.details?.fields) || {};
  const filled = { values, reason, faults, alert };
  const wrong = runbook.params.filter(({ name }) => Object.hasOwn(faults, name));
  const fragment =
    wrong.length === 0
      ? answered.fragment
      : renderNotice(
          wrong.length === 1 ? 'One field is not right:' : `${wrong.length} fields are not right:`,
          'error',
          html`<ul>${wrong.map(param => html`<li><a href="#${idOf(param)}">${param.name}</a> ${faults[param.name]}</li>`)}</ul>`,
        );
  // Fields that were marked before are cleared too.
  const fields = partial('run-fields', 'innerMorph', renderFields(runbook, filled));
  return {
    status: answered.status,
    fragment: html`${fragment}${fields}`,
    whole: answer.ok ? fragment : html`${fragment}${renderRunForm(runbook, viewer, filled)}`,
  };
}
