import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { canonicalJson, sha256 } from '../kernel/canonical.ts';
import { TocsinError } from '../kernel/errors.ts';
import type { Plan } from '../model/plan.ts';
import { runbookId } from '../model/runbook-file.ts';
import type { Runbook } from '../ports/runbook.ts';
import { importDefault } from './import.ts';
import { compileTsRunbook } from './runbook-ts.ts';
import { compileYamlRunbook } from './runbook-yaml.ts';
import type { Shelf } from './steps-yaml.ts';
import { loadYaml } from './yaml.ts';

export interface SnapshotParts {
  data: string;
  steps: Shelf;
}

/** The size of the cache of compiled snapshots: a waiting run is woken many times with the same code. */
const mostKept = 50;

/**
 * Makes the loader of stored plans. It checks the bytes against the plan every time and rejects with `plan-changed` when they differ.
 * Compiled runbooks are cached (LRU).
 */
export function createSnapshots(parts: SnapshotParts) {
  const kept = new Map<string, Omit<Runbook, 'files'>>();
  return async (plan: Plan, files: ReadonlyMap<string, Uint8Array>): Promise<Runbook> => {
    const checked = checkFiles(plan, files);
    const key = canonicalJson([plan.entry, plan.files]);
    const known = kept.get(key) ?? (await loadEntry(plan, checked, parts));
    kept.delete(key);
    kept.set(key, known);
    for (const oldest of kept.keys()) if (kept.size > mostKept) kept.delete(oldest);
    return { ...known, files: checked };
  };
}

async function loadEntry(
  plan: Plan,
  checked: ReadonlyMap<string, Uint8Array>,
  parts: SnapshotParts,
): Promise<Omit<Runbook, 'files'>> {
  const id = plan.entry.replace(/\.(yaml|ts)$/, '');
  const entry = checked.get(plan.entry);
  if (!runbookId.test(id) || entry === undefined) throw broken(plan, 'its entry is not among its files');
  const { draft, faults } = plan.entry.endsWith('.yaml')
    ? compileStored(id, plan, entry, parts.steps)
    : await importStored(id, plan, checked, parts.data);
  if (draft === null) throw broken(plan, faults[0] ?? 'it does not load');
  return draft.runbook;
}

function broken(plan: Plan, why: string): TocsinError {
  return new TocsinError('plan-changed', { message: `The stored snapshot of ${plan.runbook} cannot run: ${why}.` });
}

function checkFiles(plan: Plan, files: ReadonlyMap<string, Uint8Array>): Map<string, Uint8Array> {
  const checked = new Map<string, Uint8Array>();
  for (const [path, digest] of Object.entries(plan.files)) {
    const bytes = files.get(path);
    if (bytes === undefined) throw broken(plan, `${path} is missing`);
    if (sha256(bytes) !== digest) throw broken(plan, `${path} is not what was approved`);
    if (!isPlain(path)) throw broken(plan, `${path} is not a path inside it`);
    checked.set(path, bytes);
  }
  return checked;
}

function isPlain(path: string): boolean {
  const parts = path.split('/');
  return (
    !path.includes('\0') && !path.includes('\\') && parts.every(part => part !== '' && part !== '.' && part !== '..')
  );
}

function compileStored(id: string, plan: Plan, bytes: Uint8Array, steps: Shelf) {
  const loaded = loadYaml(plan.entry, bytes, true);
  if (!loaded.ok) return { draft: null, faults: loaded.problems.map(problem => problem.message) };
  const { draft, faults } = compileYamlRunbook(id, loaded.yaml, bytes, steps);
  return { draft, faults: faults.list.map(problem => problem.message) };
}

async function importStored(id: string, plan: Plan, files: ReadonlyMap<string, Uint8Array>, data: string) {
  const folder = await storeFiles(plan, files, data);
  const exported = await importDefault(pathToFileURL(join(folder, plan.entry)).href);
  const { draft, faults } = compileTsRunbook(id, plan.entry, plan.entry, files, exported);
  return { draft, faults: faults.list.map(problem => problem.message) };
}

/** Writes the files below `<data>/snapshots/<digest>`, readable by this user only. Existing files are compared, not trusted. */
async function storeFiles(plan: Plan, files: ReadonlyMap<string, Uint8Array>, data: string): Promise<string> {
  const root = resolve(data, 'snapshots');
  const folder = join(root, sha256(canonicalJson(plan.files)));
  if (await isStored(folder, files)) return folder;
  const fresh = `${folder}.${randomUUID()}`;
  for (const [path, bytes] of files) {
    const file = join(fresh, path);
    if (!file.startsWith(fresh + sep)) throw broken(plan, `${path} is not a path inside it`);
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, bytes, { mode: 0o600 });
  }
  await writeFile(join(fresh, 'package.json'), '{ "type": "module" }\n', { mode: 0o600 });
  await rm(folder, { recursive: true, force: true });
  await rename(fresh, folder).catch(async error => {
    await rm(fresh, { recursive: true, force: true });
    if (!(await isStored(folder, files))) throw error;
  });
  return folder;
}

async function isStored(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<boolean> {
  for (const [path, bytes] of files) {
    const stored = await readFile(join(folder, path)).catch(() => null);
    if (stored === null || sha256(stored) !== sha256(bytes)) return false;
  }
  return true;
}
