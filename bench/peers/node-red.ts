import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findPackage, type OpenPeer, startPeer } from './peer.ts';

/** Node-RED with the flow http in, exec, http response. It answers when the program has ended. */
export const openNodeRed: OpenPeer = async (folder, command, port) => {
  const found = findPackage('node-red');
  if (found === null) return null;
  const settings = join(folder, 'settings.js');
  await writeFile(
    settings,
    `module.exports = {
  uiHost: '127.0.0.1', uiPort: ${port}, userDir: ${JSON.stringify(folder)}, flowFile: 'flows.json',
  disableEditor: true, credentialSecret: false, logging: { console: { level: 'error' } },
  telemetry: { enabled: false, updateNotification: false },
};
`,
  );
  const place = { x: 0, y: 0, z: 'tab' };
  const flow = [
    { id: 'tab', type: 'tab', label: 'Job' },
    { ...place, id: 'in', type: 'http in', url: '/job', method: 'post', wires: [['run']] },
    // Node-RED gives the command to a shell by itself. The third output tells the end.
    {
      ...place,
      id: 'run',
      type: 'exec',
      command,
      addpay: '',
      append: '',
      useSpawn: 'false',
      timer: '',
      oldrc: false,
      wires: [[], [], ['out']],
    },
    { ...place, id: 'out', type: 'http response', statusCode: '200', headers: {}, wires: [] },
  ];
  await writeFile(join(folder, 'flows.json'), JSON.stringify(flow));
  const argv = [process.execPath, join(found.folder, 'red.js'), '--settings', settings];
  const close = await startPeer(argv, { cwd: folder, port });
  return { name: 'Node-RED', version: found.version, send: { port, path: '/job', headers: {}, status: 200 }, close };
};
