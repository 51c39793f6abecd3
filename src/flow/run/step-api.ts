import type { Json } from '../../kernel/canonical.ts';
import { withUnit, withUnits } from '../../kernel/duration.ts';
import { TocsinError } from '../../kernel/errors.ts';
import type { ExecOutput, HttpOutput, StepApi, StepOptions } from '../../ports/runbook.ts';
import type { Performer } from './session.ts';

/** The `step` of a runbook: each method performs a step type with the input that it builds. `prefix` is for branches of a parallel step. */
export function createStepApi(performer: Performer, prefix = ''): StepApi {
  const at = (id: string) => {
    if (!/^[a-z][a-zA-Z0-9_.-]{0,62}$/.test(id)) {
      throw new TocsinError('params-invalid', {
        message: 'A step id is not one that is allowed.',
        allowed: 'a letter, then at most 62 letters, digits, dots, dashes',
        given: id,
      });
    }
    return `${prefix}${id}`;
  };
  const perform = (id: string, type: string, input: unknown, options: StepOptions = {}) =>
    performer.perform(at(id), type, toJson(input), { title: id, ...options });
  const api: StepApi = {
    async exec(id, argv, options = {}) {
      const { own, rest } = split(options, ['okExit', 'cwd', 'env', 'secrets', 'stdin', 'stopSignal', 'isolate']);
      return (await perform(id, 'exec', { argv, ...own }, rest)) as unknown as ExecOutput;
    },
    async script(id, code, options = {}) {
      const { own, rest } = split(options, ['shell', 'okExit', 'cwd', 'secrets', 'stopSignal', 'isolate']);
      return (await perform(id, 'script', { run: code, ...own }, rest)) as unknown as ExecOutput;
    },
    http: async (id, request, options) => (await perform(id, 'http', request, options)) as unknown as HttpOutput,
    wait: async (id, time, options) => void (await perform(id, 'wait', withUnit(time), options)),
    approve: async (id, ask, options) => void (await perform(id, 'approve', withUnits(ask, ['expires']), options)),
    notify: async (id, message, options) => void (await perform(id, 'notify', message, options)),
    verify: async (id, what, options) =>
      void (await perform(id, 'verify', withUnits(what, ['every', 'within']), options)),
    runbook: async (id, name, params = {}, options) =>
      (await perform(id, 'runbook', { name, params }, options)) as unknown as { state: string },
    parallel: (id, branches) => runParallel(performer, at(id), branches),
    do: (id, type, input, options) => perform(id, type, input, options),
    skip: (id, _type, because) => performer.skip(at(id), because),
  };
  return catchUnawaited(api);
}

/**
 * A runbook that forgets an `await` must not take the process down when that step fails: the failure is journalled, and an `await` still
 * rejects with it.
 */
function catchUnawaited(api: StepApi): StepApi {
  const entries = Object.entries(api) as [string, (...given: unknown[]) => Promise<unknown>][];
  return Object.fromEntries(
    entries.map(([name, method]) => [
      name,
      (...given: unknown[]) => {
        const result = method(...given);
        result.catch(() => {});
        return result;
      },
    ]),
  ) as unknown as StepApi;
}

/** Runs all branches until each ends or waits; then rejects with the first failure, in the order in which they are written. */
async function runParallel<T extends Record<string, (step: StepApi) => Promise<unknown>>>(
  performer: Performer,
  path: string,
  branches: T,
) {
  const names = Object.keys(branches);
  const results = await Promise.allSettled(names.map(name => branches[name]?.(createStepApi(performer, `${path}/`))));
  const failed = results.find(result => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  await performer.closeGroup(path);
  return Object.fromEntries(
    results.map((result, index) => [names[index], result.status === 'fulfilled' ? result.value : undefined]),
  ) as {
    [K in keyof T]: Awaited<ReturnType<T[K]>>;
  };
}

/** Turns what a runbook passes into plain JSON, so that its digest is the same in the journal and on replay. */
function toJson(value: unknown): Json {
  return value === undefined ? null : (JSON.parse(JSON.stringify(value)) as Json);
}

function split(options: object, names: readonly string[]): { own: Record<string, unknown>; rest: StepOptions } {
  const entries = Object.entries(options);
  return {
    own: Object.fromEntries(entries.filter(([name]) => names.includes(name))),
    rest: Object.fromEntries(entries.filter(([name]) => !names.includes(name))) as StepOptions,
  };
}
