import type { Json } from '../kernel/canonical.ts';
import { nearest } from '../kernel/nearest.ts';
import { compileExpression, type Expression, type Scope, type Template } from '../model/expression/expression.ts';
import { type StepCommon, stepCommon, stepKeys } from '../model/runbook-file.ts';
import type { StepOptions } from '../ports/runbook.ts';
import type { StepType } from '../ports/step.ts';
import { relevantIssues } from './issues.ts';
import type { ParamRule } from './params.ts';
import { type Faults, showPath } from './problems.ts';
import { readAs, settle, withScalars } from './scalars.ts';
import { outputFields, type StepFacts, type StepShape, stepScope } from './step-scope.ts';
import { compileTree, fitTexts, type TemplateTree } from './templates.ts';
import type { Path } from './yaml.ts';

export type Shelf = ReadonlyMap<string, StepType>;

/** A step type with its input, which may contain templates. */
export interface Work {
  type: string;
  driver: StepType;
  input: TemplateTree<StepFacts>;
  /** The input as written in the file. */
  raw: unknown;
  path: Path;
}

export interface CompiledStep {
  id: string;
  title: string;
  path: Path;
  if: Expression<StepFacts, boolean> | null;
  options: Omit<StepOptions, 'undo'>;
  undo: Work | null;
  does: { kind: 'work'; work: Work } | { kind: 'parallel'; branches: CompiledStep[] };
}

export interface StepsContext {
  faults: Faults;
  shelf: Shelf;
  rules: readonly ParamRule[];
}

/** Compiles the steps in order; expressions of a step can read the steps before it. */
export function compileSteps(list: readonly unknown[], base: Path, context: StepsContext): CompiledStep[] {
  const before: StepShape[] = [];
  const ids = new Set<string>();
  return list.flatMap((raw, index) => {
    const step = compileStep(raw, [...base, index], context, before, ids, true);
    if (step !== null) before.push(...shapesOf(step));
    return step === null ? [] : [step];
  });
}

function shapesOf(step: CompiledStep): StepShape[] {
  if (step.does.kind === 'parallel') return [{ id: step.id, fields: {} }, ...step.does.branches.flatMap(shapesOf)];
  return [{ id: step.id, fields: outputFields(step.does.work.driver.output) }];
}

function compileStep(
  raw: unknown,
  path: Path,
  context: StepsContext,
  before: readonly StepShape[],
  ids: Set<string>,
  outer: boolean,
): CompiledStep | null {
  const { faults } = context;
  if (raw === null || typeof raw !== 'object' || Array.isArray(raw)) {
    faults.add(path, `${showPath(path)} is not a step`, { allowed: '{ id: ..., exec: [...] }' });
    return null;
  }
  const record = raw as Record<string, unknown>;
  const common = checkCommon(record, path, faults, ids);
  const scope = lazyScope(context.rules, before);
  const type = findType(record, path, context, outer);
  if (type === null || common === null) return null;
  const at = [...path, type];
  const does =
    type === 'parallel'
      ? ({ kind: 'parallel', branches: compileBranches(record[type], at, context, before, ids) } as const)
      : ({ kind: 'work', work: compileWork(type, record[type], at, context, scope) } as const);
  if (type === 'parallel') refuseOnGroup(common, path, faults);
  if (does.kind === 'work' && does.work === null) return null;
  return {
    id: common.id,
    title: common.title ?? common.id,
    path,
    if: common.if === undefined ? null : compileCondition(common.if, [...path, 'if'], faults, scope),
    options: optionsOf(common),
    undo: common.undo === undefined ? null : compileUndo(common.undo, [...path, 'undo'], context, scope),
    does: does as CompiledStep['does'],
  };
}

