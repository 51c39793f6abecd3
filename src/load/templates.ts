import type { Json } from '../kernel/canonical.ts';
import { changedLiteral } from '../kernel/number.ts';
import { compileTemplate, type Scope, showText, splitTemplate, type Template } from '../model/expression/expression.ts';
import { type Faults, showPath } from './problems.ts';
import type { Path } from './yaml.ts';

/** A value of a file whose texts may contain `${{ }}`. */
export interface TemplateTree<V> {
  /** All templates with their paths in the value. */
  templates: readonly { path: Path; template: Template<V> }[];
  /** The value with all templates evaluated; those in `texts` give text. Results are data: templates in them are not evaluated. */
  evaluate(variables: V, texts?: Texts<V>): Json;
  /** The value with sample values of the right types, for checks at load. */
  sample(texts?: Texts<V>): Json;
  /** The value with templates evaluated where `can` allows it; the others keep their text. */
  preview(variables: V, can: (template: Template<V>) => boolean, texts?: Texts<V>): Json;
}

/** Templates of one expression whose result is needed as text. */
export type Texts<V> = ReadonlySet<Template<V>>;

/** Compiles the templates in a value. Where `literal` is true for the path, the text is code: it stays, and `${{` is an error. */
export function compileTree<V>(
  value: unknown,
  scope: () => Scope<V>,
  faults: Faults,
  base: Path,
  literal: (path: Path) => boolean,
): TemplateTree<V> {
  const templates: { path: Path; template: Template<V> }[] = [];
  const root = compileNode(value, []);
  return {
    templates,
    evaluate: (variables, texts) => root(template => asText(template.evaluate(variables), texts?.has(template))),
    sample: texts => root(template => asText(sampleOf(template), texts?.has(template))),
    preview: (variables, can, texts) =>
      root(template =>
        can(template) ? asText(tryEvaluate(template, variables), texts?.has(template)) : template.text,
      ),
  };

  type Make = (fill: (template: Template<V>) => Json) => Json;

  function compileNode(node: unknown, path: Path): Make {
    if (typeof node === 'string') return compileText(node, path);
    if (Array.isArray(node)) {
      const items = node.map((item, index) => compileNode(item, [...path, index]));
      return fill => items.map(make => make(fill));
    }
    if (node !== null && typeof node === 'object') {
      const members = Object.entries(node).map(([key, member]) => [key, compileNode(member, [...path, key])] as const);
      return fill => Object.fromEntries(members.map(([key, make]) => [key, make(fill)]));
    }
    const plain = node as Json;
    return () => plain;
  }

  function compileText(text: string, path: Path): Make {
    if (literal(path)) {
      const at = text.indexOf('${{');
      if (at >= 0) refuseInCode(faults, [...base, ...path], text, at);
      return () => text;
    }
    if (!text.includes('${{')) return () => text;
    try {
      const template = compileTemplate(text, scope());
      refuseChanged(faults, [...base, ...path], text);
      if (!template.dynamic) return () => template.evaluate(undefined as never);
      templates.push({ path, template });
      return fill => fill(template);
    } catch (error) {
      faults.addExpression([...base, ...path], error);
      return () => text;
    }
  }
}

/** Refuses a number that is written out, whose text changes: 1.10 would become "1.1". Stored plans keep what they were approved with. */
function refuseChanged(faults: Faults, path: Path, text: string) {
  for (const piece of faults.yaml.stored ? [] : splitTemplate(text)) {
    const changed = piece.kind === 'expression' ? changedLiteral(piece.text) : null;
    if (piece.kind === 'text' || changed === null) continue;
    const given = piece.text.trim();
    faults.add(path, `${showPath(path)}: ${given} is a number here, whose text is ${changed}`, {
      offset: piece.offset + piece.text.indexOf(given),
      given,
      allowed: `'${given}' in quotes for the text, or ${changed}`,
    });
  }
}

function asText(value: Json, wanted = false): Json {
  return wanted ? showText(value) : value;
}

/** The most templates for which every combination is tried. */
const mostTried = 6;

/**
 * Finds which single-expression templates must give text for the schema to accept the value. A number in an argv is meant as text, in a
 * list of exit codes as a number. Returns the first combination that fits; the typed values when none fits.
 */
export function fitTexts<V>(tree: TemplateTree<V>, fits: (texts: Texts<V>) => boolean): Texts<V> {
  const open = tree.templates.map(({ template }) => template).filter(template => template.type !== 'string');
  const none: Texts<V> = new Set();
  if (open.length === 0 || fits(none)) return none;
  const all = new Set(open);
  if (fits(all)) return all;
  if (open.length > mostTried) return none;
  for (let bits = 1; bits < 2 ** open.length - 1; bits++) {
    const some = new Set(open.filter((_, index) => (bits >> index) % 2 === 1));
    if (fits(some)) return some;
  }
  return none;
}

function refuseInCode(faults: Faults, path: Path, text: string, at: number) {
  const name = /^\$\{\{\s*params\.(\w+)/.exec(text.slice(at))?.[1];
  const variable = name === undefined ? 'PARAM_<NAME>' : `PARAM_${name.toUpperCase()}`;
  faults.add(path, 'this is code, and a value put into code could become code: ${{ }} is not allowed here', {
    offset: at,
    given: text.slice(at, at + 60).split('\n')[0],
    allowed: `the environment variable of the parameter, "$${variable}"`,
  });
}

function tryEvaluate<V>(template: Template<V>, variables: V): Json {
  try {
    return template.evaluate(variables);
  } catch {
    return template.text;
  }
}

/** A sample value of the template's type. */
function sampleOf(template: { type: string; text: string }): Json {
  switch (template.type) {
    case 'int':
    case 'uint':
    case 'double':
      return 1;
    case 'bool':
      return true;
    case 'null':
      return null;
    default:
      return template.type.startsWith('list') ? ['text'] : template.type.startsWith('map') ? { text: 'text' } : 'text';
  }
}
