import type { Json } from '../kernel/canonical.ts';
import { parseDuration } from '../kernel/duration.ts';
import { takesKind } from '../model/event.ts';
import { compileExpression, type Expression, type Template } from '../model/expression/expression.ts';
import { type ParamFile, param, type RunbookFile, runbookFile } from '../model/runbook-file.ts';
import type { Deed } from '../ports/deed.ts';
import type { Params, RunbookInput, StepApi, StepOutline, Trigger } from '../ports/runbook.ts';
import { type Draft, viewOf } from './draft.ts';
import { createParamSet, type ParamRule, paramRule } from './params.ts';
import { createFaults, type Faults } from './problems.ts';
import { readAs, settle } from './scalars.ts';
import { shapeOf } from './shape.ts';
import { type StepFacts, targetScope } from './step-scope.ts';
import { type CompiledStep, compileSteps, type Shelf, stepOptions, type Work, workInput } from './steps-yaml.ts';
import { fitTexts, type Texts } from './templates.ts';
import { compileTriggers, type FromEvent, refuseChanged, tryCompile } from './triggers.ts';
import type { YamlFile } from './yaml.ts';

/** Compiles a YAML runbook; `people` as for `paramRule`. `draft` is null when `faults` has errors. */
export function compileYamlRunbook(
  id: string,
  yaml: YamlFile,
  bytes: Uint8Array,
  shelf: Shelf,
  people: readonly string[] | null = null,
): { draft: Draft | null; faults: Faults } {
  const faults = createFaults(yaml);
  const { parsed } = readAs(runbookFile, yaml.data, faults, [], ([key]) => key === 'steps');
  if (!parsed.success) {
    faults.addIssues([], parsed.error.issues, runbookFile);
    checkStepsAnyway(yaml, faults, shelf);
    return { draft: null, faults };
  }
  const rules = compileParams(parsed.data.params, faults, people);
  const draft = build(id, { yaml, bytes, rules }, parsed.data, faults, shelf);
  return { draft: faults.list.some(fault => fault.level === 'error') ? null : draft, faults };
}

/** Checks the steps even when another part of the file is wrong, so that all errors are reported at once. */
function checkStepsAnyway(yaml: YamlFile, faults: Faults, shelf: Shelf) {
  const { data } = yaml;
  const record = data !== null && typeof data === 'object' ? (data as Record<string, unknown>) : {};
  if (Array.isArray(record['steps']))
    compileSteps(record['steps'], ['steps'], { faults, shelf, rules: rulesAnyway(record['params'], yaml) });
}

/** The parameters by name, with their types where they are valid. */
function rulesAnyway(params: unknown, yaml: YamlFile): ParamRule[] {
  if (params === null || typeof params !== 'object') return [];
  return Object.entries(params).map(([name, value]) => {
    const { parsed } = settle(param, value, yaml, ['params', name]);
    return attemptRule(name, parsed.success ? parsed.data : null) ?? unknownRule(name);
  });
}

function attemptRule(name: string, file: ParamFile | null): ParamRule | null {
  try {
    return file === null ? null : paramRule(name, file);
  } catch {
    return null;
  }
}

/** A placeholder for an invalid parameter that was reported already. */
function unknownRule(name: string): ParamRule {
  const any = paramRule(name, { type: 'string', maxLength: 1000, allowDash: false });
  return { ...any, type: 'dyn' };
}

function build(
  id: string,
  { yaml, bytes, rules }: { yaml: YamlFile; bytes: Uint8Array; rules: ParamRule[] },
  file: RunbookFile,
  faults: Faults,
  shelf: Shelf,
): Draft {
  const params = createParamSet(id, rules);
  const steps = compileSteps(file.steps, ['steps'], { faults, shelf, rules });
  const triggers = compileTriggers(file.on, faults, { rules, params, from: compileFrom(file, faults, rules) });
  const target = file.target === undefined ? null : compileTarget(file.target, rules, faults);
  const works = steps.flatMap(worksOf);
  checkSecrets(works, file.secrets, faults);
  checkVerify(works, triggers, faults);
  const entry = `${id}.yaml`;
  const outline = (given: Params): StepOutline[] => steps.flatMap(step => outlineOf(step, given));
  return {
    file: yaml.file,
    faults,
    own: new Map([[entry, bytes]]),
    calls: works.flatMap(callOf),
    names: works.flatMap(namesOf),
    rules,
    waits: works.flatMap(waitOf),
    runbook: {
      id,
      title: file.title,
      about: file.about ?? '',
      kind: 'yaml',
      risk: file.risk,
      triggers,
      params,
      targets: given => (target === null ? [] : [...new Set(target.evaluate(given).filter(text => text !== ''))]),
      secrets: file.secrets,
      entry,
      outline,
      view: viewOf(
        { id, title: file.title, about: file.about ?? '', risk: file.risk, kind: 'yaml', triggers },
        rules.map(rule => rule.view),
        staticOutline(steps).map(({ id, title, type, shows }) => ({ id, title, type, shows })),
        steps.map(shapeOf),
      ),
      body: input => runBody(steps, input),
    },
  };
}