function checkCommon(record: Record<string, unknown>, path: Path, faults: Faults, ids: Set<string>): StepCommon | null {
  const part = Object.fromEntries(Object.entries(record).filter(([key]) => stepKeys.includes(key)));
  const { parsed } = readAs(stepCommon, part, faults, path, ([key]) => key === 'undo');
  if (!parsed.success) {
    faults.addIssues(path, parsed.error.issues, stepCommon);
    return null;
  }
  const { id, title } = parsed.data;
  if (ids.has(id)) faults.add([...path, 'id'], `the step id "${id}" is there twice`, { given: id });
  if (title?.includes('${{')) faults.add([...path, 'title'], 'a title is a plain text', { given: title });
  ids.add(id);
  return parsed.data;
}

/** Makes the scope of a step on first use, because many steps have no expressions. */
function lazyScope(rules: readonly ParamRule[], before: readonly StepShape[]): () => Scope<StepFacts> {
  let made: Scope<StepFacts> | null = null;
  const shapes = [...before];
  return () => {
    made ??= stepScope(rules, shapes);
    return made;
  };
}

function findType(record: Record<string, unknown>, path: Path, context: StepsContext, outer: boolean): string | null {
  const known = [...context.shelf.keys(), ...(outer ? ['parallel'] : [])];
  const keys = Object.keys(record).filter(key => !stepKeys.includes(key));
  const types = keys.filter(key => known.includes(key));
  for (const key of keys.filter(key => !known.includes(key))) {
    const words = [...known, ...stepKeys];
    const message = key === 'parallel' ? 'a branch of parallel is a plain step' : `there is no "${key}" in a step`;
    context.faults.add([...path, key], message, {
      key: true,
      given: key,
      allowed: words.join(', '),
      nearest: nearest(key, words),
    });
  }
  if (types.length === 1) return types[0] ?? null;
  if (types.length > 1)
    context.faults.add(path, `a step is of one type; this is ${types.join(' and ')}`, { allowed: known.join(', ') });
  else if (keys.length === 0)
    context.faults.add(path, `${showPath(path)} says nothing to do`, { allowed: known.join(', ') });
  return null;
}

function compileBranches(
  raw: unknown,
  path: Path,
  context: StepsContext,
  before: readonly StepShape[],
  ids: Set<string>,
) {
  if (!Array.isArray(raw) || raw.length < 2 || raw.length > 20) {
    context.faults.add(path, 'parallel takes a list of steps', { allowed: '2 to 20 steps' });
    return [];
  }
  return raw.flatMap((step, index) => {
    const branch = compileStep(step, [...path, index], context, before, ids, false);
    return branch === null ? [] : [branch];
  });
}

/** Refuses keys that a parallel group cannot have; they belong to its branches. */
function refuseOnGroup(common: StepCommon, path: Path, faults: Faults) {
  for (const key of ['timeout', 'retry', 'idempotent', 'onInterrupt', 'undo'] as const)
    if (common[key] !== undefined)
      faults.add([...path, key], `${key} has no effect on parallel; give it to the steps in it`, { key: true });
}

function compileCondition(text: string, path: Path, faults: Faults, scope: () => Scope<StepFacts>) {
  if (text.includes('${{')) {
    faults.add(path, 'a condition is an expression already', { given: text, allowed: 'the expression without ${{ }}' });
    return null;
  }
  try {
    return compileExpression(text, scope(), 'bool');
  } catch (error) {
    faults.addExpression(path, error);
    return null;
  }
}

function optionsOf(common: StepCommon): CompiledStep['options'] {
  const { title, timeout, retry, idempotent, onInterrupt } = common;
  return {
    ...(title === undefined ? {} : { title }),
    ...(timeout === undefined ? {} : { timeout: timeout === 'never' ? null : timeout }),
    ...(retry === undefined
      ? {}
      : {
          retry: {
            times: retry.times,
            ...(retry.wait === undefined ? {} : { wait: retry.wait }),
            ...(retry.factor === undefined ? {} : { factor: retry.factor }),
          },
        }),
    ...(idempotent === undefined ? {} : { idempotent }),
    ...(onInterrupt === undefined ? {} : { onInterrupt }),
  };
}

