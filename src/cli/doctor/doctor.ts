/** The command `doctor`: checks every external dependency once. */

import { checkClock, measuredFetch } from '../../app/overview/clock.ts';
import { checkPlatforms, checkSources, type Subject } from '../../app/overview/subjects.ts';
import { visibleLine } from '../../kernel/text.ts';
import { checkFiles, createCatalogue, showProblems } from '../../load/index.ts';
import type { Finding } from '../../ports/check.ts';
import type { CliCommand } from '../command.ts';
import { readSettings } from '../environment.ts';
import { loadParts } from '../files.ts';
import { exitCode, type Terminal } from '../terminal.ts';
import { checkDatabase, checkRunning } from './process.ts';
import { checkPrograms } from './programs.ts';

export const doctor: CliCommand = {
  name: 'doctor',
  about:
    'Looks whether everything works that Tocsin needs: files, database, tokens, scopes, channels, groups, keys, clock, programs.',
  usage: '',
  options: [],
  words: { least: 0, most: 0 },
  examples: ['tocsin doctor'],
  async run(_input, terminal) {
    const subjects = await examine(terminal);
    for (const { title, findings } of subjects) if (findings.length > 0) terminal.out(show(title, findings));
    const all = subjects.flatMap(subject => subject.findings);
    const count = (state: Finding['state']) => all.filter(finding => finding.state === state).length;
    terminal.err(`${count('bad')} bad, ${count('warning')} to look at, ${count('ok')} ok.`);
    return count('bad') > 0 ? exitCode.failed : exitCode.ok;
  },
};

/** Runs all checks concurrently, because they wait for other servers. Shown in this order. */
async function examine(terminal: Terminal): Promise<Subject[]> {
  const settings = readSettings(terminal.env, terminal.cwd);
  const parts = await loadParts(terminal);
  const problems = await checkFiles(parts);
  const errors = problems.filter(problem => problem.level === 'error');
  const files: Subject = { title: 'files', findings: [filesFinding(errors.length, showProblems(problems))] };
  const [database, running, programs] = await Promise.all([
    checkDatabase(settings.dataFolder, terminal),
    checkRunning(terminal),
    checkPrograms(terminal),
  ]);
  if (errors.length > 0) return [files, database, running, programs];

  const catalogue = await createCatalogue({ ...parts, data: settings.dataFolder, watch: false });
  try {
    const measured = measuredFetch(parts.clock);
    const tools = {
      catalogue,
      env: terminal.env,
      signal: terminal.signal,
      clock: parts.clock,
      fetch: measured.fetch,
      platforms: parts.platforms ?? new Map(),
    };
    const [platforms, sources] = await Promise.all([checkPlatforms(tools), checkSources(tools)]);
    return [files, database, running, programs, ...platforms, ...sources, checkClock(measured.skews())];
  } finally {
    await catalogue.close();
  }
}

function filesFinding(errors: number, text: string): Finding {
  const what = 'tocsin.yaml, the policy and the runbooks';
  if (errors === 0) return { what, state: 'ok' };
  return {
    what,
    state: 'bad',
    because: `${errors} to correct: ${text.split('\n')[0] ?? ''}`,
    remedy: 'tocsin check shows all of them.',
  };
}

/** Texts of services are shown without control characters. */
function show(title: string, findings: readonly Finding[]): string {
  const lines = findings.flatMap(({ what, state, because, without, remedy, page }) => [
    `  ${state.padEnd(7)}  ${visibleLine(what)}`,
    ...(because === undefined ? [] : [`           because  ${visibleLine(because)}`]),
    ...(state === 'ok' || without === undefined ? [] : [`           without  ${visibleLine(without)}`]),
    ...(state === 'ok' || remedy === undefined ? [] : [`           do       ${visibleLine(remedy)}`]),
    ...(state === 'ok' || page === undefined ? [] : [`           page     ${visibleLine(page)}`]),
  ]);
  return [title, ...lines].join('\n');
}