function compileParams(file: RunbookFile['params'], faults: Faults, people: readonly string[] | null): ParamRule[] {
  const upper = new Map<string, string>();
  return Object.entries(file).flatMap(([name, declared]) => {
    const duplicate = upper.get(name.toUpperCase());
    if (duplicate !== undefined)
      faults.add(['params', name], `"${name}" and "${duplicate}" are the same environment variable`, { key: true });
    upper.set(name.toUpperCase(), name);
    if (declared.required === true && declared.default !== undefined)
      faults.add(['params', name, 'required'], 'a parameter with a default is never missing', { key: true });
    try {
      const rule = paramRule(name, declared, people);
      const standard = declared.default === undefined ? null : rule.check(declared.default);
      if (standard !== null && !standard.ok)
        faults.add(['params', name, 'default'], `the default ${standard.because}`, { allowed: standard.allowed });
      return [rule];
    } catch (error) {
      faults.add(['params', name, 'pattern'], error instanceof Error ? error.message : String(error));
      return [unknownRule(name)];
    }
  });
}

function compileFrom(file: RunbookFile, faults: Faults, rules: readonly ParamRule[]): ReadonlyMap<string, FromEvent> {
  const compiled = new Map<string, FromEvent>();
  for (const [name, param] of Object.entries(file.params)) {
    if (param.from === undefined) continue;
    refuseChanged(
      faults,
      ['params', name, 'from'],
      param.from,
      rules.find(rule => rule.name === name),
    );
    const expression = tryCompile(faults, ['params', name, 'from'], param.from, 'json');
    if (expression !== null) compiled.set(name, expression as FromEvent);
  }
  return compiled;
}

function compileTarget(text: string, rules: readonly ParamRule[], faults: Faults): Expression<Params, string[]> | null {
  try {
    return compileExpression(text, targetScope(rules), 'texts');
  } catch (error) {
    faults.addExpression(['target'], error);
    return null;
  }
}

function worksOf(step: CompiledStep): Work[] {
  const own = step.does.kind === 'work' ? [step.does.work] : step.does.branches.flatMap(worksOf);
  return step.undo === null ? own : [...own, step.undo];
}

function memberOf(work: Work, name: string): unknown {
  return work.raw !== null && typeof work.raw === 'object' ? (work.raw as Record<string, unknown>)[name] : undefined;
}

/** A step may use only secrets that the runbook names, because the plan that people approve lists them. */
function checkSecrets(works: readonly Work[], named: readonly string[], faults: Faults) {
  for (const work of works) {
    const secrets = memberOf(work, 'secrets');
    if (secrets === null || typeof secrets !== 'object') continue;
    for (const [variable, secret] of Object.entries(secrets))
      if (typeof secret === 'string' && !named.includes(secret))
        faults.add([...work.path, 'secrets', variable], `the runbook does not name the secret "${secret}"`, {
          given: secret,
          allowed: named.length > 0 ? named.join(', ') : `secrets: [${secret}] at the top of the runbook`,
        });
  }
}

function checkVerify(works: readonly Work[], triggers: readonly Trigger[], faults: Faults) {
  const triggered = triggers.some(trigger => takesKind(trigger.kind, 'alert'));
  for (const work of works)
    if (work.type === 'verify' && memberOf(work, 'resolved') === true && !triggered)
      faults.add([...work.path, 'resolved'], 'without a trigger for alerts there is none that could resolve', {
        allowed: 'a trigger for alerts in on:, or verify with exec or http',
      });
}

function callOf(work: Work): Draft['calls'] {
  if (work.type !== 'runbook') return [];
  const name = typeof work.raw === 'string' ? work.raw : memberOf(work, 'name');
  const params = memberOf(work, 'params');
  return typeof name === 'string'
    ? [{ name, path: work.path, params: params !== null && typeof params === 'object' ? Object.keys(params) : [] }]
    : [];
}

