import { dirname, isAbsolute, join, relative } from 'node:path';
import { messageOf } from '../../kernel/errors.ts';
import { testRunbook } from '../../load/index.ts';
import type { TestsView } from '../../ports/overview.ts';
import type { Base } from '../base.ts';

type Parts = Pick<Base, 'catalogue' | 'clock' | 'shelves' | 'options'>;

/** How long the tests of one runbook may take, milliseconds. */
const patience = 5000;

/**
 * The tests beside runbooks, run dry when somebody looks and kept until the files change. A runbook in TypeScript is code, which only
 * `tocsin test` runs: for it the cases are listed.
 */
export function createTestReader(parts: Parts): (runbook: string) => Promise<TestsView | null> {
  const known = new Map<string, { digest: string; view: Promise<TestsView> }>();
  return async id => {
    const set = parts.catalogue.current();
    const runbook = set.runbooks.get(id);
    if (runbook === undefined) return null;
    const kept = known.get(id);
    const age = kept === undefined ? null : parts.clock.now() - ((await kept.view).checkedAt ?? 0);
    // The test file is none of the set, so that it is read again after a while.
    if (kept !== undefined && kept.digest === set.digest && age !== null && age < longest) return await kept.view;
    const view = check(id, parts);
    known.set(id, { digest: set.digest, view });
    return await view;
  };
}

/** How long a result is kept while the set is the same, milliseconds. */
const longest = 10_000;

async function check(id: string, { catalogue, clock, shelves, options }: Parts): Promise<TestsView> {
  const set = catalogue.current();
  const runbook = set.runbooks.get(id);
  const { configPath } = options;
  const place = set.config.runbooks;
  const folder = isAbsolute(place) ? place : join(dirname(configPath), place);
  const file = join(folder, `${id}.test.yaml`);
  const shown = relative(dirname(configPath), file);
  const unknown = (because: string): TestsView => ({ file: shown, checkedAt: null, because, cases: [] });
  if (runbook === undefined) return unknown('there is no such runbook any more');
  try {
    const run = testRunbook(runbook, file, { steps: shelves.steps, dry: runbook.kind === 'yaml' });
    const late = clock.sleep(patience).then(() => null);
    const found = await Promise.race([run, late]);
    if (found === null) return unknown('they take longer than 5 seconds; tocsin test runs them');
    if (!found.there) return { file: null, checkedAt: null, because: null, cases: [] };
    const [problem] = found.problems;
    if (problem !== undefined)
      return unknown(`the file has mistakes: ${problem.line}:${problem.column} ${problem.message}`);
    if (runbook.kind === 'ts')
      return {
        ...unknown('it is written in TypeScript, and its code is run by tocsin test alone'),
        cases: found.names.map(name => ({ name, ok: null, differences: [] })),
      };
    const cases = found.results.map(({ name, ok, differences }) => ({ name, ok, differences }));
    return { file: shown, checkedAt: clock.now(), because: null, cases };
  } catch (error) {
    return unknown(messageOf(error));
  }
}
