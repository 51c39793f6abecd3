import { TocsinError } from '../kernel/errors.ts';
import { nearest } from '../kernel/nearest.ts';
import { runRunbookTests, showProblems, showTests, type TestReport } from '../load/index.ts';
import type { CliCommand } from './command.ts';
import { loadParts } from './files.ts';
import { exitCode } from './terminal.ts';

export const test: CliCommand = {
  name: 'test',
  about:
    'Runs the tests beside the runbooks (runbooks/<id>.test.yaml), dry: no step acts. Without any test it ends with 1.',
  usage: '[runbook ...]',
  options: [],
  words: { least: 0, most: 100 },
  examples: ['tocsin test', 'tocsin test disk-usage'],
  async run(input, terminal) {
    const report = chosen(await runRunbookTests(await loadParts(terminal)), input.words);
    const errors = report.problems.filter(problem => problem.level === 'error').length;
    if (report.problems.length > 0) terminal.out(showProblems(report.problems));
    if (errors > 0) {
      terminal.err('Nothing was tested, because the files have errors.');
      return exitCode.failed;
    }
    terminal.out(showTests(report));
    if (report.results.length === 0) {
      terminal.err('There are no tests: nothing was tested. A test of runbooks/<id>.yaml is runbooks/<id>.test.yaml.');
      return exitCode.failed;
    }
    return report.results.every(result => result.ok) ? exitCode.ok : exitCode.failed;
  },
};

function chosen(report: TestReport, words: readonly string[]): TestReport {
  if (words.length === 0) return report;
  const known = [...new Set([...report.results.map(result => result.runbook), ...report.untested])];
  const strange = words.find(word => !known.includes(word));
  if (strange !== undefined && known.length > 0) {
    const near = nearest(strange, known);
    throw new TocsinError('usage-invalid', {
      message: `There is no runbook ${JSON.stringify(strange.slice(0, 100))}.`,
      allowed: known,
      ...(near !== null && { remedy: `Did you mean ${near}?` }),
    });
  }
  return {
    ...report,
    results: report.results.filter(result => words.includes(result.runbook)),
    untested: report.untested.filter(id => words.includes(id)),
  };
}
