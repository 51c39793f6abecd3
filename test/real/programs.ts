import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where a program is; null when it is not here. Servers are in /usr/sbin, which is not in everybody's PATH. */
export function findProgram(name: string): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.map(folder => join(folder, name)).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Where a program is. Throws when it is not here. */
export function programPath(name: string): string {
  const path = findProgram(name);
  if (path === null) throw new Error(`${name} is not installed; run scripts/setup-test.sh as root`);
  return path;
}

/** Null when all of these are here, else which are not, which is printed. With CI=true it is a failure. */
export function missingPrograms(...names: readonly string[]): string | null {
  const missing = names.filter(name => findProgram(name) === null);
  if (missing.length === 0) return null;
  const reason = `tests did not run: ${missing.join(', ')} not installed; run scripts/setup-test.sh as root`;
  if (process.env['CI'] === 'true') throw new Error(reason);
  console.warn(reason);
  return reason;
}
