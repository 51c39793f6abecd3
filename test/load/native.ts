/**
 * Run by Node itself, not by the test runner: loading code anew after an edit is the business of Node's module loader.
 * Does what is asked on the command line with the folder there, and prints what came as JSON.
 */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makePlan } from '../../src/flow/pipeline/plan.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { messageOf } from '../../src/kernel/errors.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { runDry } from '../../src/load/dry-run.ts';
import { createCatalogue } from '../../src/load/index.ts';
import type { Runbook } from '../../src/ports/runbook.ts';
import { shelf } from './shelf.ts';

const folder = process.argv[2] ?? '';
const lib = join(folder, 'runbooks', 'lib', 'words.ts');
const catalogue = await createCatalogue({
  configPath: join(folder, 'tocsin.yaml'),
  explicit: false,
  env: {},
  data: join(folder, 'data'),
  sources: new Map(),
  steps: shelf,
  clock: systemClock,
  log: silentLog,
});

function runbook(): Runbook {
  const found = catalogue.current().runbooks.get('a');
  if (found === undefined) throw new Error('runbook a is not there');
  return found;
}

const says = async (one: Runbook) => (await runDry(one, {}, null, {}, shelf)).inputs['say'];

/** Writes a file and waits until the watcher has taken it over. */
async function edit(text: string): Promise<void> {
  const changed = new Promise<void>(resolve => {
    const stop = catalogue.onChange(() => {
      stop();
      resolve();
    });
  });
  await writeFile(lib, text);
  await changed;
}

const before = runbook();
const planned = makePlan(before, {});
const files = new Map(before.files);
const first = await says(before);
await edit('export const word = ;\n');
const broken = { says: await says(runbook()), problems: catalogue.problems().map(problem => problem.message) };
await edit("export const word = 'new';\n");
const after = runbook();
const old = await catalogue.fromSnapshot(planned.plan, files);
await rm(join(folder, 'runbooks'), { recursive: true });
const again = await catalogue.fromSnapshot(planned.plan, files);
const changed = new Map(
  [...files].map(([path, bytes]) => [path, path === 'lib/words.ts' ? (after.files.get(path) ?? bytes) : bytes]),
);
const tampered = await catalogue.fromSnapshot(planned.plan, changed).then(() => 'loaded', messageOf);
const missing = await catalogue.fromSnapshot(planned.plan, new Map()).then(() => 'loaded', messageOf);
const result = {
  files: [...files.keys()],
  first,
  broken,
  after: await says(after),
  sameHash: makePlan(after, {}).hash === planned.hash,
  old: await says(old),
  again: await says(again),
  tampered,
  missing,
};
await catalogue.close();
console.log(JSON.stringify(result));
