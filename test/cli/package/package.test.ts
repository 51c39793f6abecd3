import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { endAll, root } from '../process.ts';
import { type Installed, likeGlobal, packAndInstall, removeAll } from './install.ts';
import { ownCommand, tocsin, tsRunbook, walkFirstHour } from './walk.ts';

/** Outside the checkout, as the folders of people who have no checkout. */
const folder = mkdtempSync(join(tmpdir(), 'tocsin-package-'));
let installed: Installed;

beforeAll(async () => {
  installed = await packAndInstall(folder);
}, 600_000);
afterEach(endAll);
afterAll(() => removeAll(folder), 600_000);

test('the package has JavaScript, types, schemas and docs, and nothing of the sources and tests', () => {
  const { files } = installed;
  expect(files).toEqual(
    expect.arrayContaining([
      'README.md',
      'LICENSE',
      'bin/tocsin.js',
      'dist/commands/list.js',
      'dist/src/cli.js',
      'dist/src/index.d.ts',
      'docs/schemas/runbook.json',
    ]),
  );
  const of = (place: string) => readdirSync(join(root, place), { recursive: true, encoding: 'utf8' });
  const assets = of('src').filter(path => /\.\w+$/.test(path) && !path.endsWith('.ts'));
  expect(assets.length).toBeGreaterThan(10);
  expect(files).toEqual(expect.arrayContaining(assets.map(path => `dist/src/${path}`)));
  const strange = files.filter(path => /^(src|test|bench|findings|deploy)\//.test(path) || /(?<!\.d)\.ts$/.test(path));
  expect(strange).toEqual([]);
  // The checkout goes on running its sources.
  expect(existsSync(join(root, 'dist'))).toBe(false);
});

test(
  'installed in a project: init, check, test and start work, with runbooks and commands in TypeScript',
  () => walkFirstHour(installed.command, join(folder, 'project/ours'), 'npx tocsin'),
  180_000,
);

test(
  'installed as with -g: the same',
  () => walkFirstHour(likeGlobal(installed, join(folder, 'prefix')), join(folder, 'global'), 'tocsin'),
  180_000,
);

test('a command of one’s own that does not load, or has the name of one of Tocsin’s, is told by check and start', async () => {
  const home = join(folder, 'wrong');
  mkdirSync(join(home, 'commands'), { recursive: true });
  writeFileSync(join(home, 'tocsin.yaml'), 'commands: ./commands\n');
  for (const [name, text, told] of [
    ['list.ts', ownCommand.replace("'whoami'", "'list'"), 'Tocsin has a command "list" itself'],
    ['mine.ts', `import { nothing } from './gone.ts';`, 'does not load'],
    ['mine.ts', 'export default { id: "mine" };', 'without about, usage, args, run'],
  ] as const) {
    writeFileSync(join(home, 'commands', name), text);
    const says = expect.stringContaining(told);
    expect(await tocsin(installed.command, home, ['check'])).toMatchObject({ code: 1, out: says });
    expect(await tocsin(installed.command, home, ['start'])).toMatchObject({ code: 1, err: says });
    rmSync(join(home, 'commands', name));
  }
}, 180_000);

test('an editor has types for runbooks, and finds a mistake', async () => {
  const project = join(folder, 'project');
  const compile = (text: string) => {
    writeFileSync(join(project, 'one.ts'), text);
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2025', '--skipLibCheck'];
    return tocsin(join(root, 'node_modules/.bin/tsc'), project, [...options, '--types', '', 'one.ts']);
  };
  const right = tsRunbook.replace("import { word } from './lib/word.ts';", "const word = 'Hello';");
  expect(await compile(right)).toMatchObject({ code: 0, out: '' });
  expect((await compile(right.replace("risk: 'none'", "risk: 'tiny'"))).out).toContain('"tiny"');
  expect((await compile(right.replace('params.to', 'params.too'))).out).toContain("'too'");
});

test('threads start in the package: for the journal and for evidence', async () => {
  const script = join(folder, 'threads.mjs');
  writeFileSync(
    script,
    `import { verifyInBlocks } from '${installed.package}/dist/src/cli/journal/file.js';
    import { createExaminer } from '${installed.package}/dist/src/flow/evidence/aside.js';
    import { systemClock } from '${installed.package}/dist/src/kernel/clock.js';
    const journal = { name: 'x', checkpoint: null, tell: console.log };
    const head = await verifyInBlocks({ ...journal, path: process.argv[2] }, { least: 0 });
    const log = { debug() {}, info() {}, warn: console.log, error: console.log };
    const bytes = Buffer.from(JSON.stringify({ long: 'x'.repeat(300_000) }));
    const order = { bytes, format: null, from: 'x', subject: {}, rules: {} };
    const said = await createExaminer({ clock: systemClock, log })(order);
    console.log(JSON.stringify({ head, because: said.because }));`,
  );
  const empty = join(folder, 'empty.ndjson');
  writeFileSync(empty, '\n');
  const { out, err } = await tocsin(process.execPath, folder, [script, empty]);
  expect(err).toBe('');
  expect(JSON.parse(out)).toMatchObject({ head: { seq: 0 }, because: 'it is in no format that is known' });
});

test('below an older Node it hands over to the package `node` beside it, and without that says what to do', async () => {
  const older = join(folder, 'older.mjs');
  const version = `{ value: { ...process.versions, node: '20.19.0' } }`;
  writeFileSync(older, `Object.defineProperty(process, 'versions', ${version});`);
  const old = () => tocsin(process.execPath, folder, ['--import', older, installed.command, '--version']);
  expect(await old()).toMatchObject({ code: 2, out: '', err: expect.stringContaining('npm install node@24') });
  const beside = join(dirname(installed.command), 'node');
  symlinkSync(process.execPath, beside);
  expect(await old()).toMatchObject({ code: 0, err: '' });
  rmSync(beside);
});
