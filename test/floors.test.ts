import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

/** The floors of CONTRIBUTING.md, and the halls of one of them. A file imports only what lies lower, or its own part of the house. */
const root = resolve(import.meta.dirname, '..');
const floorOf: Record<string, number> = {
  kernel: 0,
  model: 1,
  ports: 2,
  flow: 3,
  load: 3,
  sources: 3,
  steps: 3,
  chat: 3,
  stores: 3,
  dispatchers: 3,
  http: 4,
  app: 5,
  index: 5,
  main: 6,
  cli: 6,
};
/** The halls of src/flow from the ground up. A file imports only from halls below its own. */
const halls = ['journal', 'people', 'pipeline', 'trace', 'fleet', 'thread', 'acts', 'deliver', 'origin', 'run'];
/** The entry of each hall: what others start or call, read first. Its first line says what belongs in the hall. */
const entries = [
  'src/flow/journal/feed.ts',
  'src/flow/people/authorise.ts',
  'src/flow/pipeline/alert.ts',
  'src/flow/trace/follow.ts',
  'src/flow/fleet/duty.ts',
  'src/flow/thread/thread.ts',
  'src/flow/acts/act.ts',
  'src/flow/deliver/deliver.ts',
  'src/flow/origin/origin.ts',
  'src/flow/run/run.ts',
  'src/model/expression/expression.ts',
  'src/kernel/child/child.ts',
  'src/kernel/egress/egress.ts',
  'src/kernel/redact/redact.ts',
  'src/kernel/output/output.ts',
  'src/cli/doctor/doctor.ts',
];
const mostLines = 400;
const mostFunctionLines = 80;
/** So many files of one folder may share a prefix; one more, and the prefix is a folder that nobody made. */
const mostOfPrefix = 3;

interface File {
  /** From the root, with slashes. */
  path: string;
  text: string;
  /** What it imports: paths from the root, or the names of packages. Types count too. */
  imports: string[];
}

describe('the house', () => {
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

  test('has every file of flow in a hall, and every hall in the order', () => {
    const places = files.filter(file => partOf(file.path) === 'flow').map(file => hallOf(file.path) ?? file.path);
    expect([...new Set(places)].sort()).toEqual([...halls].sort());
  });

  test('says in the first line of each hall what belongs there', () => {
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
  const file = (path: string, text: string): File => ({ path, text, imports: importsOf(text, path) });

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
    // Halls.
    ['src/flow/journal/x.ts', '../origin/tellings.ts'],
    ['src/flow/pipeline/x.ts', '../thread/cards.ts'],
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

function readFiles(folder: string): File[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.ts'))
    .map(entry => {
      const path = relative(root, join(entry.parentPath, entry.name));
      const text = readFileSync(join(root, path), 'utf8');
      return { path, text, imports: importsOf(text, path) };
    });
}

const importPatterns = [
  /^\s*(?:import|export)\b(?:[^'"`;]*?\bfrom)?\s*['"]([^'"]+)['"]/gm,
  /\bimport\(\s*['"]([^'"]+)['"]/g,
];

function importsOf(text: string, path: string): string[] {
  const code = withoutComments(text);
  const names = importPatterns.flatMap(pattern => [...code.matchAll(pattern)].map(match => match[1] ?? ''));
  return [
    ...new Set(names.map(name => (name.startsWith('.') ? relative(root, resolve(root, dirname(path), name)) : name))),
  ];
}

/** Comments that stand alone on their lines; the formatter puts almost all of them there. */
function withoutComments(text: string): string {
  return text.replace(/^\s*\/\*[\s\S]*?\*\/\s*$/gm, '').replace(/^\s*\/\/.*$/gm, '');
}

/** `flow` for src/flow/pipeline/alert.ts, `app` for src/app.ts, `commands` for commands/run.ts. */
function partOf(path: string): string {
  const [first = '', second = ''] = path.split('/');
  return first === 'src' ? second.replace(/\.ts$/, '') : first;
}

/** `thread` for src/flow/thread/cards.ts; undefined for what stands in none of the halls. */
function hallOf(path: string): string | undefined {
  const [, part, hall = '', ...rest] = path.split('/');
  return part === 'flow' && rest.length > 0 && halls.includes(hall) ? hall : undefined;
}

/** The prefixes that want to be folders: `src/flow/deliver-*`. */
function crowdsOf(paths: readonly string[]): string[] {
  const groups = Map.groupBy(paths, path => /^.*\/[^/-]+(?=-[^/]*\.ts$)/.exec(path)?.[0]);
  return [...groups].flatMap(([prefix, found]) =>
    prefix !== undefined && found.length > mostOfPrefix ? [`${prefix}-*`] : [],
  );
}

function wrongArrows(file: File): string[] {
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
  if (from === 'flow' && to === 'flow') return isHallAllowed(hallOf(path), hallOf(target));
  // main.ts is the command `start`: the command line and it are one floor.
  if (from === to || (from === 'main' && to === 'cli')) return true;
  const [mine, other] = [floorOf[from], floorOf[to]];
  return mine !== undefined && other !== undefined && target.startsWith('src/') && other < mine && to !== 'index';
}

function isHallAllowed(mine: string | undefined, other: string | undefined): boolean {
  if (mine === undefined || other === undefined) return false;
  return halls.indexOf(other) <= halls.indexOf(mine);
}

function findCircle(files: readonly File[]): string[] {
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

function longFunctions(file: File): string[] {
  const lines = file.text.split('\n');
  return lines.flatMap((line, index) => {
    const indent = functionStart.exec(line)?.[1];
    if (indent === undefined) return [];
    const closing = new RegExp(`^${indent}\\}`);
    const length = lines.slice(index + 1).findIndex(later => closing.test(later)) + 2;
    return length > mostFunctionLines ? [`${file.path}:${index + 1} has ${length} lines`] : [];
  });
}