/** The people and groups that a step names. They must be in tocsin.yaml. */
function namesOf(work: Work): Draft['names'] {
  const key = work.type === 'approve' ? 'by' : work.type === 'notify' ? 'mention' : null;
  if (key === null) return [];
  const value = memberOf(work, key);
  const list = typeof value === 'string' ? [value] : Array.isArray(value) ? value : [];
  return list.flatMap((name, index) =>
    typeof name === 'string' && !name.includes('${{')
      ? [{ name, path: [...work.path, key, ...(Array.isArray(value) ? [index] : [])] }]
      : [],
  );
}

function waitOf(work: Work): Draft['waits'] {
  const within = memberOf(work, 'within');
  const time = typeof within === 'string' ? parseDuration(within) : null;
  const resolved = work.type === 'verify' && memberOf(work, 'resolved') === true;
  return resolved && time !== null ? [{ within: time, path: [...work.path, 'within'] }] : [];
}

async function runBody(steps: readonly CompiledStep[], input: RunbookInput): Promise<void> {
  const known = new Map<string, { state: 'done' | 'skipped'; output: Json }>();
  const facts: StepFacts = { params: input.params, alert: input.alert, run: input.run, steps: known };
  for (const step of steps) await perform(step, input.step, facts, known);
}

async function perform(
  step: CompiledStep,
  api: StepApi,
  facts: StepFacts,
  known: Map<string, { state: 'done' | 'skipped'; output: Json }>,
): Promise<void> {
  const type = step.does.kind === 'work' ? step.does.work.type : 'parallel';
  if (step.if !== null && !step.if.evaluate(facts)) {
    await api.skip(step.id, type, `if: ${step.if.text}`, step.options);
    known.set(step.id, { state: 'skipped', output: null });
    return;
  }
  if (step.does.kind === 'work') {
    const output = await api.do(step.id, type, workInput(step.does.work, facts), stepOptions(step, facts));
    known.set(step.id, { state: 'done', output });
    return;
  }
  const branches = step.does.branches.map(
    branch => [branch.id, (inner: StepApi) => perform(branch, inner, facts, known)] as const,
  );
  await api.parallel(step.id, Object.fromEntries(branches));
  known.set(step.id, { state: 'done', output: null });
}

const noFacts: Omit<StepFacts, 'params'> = { alert: null, run: { id: '', reason: null }, steps: new Map() };

/** The outline of a step. Templates that use only parameters are evaluated; others keep their expression as text. */
function outlineOf(step: CompiledStep, params: Params, prefix = ''): StepOutline[] {
  if (step.does.kind === 'parallel')
    return step.does.branches.flatMap(branch => outlineOf(branch, params, `${prefix}${step.id}/`));
  return [outlineWork(step, step.does.work, prefix, work => viewWork(work, params))];
}

function staticOutline(steps: readonly CompiledStep[], prefix = ''): StepOutline[] {
  return steps.flatMap(step =>
    step.does.kind === 'parallel'
      ? staticOutline(step.does.branches, `${prefix}${step.id}/`)
      : [outlineWork(step, step.does.work, prefix, work => viewWork(work, null))],
  );
}

/** What is to be seen of work before it runs. */
interface WorkView {
  shows: string;
  deed: Deed | null;
}

function outlineWork(step: CompiledStep, work: Work, prefix: string, view: (work: Work) => WorkView): StepOutline {
  const { shows: text, deed } = view(work);
  // Text after the last line of a script would read as part of that line.
  const lines = text.includes('\n');
  const condition = step.if === null ? '' : `${lines ? '\n' : ' '}(only if ${step.if.text})`;
  const undo = step.undo === null ? '' : `${lines ? '\n' : '; '}undone by ${step.undo.type}: ${view(step.undo).shows}`;
  return { id: `${prefix}${step.id}`, title: step.title, type: work.type, shows: `${text}${condition}${undo}`, deed };
}

function viewWork(work: Work, params: Params | null): WorkView {
  const facts = { ...noFacts, params: params ?? {} };
  const can = (template: Template<StepFacts>) => params !== null && [...template.uses].every(name => name === 'params');
  const read = (texts: Texts<StepFacts>) => work.driver.input.safeParse(work.input.preview(facts, can, texts));
  const texts = fitTexts(work.input, some => read(some).success);
  const parsed = read(texts);
  if (!parsed.success) return { shows: JSON.stringify(work.input.preview(facts, can, texts)), deed: null };
  return { shows: work.driver.show(parsed.data), deed: work.driver.deed?.(parsed.data) ?? null };
}
