import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { isBuilt, packageRoot } from '../kernel/here.ts';
import type { Terminal } from './terminal.ts';

/**
 * Compiles the helper that starts the programs of steps, as scripts/start.sh does it in a checkout; an installed package has no other
 * moment for it, since it runs nothing when it is installed. Where it cannot be made, steps run all the same.
 */
export async function makeHelper({ env, signal }: Terminal): Promise<void> {
  if (!isBuilt) return;
  const path = env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin';
  const script = join(packageRoot, 'scripts/spawner.sh');
  const child = spawn('sh', [script], { env: { PATH: path }, stdio: 'ignore', signal });
  await once(child, 'close').catch(() => {});
}
