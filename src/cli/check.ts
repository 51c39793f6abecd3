import { relative } from 'node:path';
import { showDuration } from '../kernel/duration.ts';
import {
  checkOwnCommands,
  checkRunbookTests,
  type LoadedSet,
  loadSet,
  showProblems,
  sortProblems,
} from '../load/index.ts';
import type { Expectation, Problem } from '../ports/catalogue.ts';
import { type CliCommand, optionOf, usage } from './command.ts';
import { builtInCommands, loadParts } from './files.ts';
import { exitCode } from './terminal.ts';

/** How the problems are printed. */
const formats: Readonly<Record<string, (problems: readonly Problem[], cwd: string) => string>> = {
  text: showProblems,
  json: problems => JSON.stringify(problems, null, 2),
  github: (problems, cwd) => problems.map(problem => annotation(problem, cwd)).join('\n'),
};

export const check: CliCommand = {
  name: 'check',
  about: 'Checks tocsin.yaml, the policy, every runbook and its tests, and shows all problems with their positions.',
  usage: '',
  options: [
    { name: 'strict', about: 'Let warnings count as errors.', value: null },
    { name: 'format', about: 'text, json, or github: annotations for a workflow of GitHub.', value: 'format' },
  ],
  words: { least: 0, most: 0 },
  examples: ['tocsin check', 'tocsin check --strict --format github', 'TOCSIN_CONFIG=staging.yaml tocsin check'],
  async run(input, terminal) {
    const format = optionOf(input, 'format') ?? 'text';
    const show = Object.hasOwn(formats, format) ? formats[format] : undefined;
    if (show === undefined)
      throw usage(
        check,
        `--format ${JSON.stringify(format.slice(0, 100))} is none of ${Object.keys(formats).join(', ')}.`,
      );
    const parts = await loadParts(terminal);
    const loaded = await loadSet(parts);
    const own = await problemsOfCommands(loaded, parts.configPath);
    const problems = sortProblems([...loaded.problems, ...own, ...(await checkRunbookTests(loaded))]);
    const errors = problems.filter(problem => problem.level === 'error').length;
    const warnings = problems.length - errors;
    if (problems.length > 0 || format === 'json') terminal.out(show(problems, terminal.cwd));
    for (const one of loaded.set?.expectations ?? []) terminal.err(showExpectation(one));
    terminal.err(`${countOf(errors, 'error')}, ${countOf(warnings, 'warning')}.`);
    return errors > 0 || (warnings > 0 && input.options.has('strict')) ? exitCode.failed : exitCode.ok;
  },
};

async function problemsOfCommands({ set }: LoadedSet, configPath: string): Promise<Problem[]> {
  if (set?.config.commands === undefined) return [];
  return await checkOwnCommands(set.config, configPath, await builtInCommands());
}

/** A workflow command of GitHub: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands */
function annotation({ file, line, column, level, code, ...problem }: Problem, cwd: string): string {
  const { message, allowed, given, nearest } = problem;
  const text = [
    message,
    allowed && `allowed: ${allowed}`,
    given && `given: ${given}`,
    nearest && `did you mean "${nearest}"?`,
  ]
    .filter(Boolean)
    .join('\n');
  const way = relative(cwd, file);
  const facts = { file: way.startsWith('..') ? file : way, line, col: column, title: code };
  const properties = Object.entries(facts).map(
    ([name, value]) => `${name}=${escaped(String(value)).replaceAll(':', '%3A').replaceAll(',', '%2C')}`,
  );
  return `::${level} ${properties.join(',')}::${escaped(text)}`;
}

function escaped(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function showExpectation({ name, text, every, source }: Expectation): string {
  const what = text.endsWith(`: ${name}`) ? name : `${name} (${text})`;
  return `Expects ${what} from ${source ?? 'any source with a secret'} every ${showDuration(every)}.`;
}