function compileUndo(undo: Record<string, unknown>, path: Path, context: StepsContext, scope: () => Scope<StepFacts>) {
  const [type, ...more] = Object.keys(undo);
  const known = [...context.shelf.keys()];
  if (type === undefined || more.length > 0 || !known.includes(type)) {
    context.faults.add(path, 'undo is one step type with its input', {
      allowed: known.join(', '),
      given: Object.keys(undo).join(', '),
      nearest: type === undefined ? null : nearest(type, known),
    });
    return null;
  }
  return compileWork(type, undo[type], [...path, type], context, scope);
}

/** Step types whose input only people read. In all others, event data is allowed only as a declared parameter. */
const messageTypes = new Set(['notify', 'approve']);

function compileWork(
  type: string,
  raw: unknown,
  path: Path,
  context: StepsContext,
  scope: () => Scope<StepFacts>,
): Work | null {
  const driver = context.shelf.get(type);
  if (driver === undefined) return null;
  const code = driver.literal ?? [];
  const literal = (place: Path) => (place.length === 0 ? code.length > 0 : code.includes(String(place[0])));
  const earlier = context.faults.list.length;
  const compile = (value: unknown) => compileTree(value, scope, context.faults, path, literal);
  const first = compile(raw);
  if (!messageTypes.has(type)) refuseEventData(first.templates, path, context.faults);
  if (context.faults.list.length > earlier) return { type, driver, input: first, raw, path };
  const settled = withScalars(raw, settleInput(driver, first, path, context.faults));
  const input = settled === raw ? first : compile(settled);
  checkInput(driver, input, path, context.faults);
  return { type, driver, input, raw: settled, path };
}

function refuseEventData(templates: TemplateTree<StepFacts>['templates'], path: Path, faults: Faults) {
  for (const { path: place, template } of templates) {
    const name = ['alert', 'labels'].find(word => template.uses.has(word));
    if (name === undefined) continue;
    faults.add([...path, ...place], `what an event says reaches a step only as a declared parameter, not as ${name}`, {
      given: template.text,
      allowed: 'params: { host: { type: string, pattern: ..., from: "labels.host" } } and ${{ params.host }}',
    });
  }
}

/** The scalars of the input that the step type wants as text. Adds those that would change to the faults. */
function settleInput(driver: StepType, input: TemplateTree<StepFacts>, path: Path, faults: Faults) {
  const texts = fitTexts(input, some => settle(driver.input, input.sample(some), faults.yaml, path).parsed.success);
  return readAs(driver.input, input.sample(texts), faults, path).texts;
}

/** Checks the known part of the input; values of templates are checked when the step runs. */
function checkInput(driver: StepType, input: TemplateTree<StepFacts>, path: Path, faults: Faults) {
  const texts = fitTexts(input, some => driver.input.safeParse(input.sample(some)).success);
  const parsed = driver.input.safeParse(input.sample(texts));
  if (parsed.success) return;
  const places = input.templates.map(({ path: place, template }) => ({ path: place, fixed: isFixed(template) }));
  faults.addIssues(path, relevantIssues(parsed.error.issues, places), driver.input);
}

/** True when the type of the result is known at load, so that a wrong type can be reported. */
function isFixed(template: Template<StepFacts>): boolean {
  return /^(string|int|uint|double|bool)$/.test(template.type);
}

/** The options of a step, with the templates of its undo input evaluated. */
export function stepOptions(step: CompiledStep, facts: StepFacts): StepOptions {
  if (step.undo === null) return step.options;
  return { ...step.options, undo: { type: step.undo.type, input: workInput(step.undo, facts) } };
}

/** The input of a step with its templates evaluated, as typed values or text, whichever the step type accepts. */
export function workInput(work: Work, facts: StepFacts): Json {
  const texts = fitTexts(work.input, some => work.driver.input.safeParse(work.input.evaluate(facts, some)).success);
  return work.input.evaluate(facts, texts);
}
