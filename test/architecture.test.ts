import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  entries,
  flowModules,
  importsOf,
  layerOf,
  moduleOf,
  partOf,
  readFiles,
  type SourceFile,
  withoutComments,
} from '../scripts/generate/support/modules.ts';

const mostLines = 400;
const mostFunctionLines = 80;
const root = resolve(import.meta.dirname, '..');
/** So many files of one folder may share a prefix; one more, and the prefix is a folder that nobody made. */
const mostOfPrefix = 3;

describe('the source', () => {
  const files = ['src', 'commands', 'runbooks'].flatMap(folder => readFiles(folder));

  test('has files, and finds what they import', () => {
    expect(files.length).toBeGreaterThan(20);
    expect(files.find(file => file.path === 'src/ports/store.ts')?.imports).toContain('src/model/run.ts');
  });

  test('imports only downwards', () => {
    expect(files.flatMap(wrongArrows)).toEqual([]);
  });

  test('has no import circle', () => {
    expect(findCircle(files)).toEqual([]);
  });

  test('has every file of flow in a module, and every module in the order', () => {
    const places = files.filter(file => partOf(file.path) === 'flow').map(file => moduleOf(file.path) ?? file.path);
    expect([...new Set(places)].sort()).toEqual([...flowModules].sort());
  });

  test('says in the first line of each entry what belongs in the module', () => {
    const first = (path: string) => files.find(file => file.path === path)?.text.split('\n')[0];
    expect(entries.filter(path => !/^\/\*\* .+\. \*\/$/.test(first(path) ?? ''))).toEqual([]);
    const folders = files.map(file => dirname(file.path)).filter(path => /^src\/(flow|model|kernel)\/./.test(path));
    expect([...new Set(folders)].filter(folder => !entries.some(path => dirname(path) === folder))).toEqual([]);
  });

  test(`has no more than ${mostOfPrefix} files of one prefix in a folder`, () => {
    expect(crowdsOf(files.map(file => file.path))).toEqual([]);
  });

  test('reads the environment in main.ts and on the command line alone', () => {
    const readers = files.filter(file =>
      /\bprocess\.env\b|\benv\b[^;]*\bfrom 'node:process'/.test(withoutComments(file.text)),
    );
    expect(readers.map(file => file.path).filter(path => partOf(path) !== 'main' && partOf(path) !== 'cli')).toEqual(
      [],
    );
  });

  test(`has no file over ${mostLines} lines`, () => {
    const long = files.map(file => [file.path, file.text.split('\n').length] as const);
    expect(long.filter(([, lines]) => lines > mostLines + 1)).toEqual([]);
  });

  test(`has no function over ${mostFunctionLines} lines`, () => {
    expect(files.flatMap(longFunctions)).toEqual([]);
  });
});

describe('the checks find', () => {
  const file = (path: string, text: string): SourceFile => ({ path, text, imports: importsOf(text, path) });

  test('all ways to import', () => {
    const text = `
import { a } from './a.ts';
import type {
  B,
} from '../model/b.ts';
import './c.ts';
export * from './d.ts';
export type { E } from './e.ts';
const f = await import('./f.ts');
type G = import('./g.ts').G;
import z, { type Z } from 'zod';
// import { no } from './comment.ts';
`;
    expect(importsOf(text, 'src/flow/x.ts').sort()).toEqual(
      [
        'src/flow/a.ts',
        'src/model/b.ts',
        'src/flow/c.ts',
        'src/flow/d.ts',
        'src/flow/e.ts',
        'src/flow/f.ts',
        'src/flow/g.ts',
        'zod',
      ].sort(),
    );
  });

  test.each([
    ['src/kernel/x.ts', '../model/run.ts'],
    ['src/kernel/child/x.ts', '../../model/run.ts'],
    ['src/model/x.ts', '../ports/store.ts'],
    ['src/flow/run/x.ts', '../../stores/sqlite/index.ts'],
    ['src/stores/sqlite/x.ts', '../../flow/pipeline/alert.ts'],
    ['src/sources/x.ts', '../steps/exec.ts'],
    ['src/flow/run/x.ts', '../../load/runbook.ts'],
    ['src/flow/run/x.ts', '../../http/door.ts'],
    ['src/http/x.ts', '../app.ts'],
    ['src/app.ts', './main.ts'],
    ['src/chat/console/x.ts', '../../index.ts'],
    ['src/flow/run/x.ts', '../../../test/doubles/clock.ts'],
    ['src/flow/run/x.ts', 'tocsin'],
    ['commands/x.ts', '../src/flow/acts/act.ts'],
    ['commands/x.ts', 'zod'],
    ['runbooks/x.ts', 'kysely'],
    // Modules of flow.
    ['src/flow/journal/x.ts', '../origin/write-backs.ts'],
    ['src/flow/pipeline/x.ts', '../thread/cards/cards.ts'],
    ['src/flow/acts/x.ts', '../run/engine-parts.ts'],
    ['src/flow/deliver/x.ts', '../origin/origin.ts'],
    ['src/flow/x.ts', './journal/feed.ts'],
    ['src/flow/attic/x.ts', '../journal/feed.ts'],
  ])('%s importing %s', (path, target) => {
    expect(wrongArrows(file(path, `import type { X } from '${target}';`))).toHaveLength(1);
  });

  test.each([
    ['src/flow/run/x.ts', '../../ports/store.ts'],
    ['src/flow/run/x.ts', './session.ts'],
    ['src/flow/run/x.ts', '../acts/vote.ts'],
    ['src/flow/thread/x.ts', '../people/groups.ts'],
    ['src/kernel/child/x.ts', '../clock.ts'],
    ['src/http/x.ts', '../flow/pipeline/alert.ts'],
    ['src/app.ts', './http/server.ts'],
    ['src/main.ts', './app.ts'],
    ['src/main.ts', './cli/start.ts'],
    ['src/index.ts', './ports/store.ts'],
    ['src/stores/sqlite/x.ts', 'kysely'],
    ['commands/x.ts', 'tocsin'],
    ['runbooks/x.ts', 'node:os'],
  ])('nothing wrong with %s importing %s', (path, target) => {
    expect(wrongArrows(file(path, `import { x } from '${target}';`))).toEqual([]);
  });

  test('four files of one prefix, and not three, nor four in two folders', () => {
    const three = ['one', 'two-more', '3'].map(name => `src/flow/run/step-${name}.ts`);
    expect(crowdsOf([...three, 'src/flow/run/step.ts', 'src/flow/acts/step-x.ts'])).toEqual([]);
    expect(crowdsOf([...three, 'src/flow/run/step-four.ts'])).toEqual(['src/flow/run/step-*']);
  });

  test('a circle, also one of types', () => {
    const circle = [
      file('src/model/a.ts', `import type { B } from './b.ts';`),
      file('src/model/b.ts', `import { c } from './c.ts';`),
      file('src/model/c.ts', `export * from './a.ts';`),
      file('src/model/d.ts', `import './a.ts';`),
    ];
    expect(findCircle(circle)).toEqual(['src/model/a.ts', 'src/model/b.ts', 'src/model/c.ts', 'src/model/a.ts']);
  });

  test('a long function', () => {
    const body = '  work();\n'.repeat(90);
    const names = [
      `function f() {\n${body}}`,
      `const f = async (\n  a: number,\n) => {\n${body}};`,
      `const o = {\n  f(a) {\n${body}  },\n};`,
    ];
    for (const text of names) expect(longFunctions(file('src/flow/x.ts', text))).toHaveLength(1);
    expect(longFunctions(file('src/flow/x.ts', `function f() {\n}\n${body}`))).toEqual([]);
  });
});

