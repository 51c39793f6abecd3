import { z } from 'zod';
import { canonicalJson, type Json } from '../kernel/canonical.ts';
import { withUnit, withUnits } from '../kernel/duration.ts';
import { isCode, messageOf, TocsinError } from '../kernel/errors.ts';
import type { Alert } from '../model/alert.ts';
import type { Params, Runbook, StepApi, StepOptions } from '../ports/runbook.ts';
import type { StepType } from '../ports/step.ts';
import type { Shelf } from './steps-yaml.ts';
import type { TestCase } from './test-file.ts';

/** The result of a dry run, which has no effects outside. */
export interface DryRun {
  /** Step ids in the order in which they run; a branch is `group/branch`. */
  steps: string[];
  skipped: string[];
  undone: string[];
  inputs: Record<string, Json>;
  state: 'succeeded' | 'failed' | 'ineffective' | 'unconfirmed';
  because: string | null;
}

interface Recorder extends DryRun {
  undo: string[];
}

/**
 * Runs the body twice with a `step` that records. Both runs must be equal: the body is replayed, so it may depend only on parameters and
 * outputs.
 */
export async function runDry(
  runbook: Runbook,
  params: Params,
  alert: Alert | null,
  assumed: TestCase['steps'],
  shelf: Shelf,
): Promise<DryRun> {
  const first = await runOnce(runbook, params, alert, assumed, shelf);
  const again = await runOnce(runbook, params, alert, assumed, shelf);
  if (canonicalJson(first) === canonicalJson(again)) return first;
  return {
    ...first,
    state: 'failed',
    because: 'a second run with the same outputs did something else; everything that varies belongs in a step',
  };
}

async function runOnce(
  runbook: Runbook,
  params: Params,
  alert: Alert | null,
  assumed: TestCase['steps'],
  shelf: Shelf,
): Promise<DryRun> {
  const record: Recorder = {
    steps: [],
    skipped: [],
    undone: [],
    inputs: {},
    state: 'succeeded',
    because: null,
    undo: [],
  };
  const step = recordingApi(record, assumed, shelf, '');
  try {
    await runbook.body({ step, params, alert, run: { id: 'run_test', reason: null } });
  } catch (error) {
    record.state = error instanceof StepEnding ? error.ending : 'failed';
    record.because = isCode(error, 'step-failed') || error instanceof StepEnding ? error.message : messageOf(error);
    record.undone = record.undo.reverse();
  }
  const { undo: _, ...result } = record;
  return result;
}

class StepEnding extends Error {
  readonly ending: 'failed' | 'ineffective' | 'unconfirmed';
  constructor(message: string, ending: 'failed' | 'ineffective' | 'unconfirmed') {
    super(message);
    this.ending = ending;
  }
}

function recordingApi(record: Recorder, assumed: TestCase['steps'], shelf: Shelf, prefix: string): StepApi {
  const perform = async (id: string, type: string, input: unknown, options: StepOptions = {}): Promise<Json> => {
    const path = `${prefix}${id}`;
    const driver = shelf.get(type);
    if (driver === undefined)
      throw new TocsinError('params-invalid', {
        message: `There is no step type "${type}".`,
        allowed: [...shelf.keys()],
      });
    if (record.steps.includes(path) || record.skipped.includes(path))
      throw new TocsinError('params-invalid', { message: `The step id "${path}" is used twice.` });
    const plain = JSON.parse(JSON.stringify(input ?? null)) as Json;
    record.steps.push(path);
    record.inputs[path] = plain;
    checkInput(path, driver, plain);
    const given: Given = assumed[path] ?? assumed[id] ?? {};
    if (isFailure(given)) throw new StepEnding(`${path} ${given.fails}`, given.ending);
    if (options.undo !== undefined) record.undo.push(path);
    return outputOf(driver, given as Readonly<Record<string, Json>>);
  };
  const own = (options: object | undefined, names: readonly string[]) =>
    Object.fromEntries(Object.entries(options ?? {}).filter(([name]) => names.includes(name)));
  return {
    exec: (id, argv, options) =>
      perform(id, 'exec', { argv, ...own(options, ['okExit', 'cwd', 'env', 'secrets', 'stdin']) }, options) as never,
    script: (id, code, options) =>
      perform(id, 'script', { run: code, ...own(options, ['shell', 'okExit', 'cwd', 'secrets']) }, options) as never,
    http: (id, request, options) => perform(id, 'http', request, options) as never,
    wait: async (id, time, options) => void (await perform(id, 'wait', withUnit(time), options)),
    approve: async (id, ask, options) => void (await perform(id, 'approve', withUnits(ask, ['expires']), options)),
    notify: async (id, message, options) => void (await perform(id, 'notify', message, options)),
    verify: async (id, what, options) =>
      void (await perform(id, 'verify', withUnits(what, ['every', 'within']), options)),
    runbook: (id, name, params = {}, options) => perform(id, 'runbook', { name, params }, options) as never,
    async parallel(id, branches) {
      const results: [string, unknown][] = [];
      for (const [name, branch] of Object.entries(branches))
        results.push([name, await branch(recordingApi(record, assumed, shelf, `${prefix}${id}/`))]);
      return Object.fromEntries(results) as never;
    },
    do: perform,
    skip: async id => void record.skipped.push(`${prefix}${id}`),
  };
}

type Given = TestCase['steps'][string];

function isFailure(given: Given): given is { fails: string; ending: 'failed' | 'ineffective' | 'unconfirmed' } {
  return typeof given['fails'] === 'string' && typeof given['ending'] === 'string';
}

function checkInput(path: string, driver: StepType, input: Json) {
  const parsed = driver.input.safeParse(input);
  if (parsed.success) return;
  const why = parsed.error.issues
    .map(issue => `${[path, ...issue.path.map(String)].join('.')}: ${issue.message}`)
    .join('; ');
  throw new TocsinError('step-failed', { message: `The input of ${path} is not allowed: ${why}` });
}

/** The assumed output of a step, with default values of its type for what is left out. */
function outputOf(driver: StepType, given: Readonly<Record<string, Json>>): Json {
  const schema = z.toJSONSchema(driver.output, { io: 'output', unrepresentable: 'any', reused: 'inline' }) as Shape;
  const plain = plainOf(schema);
  const whole =
    plain !== null && typeof plain === 'object' && !Array.isArray(plain)
      ? { ...plain, ...given }
      : (given['output'] ?? plain);
  return whole as Json;
}

interface Shape {
  type?: string;
  properties?: Record<string, Shape>;
  anyOf?: Shape[];
  enum?: Json[];
  const?: Json;
}

function plainOf(schema: Shape): Json {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0] ?? null;
  if (schema.anyOf !== undefined) return plainOf(schema.anyOf[0] ?? {});
  switch (schema.type) {
    case 'string':
      return '';
    case 'integer':
    case 'number':
      return 0;
    case 'boolean':
      return false;
    case 'array':
      return [];
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([name, member]) => [name, plainOf(member)]),
      );
    default:
      return null;
  }
}
