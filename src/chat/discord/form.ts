import { randomBytes } from 'node:crypto';
import { cutText, visibleLine } from '../../kernel/text.ts';
import type { ChatHost, ParamView, RunbookView } from '../../ports/chat.ts';
import { namedWord } from './commands.ts';
import type { Modal, ModalField } from './reply.ts';
import type { Filled, Slash } from './shapes.ts';

/** Forms for the parameters of a runbook. The values given so far are kept here, because a modal's id is too short for them. */
export interface Forms {
  /** A form when a required parameter is missing; null when the command can run as it is. */
  forSlash(data: Slash['data']): Modal | null;
  /** The form of a button `f.<key>` again, with the values that were filled in; null when it has expired. */
  again(key: string): Modal | null;
  /**
   * The command line of a submitted form, and the key under which it can be opened again; null when it has expired. `refused` says why it
   * cannot be run: a chosen member is not in `people`.
   */
  lineOf(filled: Filled['data']): { line: string; key: string; refused: string | null } | null;
}

interface Kept {
  runbook: string;
  given: ReadonlyMap<string, string>;
}

/** Discord's limits on a modal: five fields, titles and labels of 45, select menus of 25 options. */
const most = { fields: 5, title: 45, about: 100, options: 25, text: 1000, kept: 500 } as const;

export function createForms(host: ChatHost): Forms {
  const kept = new Map<string, Kept>();

  function keep(one: Kept): string {
    const key = randomBytes(9).toString('base64url');
    kept.set(key, one);
    if (kept.size > most.kept) kept.delete(kept.keys().next().value ?? '');
    return key;
  }

  function formOf(one: Kept): Modal | null {
    const runbook = host.catalogue().runbooks.find(({ id }) => id === one.runbook);
    if (runbook === undefined || runbook.params.length === 0) return null;
    const open = (param: ParamView) => param.required && param.default === null;
    const missing = runbook.params.filter(param => open(param) && !one.given.has(param.name));
    const others = runbook.params.filter(param => !missing.includes(param));
    const fields = [...missing, ...others]
      .slice(0, most.fields)
      .map(param => fieldOf(param, one.given.get(param.name)));
    const title = cutText(visibleLine(runbook.title), most.title);
    return {
      custom_id: `r.${keep(one)}`,
      title: title.trim() === '' ? runbook.id.slice(0, most.title) : title,
      components: fields,
    };
  }

  return {
    forSlash(data) {
      const [sub] = data.options;
      const options = new Map(sub?.options.map(option => [option.name, String(option.value ?? '')]) ?? []);
      const runbook = host.catalogue().runbooks.find(one => one.id === options.get('runbook'));
      if (sub?.name !== 'run' || runbook === undefined) return null;
      const given = readGiven(options.get('params') ?? '', runbook);
      if (
        given === null ||
        runbook.params.every(param => !param.required || param.default !== null || given.has(param.name))
      )
        return null;
      return formOf({ runbook: runbook.id, given });
    },
    again(key) {
      const one = kept.get(key);
      return one === undefined ? null : formOf(one);
    },
    lineOf(filled) {
      const one = kept.get(filled.custom_id.replace(/^r\./, ''));
      if (one === undefined) return null;
      const given = new Map(one.given);
      const refused = readFilled(filled, given, host);
      const words = [...given].map(([name, value]) => namedWord(name, value));
      return { line: ['run', one.runbook, ...words].join(' '), key: keep({ runbook: one.runbook, given }), refused };
    },
  };
}

/** Writes the submitted values to `given`. Returns a text about chosen members that are not in `people`, else null. */
function readFilled(filled: Filled['data'], given: Map<string, string>, host: ChatHost): string | null {
  let refused: string | null = null;
  for (const { component } of filled.components) {
    if (component === undefined) continue;
    const value = component.values?.[0] ?? component.value ?? '';
    const name = component.custom_id.replace(/^p\./, '');
    if (component.type === userMenu) {
      // A menu of members cannot preselect a person given by name, so an empty one leaves the value as it is.
      if (value === '') continue;
      const who = host.whoIs({ platform: 'discord', id: value });
      if (who.kind === 'person') given.set(name, who.id);
      else refused = `Not done: nobody in people of tocsin.yaml has the Discord account that was chosen for ${name}.`;
    } else if (value === '') given.delete(name);
    else given.set(name, value);
  }
  return refused;
}

/** Parses `host=web-1 "note=two words"`. Null for a text that a form cannot take over; then the command reports what is wrong. */
function readGiven(text: string, runbook: RunbookView): Map<string, string> | null {
  const given = new Map<string, string>();
  for (const word of text.trim() === '' ? [] : text.trim().split(/\s+/)) {
    const match = /^([A-Za-z_][\w-]*)=([^"'\\]*)$/.exec(word);
    const known = match?.[1] === 'reason' || runbook.params.some(param => param.name === match?.[1]);
    if (match?.[1] === undefined || !known) return null;
    given.set(match[1], match[2] ?? '');
  }
  return given;
}

const userMenu = 5;

function fieldOf(param: ParamView, given: string | undefined): ModalField {
  const value = given ?? param.default ?? undefined;
  const required = param.required && param.default === null;
  const choices = param.type === 'boolean' ? ['true', 'false'] : param.options;
  const label = cutText(visibleLine(`${param.name}${required ? '' : ' (optional)'}`), most.title);
  const about = cutText(visibleLine(aboutOf(param)), most.about);
  const custom_id = `p.${param.name}`.slice(0, 100);
  const asMenu =
    choices.length > 0 &&
    choices.length <= most.options &&
    choices.every(one => one.trim() !== '' && one.length <= 100);
  const field = { type: 18 as const, label, ...(about.trim() === '' ? {} : { description: about }) };
  if (param.type === 'person') {
    const told =
      value === undefined ? {} : { placeholder: cutText(visibleLine(`${value} when left empty`), most.about) };
    return { ...field, component: { type: userMenu, custom_id, required: required && given === undefined, ...told } };
  }
  const options = choices.map(one => ({ label: one, value: one, ...(one === value ? { default: true } : {}) }));
  return {
    ...field,
    component: asMenu
      ? { type: 3, custom_id, required, options }
      : {
          type: 4,
          custom_id,
          style: 1,
          required,
          max_length: most.text,
          ...(value === undefined ? {} : { value: value.slice(0, most.text) }),
        },
  };
}

function aboutOf(param: ParamView): string {
  return param.about !== '' || param.type !== 'number' ? param.about : 'a number';
}
