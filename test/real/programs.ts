import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { userInfo } from 'node:os';
import { delimiter, join } from 'node:path';

/** Where a program is, by its name or its path; null when it is not here. Servers are in /usr/sbin, which is not in everybody's PATH. */
export function findProgram(name: string): string | null {
  if (name.includes('/')) return isExecutable(name) ? name : null;
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

/** The names of the user and the group that this process is of, which a program that would change to its own is told to stay. */
export function ownNames(): { user: string; group: string } {
  const { stdout } = spawnSync('id', ['-gn'], { encoding: 'utf8' });
  return { user: userInfo().username, group: stdout.trim() };
}
