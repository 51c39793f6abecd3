import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { findPackage, type OpenPeer, startPeer } from './peer.ts';

/** Hubot with a script at its HTTP router. It answers when the program has ended. */
export const openHubot: OpenPeer = async (folder, command, port) => {
  const found = findPackage('hubot');
  if (found === null) return null;
  await mkdir(join(folder, 'scripts'), { recursive: true });
  // Its own adapter reads the terminal and ends with it.
  const adapter = join(folder, 'adapter.mjs');
  await writeFile(
    adapter,
    `import { Adapter } from ${JSON.stringify(pathToFileURL(join(found.folder, 'index.mjs')).href)};
class Silent extends Adapter {
  async run() { this.emit('connected'); }
  close() {}
}
export default { use: robot => new Silent(robot) };
`,
  );
  await writeFile(
    join(folder, 'scripts', 'job.mjs'),
    `import { execFile } from 'node:child_process';
export default robot => robot.router.post('/job', (request, response) => {
  execFile('/bin/sh', ['-c', ${JSON.stringify(command)}], error => response.status(error ? 500 : 200).end());
});
`,
  );
  const argv = [process.execPath, join(found.folder, 'bin', 'Hubot.mjs'), '--file', adapter];
  const env = { EXPRESS_PORT: `${port}`, EXPRESS_BIND_ADDRESS: '127.0.0.1', HUBOT_LOG_LEVEL: 'error' };
  const close = await startPeer(argv, { cwd: folder, port, env });
  return { name: 'Hubot', version: found.version, send: { port, path: '/job', headers: {}, status: 200 }, close };
};