/** The prefixes that want to be folders: `src/flow/deliver-*`. */
function crowdsOf(paths: readonly string[]): string[] {
  const groups = Map.groupBy(paths, path => /^.*\/[^/-]+(?=-[^/]*\.ts$)/.exec(path)?.[0]);
  return [...groups].flatMap(([prefix, found]) =>
    prefix !== undefined && found.length > mostOfPrefix ? [`${prefix}-*`] : [],
  );
}

function wrongArrows(file: SourceFile): string[] {
  return file.imports.filter(target => !isAllowed(file.path, target)).map(target => `${file.path} imports ${target}`);
}

function isAllowed(path: string, target: string): boolean {
  const outside = !existsSync(join(root, dirname(target))) || !target.includes('.ts');
  const from = partOf(path);
  // What users write, and what is shipped as an example of it, knows the public entry alone; a folder may share files within itself.
  if (from === 'commands' || from === 'runbooks')
    return target === 'tocsin' || target.startsWith('node:') || partOf(target) === from;
  if (target === 'tocsin') return false;
  if (outside) return true;
  const to = partOf(target);
  if (from === 'flow' && to === 'flow') return isModuleAllowed(moduleOf(path), moduleOf(target));
  // main.ts is the command `start`: the command line and it are one layer.
  if (from === to || (from === 'main' && to === 'cli')) return true;
  const [mine, other] = [layerOf[from], layerOf[to]];
  return mine !== undefined && other !== undefined && target.startsWith('src/') && other < mine && to !== 'index';
}

function isModuleAllowed(mine: string | undefined, other: string | undefined): boolean {
  if (mine === undefined || other === undefined) return false;
  return flowModules.indexOf(other) <= flowModules.indexOf(mine);
}

function findCircle(files: readonly SourceFile[]): string[] {
  const known = new Map(files.map(file => [file.path, file]));
  const done = new Set<string>();
  const visit = (path: string, above: readonly string[]): string[] => {
    if (above.includes(path)) return [...above.slice(above.indexOf(path)), path];
    if (done.has(path)) return [];
    for (const next of known.get(path)?.imports ?? []) {
      const circle = known.has(next) ? visit(next, [...above, path]) : [];
      if (circle.length > 0) return circle;
    }
    done.add(path);
    return [];
  };
  for (const file of files) {
    const circle = visit(file.path, []);
    if (circle.length > 0) return circle;
  }
  return [];
}

/** Where a function begins: the formatter's indentation says where it ends. */
const functionStart =
  /^(\s*)(?:export |default |async |static |private |get |set )*(?:function\b.*|(?!if\b|for\b|while\b|switch\b|catch\b|return\b)[\w#]+\(.*\).*\{$|\)(?:: .*)? \{$|.*\)(?:: [^=]*)? => \{$)/;

function longFunctions(file: SourceFile): string[] {
  const lines = file.text.split('\n');
  return lines.flatMap((line, index) => {
    const indent = functionStart.exec(line)?.[1];
    if (indent === undefined) return [];
    const closing = new RegExp(`^${indent}\\}`);
    const length = lines.slice(index + 1).findIndex(later => closing.test(later)) + 2;
    return length > mostFunctionLines ? [`${file.path}:${index + 1} has ${length} lines`] : [];
  });
}
