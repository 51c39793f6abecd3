/** npm run test:mutation: small faults are put into the safety files one by one, and the tests have to notice. Words choose files by part of their name. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { equivalents } from '../test/mutation/equivalents.ts';
import { safetyFiles } from '../test/mutation/files.ts';

/** Percent killed: of all files together, and of each. */
const bounds = { together: 85, each: 70 };

/** The parts of Stryker's report (schema of mutation-testing-elements) that are counted. */
const place = z.object({ line: z.int(), column: z.int() });
const reportOf = z.object({
  files: z.record(
    z.string(),
    z.object({
      source: z.string(),
      mutants: z.array(
        z.object({
          mutatorName: z.string(),
          replacement: z.string().optional(),
          status: z.string(),
          location: z.object({ start: place, end: place }),
        }),
      ),
    }),
  ),
});

interface Figures {
  file: string;
  killed: number;
  survived: string[];
  equivalent: number;
}

/** Runs Stryker over one file with its tests, and returns the report; null when Stryker itself failed, which has been told. */
function mutate(file: string, tests: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-mutation-'));
  const report = join(folder, 'report.json');
  const config = join(folder, 'stryker.json');
  writeFileSync(
    config,
    JSON.stringify({
      mutate: [file],
      testRunner: 'vitest',
      vitest: { configFile: 'vitest.mutation.config.ts', related: false },
      // Stryker reads tsconfig.json through a module that TypeScript 7 no longer has; nothing here needs it.
      tsconfigFile: 'no-tsconfig.json',
      plugins: ['@stryker-mutator/vitest-runner'],
      ignorePatterns: ['/docs/**/*.png', '/data', '/findings', '/test/fixtures/builds', '/.git'],
      coverageAnalysis: 'perTest',
      concurrency: 2,
      // What waits for ever because of a mutant is ended; a busy machine is allowed to be slow.
      timeoutMS: 20_000,
      timeoutFactor: 3,
      dryRunTimeoutMinutes: 20,
      reporters: ['json'],
      jsonReporter: { fileName: report },
      tempDirName: '.stryker-tmp',
      allowConsoleColors: false,
      logLevel: 'warn',
    }),
  );
  const ended = spawnSync(process.execPath, ['node_modules/@stryker-mutator/core/bin/stryker.js', 'run', config], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, TOCSIN_MUTATION_TESTS: tests.join(',') },
  });
  const made =
    ended.status === 0 && existsSync(report) ? reportOf.parse(JSON.parse(readFileSync(report, 'utf8'))) : null;
  rmSync(folder, { recursive: true, force: true });
  return made;
}

/** The source text of a mutant, as equivalents.ts names it. */
function textAt(source: string, { start, end }: { start: z.infer<typeof place>; end: z.infer<typeof place> }): string {
  const lines = source.split('\n').slice(start.line - 1, end.line);
  lines[lines.length - 1] = (lines.at(-1) ?? '').slice(0, end.column - 1);
  return lines.join('\n').slice(start.column - 1);
}

/** A mutant that no test of its file reaches counts as survived; one that does not compile or is ignored does not count. */
function count(file: string, report: z.infer<typeof reportOf>): Figures {
  const figures: Figures = { file, killed: 0, survived: [], equivalent: 0 };
  const known = [...(equivalents[file] ?? [])];
  for (const { source, mutants } of Object.values(report.files))
    for (const mutant of mutants) {
      if (mutant.status === 'Killed' || mutant.status === 'Timeout') figures.killed++;
      if (mutant.status !== 'Survived' && mutant.status !== 'NoCoverage') continue;
      const was = textAt(source, mutant.location);
      const at = known.findIndex(one => one.was === was && one.becomes === mutant.replacement);
      if (at >= 0) {
        known.splice(at, 1);
        figures.equivalent++;
        continue;
      }
      const where = `${file}:${mutant.location.start.line}:${mutant.location.start.column}`;
      figures.survived.push(
        `${where} ${mutant.status === 'NoCoverage' ? '(not reached) ' : ''}${mutant.mutatorName}: ${was.slice(0, 200)} => ${(mutant.replacement ?? '').slice(0, 200)}`,
      );
    }
  for (const one of known)
    console.log(`${file}: equivalents.ts names a mutant that is killed or gone: ${one.was} => ${one.becomes}`);
  return figures;
}

const percent = (killed: number, survived: number) =>
  killed + survived === 0 ? 0 : (100 * killed) / (killed + survived);

const words = process.argv.slice(2);
const chosen = Object.entries(safetyFiles).filter(
  ([file]) => words.length === 0 || words.some(word => file.includes(word)),
);
if (chosen.length === 0)
  throw new Error(`No safety file has ${words.join(' or ')} in its name; see test/mutation/files.ts`);

const all: Figures[] = [];
let failed = 0;
for (const [file, tests] of chosen) {
  const report = mutate(file, tests);
  if (report === null) {
    console.log(`${file}: Stryker gave no report; see above`);
    failed++;
    continue;
  }
  const figures = count(file, report);
  all.push(figures);
  for (const line of figures.survived) console.log(`  survived ${line}`);
  console.log(line(figures.file, figures.killed, figures.survived.length, figures.equivalent));
  if (percent(figures.killed, figures.survived.length) < bounds.each) failed++;
}

function line(name: string, killed: number, survived: number, equivalent: number): string {
  return `${percent(killed, survived).toFixed(1).padStart(5)} %  ${String(killed).padStart(4)} killed ${String(survived).padStart(4)} survived ${String(equivalent).padStart(3)} equivalent  ${name}`;
}

const sum = (of: (one: Figures) => number) => all.reduce((total, one) => total + of(one), 0);
const killed = sum(one => one.killed);
const survived = sum(one => one.survived.length);
console.log(`\n${all.map(one => line(one.file, one.killed, one.survived.length, one.equivalent)).join('\n')}`);
console.log(
  line(
    'together',
    killed,
    survived,
    sum(one => one.equivalent),
  ),
);
if (percent(killed, survived) < bounds.together) failed++;
console.log(`bounds: ${bounds.together} % together, ${bounds.each} % each file: ${failed === 0 ? 'held' : 'not held'}`);
process.exitCode = failed === 0 ? 0 : 1;
