import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Json } from '../../../src/kernel/canonical.ts';
import exec from '../../../src/steps/exec.ts';
import script from '../../../src/steps/script.ts';
import { type Page, readPage } from '../../docs/pages.ts';
import { makeStepContext, sampleRun } from '../../doubles/step-context.ts';
import { missingPrograms } from '../../real/programs.ts';

/** What docs/safe-forms.md shows, for tests that run it. */
const page = readPage('docs/safe-forms.md');

/** The forms of the page: the first cell of every row of its tables, under the heading above it. */
export function formsOf({ text }: Page): { section: string; form: string }[] {
  let section = '';
  return text.split('\n').flatMap(line => {
    section = /^## (.+)$/.exec(line)?.[1] ?? section;
    const form = /^\| `([^`]+)` \|/.exec(line)?.[1];
    return form === undefined ? [] : [{ section, form }];
  });
}

/**
 * The test of one form of the page, under its heading there. It is skipped, and says so, when one of the programs is missing. The page is
 * held against these calls by test/docs/safe-forms.test.ts.
 */
export function form(section: string, key: string, programs: readonly string[], work: () => Promise<void>): void {
  test.skipIf(missingPrograms(...programs) !== null)(`${section}: ${key}`, { timeout: 120_000 }, async () => {
    expect(formsOf(page)).toContainEqual({ section, form: key });
    await work();
  });
}

const listed = z.array(z.looseObject({ id: z.string(), exec: z.unknown().optional(), script: z.unknown().optional() }));

/** A step as it stands on the page, which a test may change before it runs. */
export interface ShownStep {
  exec?: Json;
  script?: Json;
}

/** The step of this id on the page; values take the place of `${{ params.NAME }}`. */
export function shown(id: string, params: Readonly<Record<string, string>> = {}): ShownStep {
  const steps = page.blocks
    .filter(block => block.language === 'yaml')
    .flatMap(block => {
      const content = parse(block.text);
      return listed.parse(block.label === 'steps' ? content : content.steps);
    });
  const found = steps.filter(step => step.id === id);
  if (found.length !== 1) throw new Error(`docs/safe-forms.md has ${found.length} steps "${id}"`);
  const { exec: argv, script: code } = found[0] as ShownStep;
  return mapText(argv === undefined ? { script: code ?? null } : { exec: argv }, text =>
    text.replace(/\$\{\{ params\.(\w+) \}\}/g, (_whole, name) => params[name] ?? `no value for ${name}`),
  ) as ShownStep;
}

function mapText(value: unknown, change: (text: string) => string): Json {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map(one => mapText(one, change));
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, mapText(one, change)]));
  return value as Json;
}

/** The step with another text in place of this one, everywhere. Throws when it is not there: then the page no longer says it. */
export function swap(step: ShownStep, from: string, to: string): ShownStep {
  let count = 0;
  const swapped = mapText(step, text => {
    if (text.includes(from)) count += 1;
    return text.replaceAll(from, to);
  }) as ShownStep;
  if (count === 0) throw new Error(`there is no ${JSON.stringify(from)} in ${JSON.stringify(step)}`);
  return swapped;
}

/** The step with other words in place of these of its argv, none when none are given. Throws when they are not there, in this order. */
export function words(step: ShownStep, from: readonly string[], to: readonly string[] = []): ShownStep {
  const whole = Array.isArray(step.exec) ? { argv: step.exec } : (step.exec as { argv: string[] });
  const argv = whole.argv.map(String);
  const at = argv.findIndex((_, index) => from.every((word, place) => argv[index + place] === word));
  if (at < 0) throw new Error(`there is no ${from.join(' ')} in ${argv.join(' ')}`);
  return { exec: { ...whole, argv: argv.toSpliced(at, from.length, ...to) } };
}

/** The step without one key of its own: `stdin`, `okExit`. Throws when it is not there. */
export function without(step: ShownStep, key: string): ShownStep {
  const type = step.exec === undefined ? 'script' : 'exec';
  const { [key]: gone, ...rest } = step[type] as { [key: string]: Json };
  if (gone === undefined) throw new Error(`there is no ${key} in ${JSON.stringify(step)}`);
  return { [type]: rest };
}

export interface Surroundings {
  /** Folders for the front of PATH. */
  path?: readonly string[];
  /** Variables on top of those of the page's step. */
  env?: Readonly<Record<string, string>>;
  cwd?: string;
  /** Cancels the step. */
  signal?: AbortSignal;
  /** Milliseconds that it has to end by itself when it is cancelled. */
  grace?: number;
  /** Parameters of the runbook, for a script. */
  params?: Readonly<Record<string, Json>>;
  /** Called with each output. */
  onOutput?: (text: string) => void;
}

export interface Ran {
  state: string;
  /** Null when a signal ended it. */
  exitCode: number | null;
  stdout: string;
  stderr: string;
  because: string;
}

const ended = z.object({
  state: z.string(),
  because: z.string().default(''),
  output: z.object({ exitCode: z.number().nullable(), stdout: z.string(), stderr: z.string() }),
});

/** Runs a step of the page as Tocsin does: its input parsed, its program a real child with a clean environment. Rejects when cancelled. */
export async function runStep(step: ShownStep, around: Surroundings = {}): Promise<Ran> {
  const { path = [], env = {}, cwd, signal, grace, params = {}, onOutput } = around;
  const { context } = await makeStepContext({
    run: sampleRun({ params: { ...params } }),
    path: [...path, process.env['PATH'] ?? '/usr/bin:/bin', '/usr/sbin:/sbin'].join(':'),
    secrets: { dbPassword: 'secret-of-the-database' },
    ...(signal === undefined ? {} : { signal }),
    ...(grace === undefined ? {} : { grace }),
    ...(onOutput === undefined ? {} : { onOutput }),
  });
  const result =
    step.exec === undefined
      ? await script.run(script.input.parse({ ...wholeOf(step.script, 'run'), ...(cwd && { cwd }) }), context)
      : await exec.run(exec.input.parse(withEnv({ ...wholeOf(step.exec, 'argv'), ...(cwd && { cwd }) }, env)), context);
  const { state, because, output } = ended.parse(result);
  return { state, because, ...output };
}

function wholeOf(given: Json | undefined, short: string): { [key: string]: Json } {
  return given !== null && typeof given === 'object' && !Array.isArray(given) ? given : { [short]: given ?? null };
}

function withEnv(input: { [key: string]: Json }, env: Readonly<Record<string, string>>): object {
  return { ...input, env: { ...(input['env'] as object), ...env } };
}
