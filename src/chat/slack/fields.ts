import type { types } from '@slack/bolt';
import type { Json } from '../../kernel/canonical.ts';
import type { ParamView, RunbookView } from '../../ports/chat.ts';
import { typedValue } from '../../ports/command-answer.ts';
import type { FieldState } from './incoming.ts';
import { plainText } from './text.ts';

type Values = Record<string, Record<string, FieldState>>;

const action = 'value';
/** Slack's limits of a select: options, and characters of one option's text. */
const mostOptions = 100;
const mostOptionText = 75;

/** The runbook is part of the name, so that a value typed for one never reaches another. */
export function blockOf(runbook: string, param: string): string {
  return `param:${runbook}:${param}`.slice(0, 255);
}

/** One field per parameter, by its type. */
export function paramBlocks(runbook: RunbookView): types.InputBlock[] {
  return runbook.params.map(param => {
    const must = param.required && param.default === null && param.type !== 'boolean';
    const hint = param.about === '' ? {} : { hint: plainText(param.about, 2000) };
    const common = { type: 'input' as const, block_id: blockOf(runbook.id, param.name), optional: !must, ...hint };
    return { ...common, label: plainText(param.name, 2000), element: elementOf(param) };
  });
}

function elementOf(param: ParamView): types.InputBlock['element'] {
  if (param.type === 'boolean') return checkbox(param);
  if (param.type === 'enum' && canSelect(param)) return select(param);
  if (param.type === 'person') return people(param);
  const initial = param.default === null ? {} : { initial_value: param.default.slice(0, 3000) };
  if (param.type === 'number') return { type: 'number_input', action_id: action, is_decimal_allowed: true, ...initial };
  const hint = param.options.length > 0 ? { placeholder: plainText(param.options.join(', '), 150) } : {};
  return { type: 'plain_text_input', action_id: action, max_length: 3000, ...initial, ...hint };
}

function checkbox(param: ParamView): types.Checkboxes {
  const option = { text: plainText('yes', mostOptionText), value: 'true' };
  const initial = param.default === 'true' ? { initial_options: [option] } : {};
  return { type: 'checkboxes', action_id: action, options: [option], ...initial };
}

function canSelect({ options }: ParamView): boolean {
  return (
    options.length > 0 &&
    options.length <= mostOptions &&
    options.every(one => one !== '' && one.length <= mostOptionText)
  );
}

function select(param: ParamView): types.StaticSelect {
  const options = param.options.map(one => ({ text: plainText(one, mostOptionText), value: one }));
  const initial = options.find(option => option.value === param.default);
  return {
    type: 'static_select',
    action_id: action,
    options,
    ...(initial === undefined ? {} : { initial_option: initial }),
  };
}

/** A select of Slack accounts. The default is named, not preselected: the person may have no account, or one that Slack refuses to show. */
function people(param: ParamView): types.UsersSelect {
  const text = param.default === null ? 'Choose somebody' : `${param.default} when left empty`;
  return { type: 'users_select', action_id: action, placeholder: plainText(text, 150) };
}

/**
 * Reads the submitted parameters, and the errors by field. An empty field is left out, so that the runbook's default applies. `personOf`
 * maps an account to a person of tocsin.yaml, or to null.
 */
export function readParams(
  runbook: RunbookView,
  values: Values,
  personOf: (user: string) => string | null,
): { params: Record<string, Json>; errors: Record<string, string> } {
  const params: Record<string, Json> = {};
  const errors: Record<string, string> = {};
  for (const param of runbook.params) {
    const state = values[blockOf(runbook.id, param.name)]?.[action];
    if (state === undefined) continue;
    if (param.type === 'boolean') params[param.name] = (state.selected_options ?? []).length > 0;
    else if (param.type === 'person') {
      const person = state.selected_user == null ? undefined : personOf(state.selected_user);
      if (person === null) errors[blockOf(runbook.id, param.name)] = nobody;
      else if (person !== undefined) params[param.name] = person;
    } else {
      const text = state.selected_option?.value ?? state.value ?? '';
      if (text !== '') params[param.name] = typedValue(param, text);
    }
  }
  return { params, errors };
}

const nobody = 'No person of tocsin.yaml has this Slack account. Choose somebody whose account is under people: there.';
