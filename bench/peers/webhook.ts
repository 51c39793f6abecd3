import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type OpenPeer, startPeer } from './peer.ts';

/** Debian's `webhook`. It answers when it has started the program. */
export const openWebhook: OpenPeer = async (folder, command, port) => {
  const found = spawnSync('webhook', ['-version'], { encoding: 'utf8' });
  if (found.status !== 0) return null;
  const hooks = join(folder, 'hooks.json');
  const hook = {
    id: 'job',
    'execute-command': '/bin/sh',
    'pass-arguments-to-command': [
      { source: 'string', name: '-c' },
      { source: 'string', name: command },
    ],
  };
  await writeFile(hooks, JSON.stringify([hook]));
  const close = await startPeer(['webhook', '-hooks', hooks, '-ip', '127.0.0.1', '-port', `${port}`], {
    cwd: folder,
    port,
  });
  const version = /\d[\d.]*/.exec(found.stdout)?.[0] ?? 'unknown';
  return { name: 'webhook', version, send: { port, path: '/hooks/job', headers: {}, status: 200 }, close };
};
