import { showDuration } from '../kernel/duration.ts';
import { checkOwnCommands, loadSet, showProblems } from '../load/index.ts';
import type { Expectation } from '../ports/catalogue.ts';
import type { CliCommand } from './command.ts';
import { builtInCommands, loadParts } from './files.ts';
import { exitCode } from './terminal.ts';

export const check: CliCommand = {
  name: 'check',
  about: 'Checks tocsin.yaml, the policy and every runbook, and shows all problems with their positions.',
  usage: '',
  options: [{ name: 'strict', about: 'Let warnings count as errors.', value: null }],
  words: { least: 0, most: 0 },
  examples: ['tocsin check', 'TOCSIN_CONFIG=staging.yaml tocsin check'],
  async run(input, terminal) {
    const parts = await loadParts(terminal);
    const { set, problems: found } = await loadSet(parts);
    const own =
      set?.config.commands === undefined
        ? []
        : await checkOwnCommands(set.config, parts.configPath, await builtInCommands());
    const problems = [...found, ...own];
    const errors = problems.filter(problem => problem.level === 'error').length;
    const warnings = problems.length - errors;
    if (problems.length > 0) terminal.out(showProblems(problems));
    for (const one of set?.expectations ?? []) terminal.err(showExpectation(one));
    terminal.err(`${countOf(errors, 'error')}, ${countOf(warnings, 'warning')}.`);
    return errors > 0 || (warnings > 0 && input.options.has('strict')) ? exitCode.failed : exitCode.ok;
  },
};

function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function showExpectation({ name, text, every, source }: Expectation): string {
  const what = text.endsWith(`: ${name}`) ? name : `${name} (${text})`;
  return `Expects ${what} from ${source ?? 'any source with a secret'} every ${showDuration(every)}.`;
}
