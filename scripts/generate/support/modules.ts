import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/** The root of the project. The facts below make docs/architecture.svg; test/architecture.test.ts enforces them. */
const root = resolve(import.meta.dirname, '../../..');

/** The layers of src, from the ground up. A file imports only from lower layers, or from its own part. */
export const layerOf: Record<string, number> = {
  kernel: 0,
  model: 1,
  ports: 2,
  flow: 3,
  load: 3,
  doors: 3,
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

/** The modules of src/flow, from the ground up. A file imports only from its own module and those before it. */
export const flowModules = [
  'journal',
  'people',
  'gates',
  'evidence',
  'pipeline',
  'records',
  'changes',
  'trace',
  'statistics',
  'fleet',
  'thread',
  'acts',
  'deliver',
  'origin',
  'pictures',
  'doors',
  'run',
];

/** The entry of each module: what others start or call, read first. Its first line says what belongs in the module. */
export const entries = [
  'src/flow/journal/feed.ts',
  'src/flow/people/authorise.ts',
  'src/flow/gates/ask.ts',
  'src/flow/gates/known/known.ts',
  'src/flow/gates/known/feeds/feeds.ts',
  'src/flow/evidence/gather.ts',
  'src/flow/pipeline/alert.ts',
  'src/flow/records/records.ts',
  'src/flow/changes/changes.ts',
  'src/flow/changes/glass/window.ts',
  'src/flow/changes/undo/undo.ts',
  'src/flow/trace/follow.ts',
  'src/flow/statistics/statistics.ts',
  'src/flow/fleet/duty.ts',
  'src/flow/thread/thread.ts',
  'src/flow/acts/act.ts',
  'src/flow/deliver/deliver.ts',
  'src/flow/origin/origin.ts',
  'src/flow/doors/doors.ts',
  'src/flow/run/run.ts',
  'src/flow/thread/cards/cards.ts',
  'src/flow/thread/draft/draft.ts',
  'src/flow/thread/beforehand/beforehand.ts',
  'src/model/gates/gate.ts',
  'src/model/gates/documents/documents.ts',
  'src/model/ledger/permit.ts',
  'src/model/expression/expression.ts',
  'src/model/search/parse.ts',
  'src/model/records/records.ts',
  'src/model/statistics/week.ts',
  'src/model/records/formats/formats.ts',
  'src/model/records/sigma/sigma.ts',
  'src/flow/pictures/pictures.ts',
  'src/kernel/chart/chart.ts',
  'src/kernel/prometheus/api.ts',
  'src/kernel/child/child.ts',
  'src/kernel/child/spawner/spawner.ts',
  'src/kernel/far/far.ts',
  'src/kernel/egress/egress.ts',
  'src/kernel/redact/redact.ts',
  'src/kernel/output/output.ts',
  'src/cli/doctor/doctor.ts',
];

/** A source file of ours. */
export interface SourceFile {
  /** From the root, with slashes. */
  path: string;
  text: string;
  /** What it imports: paths from the root, or the names of packages. Types count too. */
  imports: string[];
}

/** The TypeScript files below a folder of the project. */
export function readFiles(folder: string): SourceFile[] {
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

/** What the text imports when it stands at `path`: paths from the root, or names of packages. */
export function importsOf(text: string, path: string): string[] {
  const code = withoutComments(text);
  const names = importPatterns.flatMap(pattern => [...code.matchAll(pattern)].map(match => match[1] ?? ''));
  return [
    ...new Set(names.map(name => (name.startsWith('.') ? relative(root, resolve(root, dirname(path), name)) : name))),
  ];
}

/** Removes comments on lines of their own; the formatter puts almost all of them there. */
export function withoutComments(text: string): string {
  return text.replace(/^\s*\/\*[\s\S]*?\*\/\s*$/gm, '').replace(/^\s*\/\/.*$/gm, '');
}

/** `flow` for src/flow/pipeline/alert.ts, `app` for src/app.ts, `commands` for commands/run.ts. */
export function partOf(path: string): string {
  const [first = '', second = ''] = path.split('/');
  return first === 'src' ? second.replace(/\.ts$/, '') : first;
}

/** `thread` for src/flow/thread/cards/cards.ts; undefined for what stands in none of the modules. */
export function moduleOf(path: string): string | undefined {
  const [, part, module = '', ...rest] = path.split('/');
  return part === 'flow' && rest.length > 0 && flowModules.includes(module) ? module : undefined;
}
