import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** Where the packages of the lock are from. */
const registry = 'https://registry.npmjs.org';

interface Locked {
  name?: string;
  version: string;
  integrity?: string;
  dev?: boolean;
  link?: boolean;
}

/**
 * A registry of npm that knows what package-lock.json names, and nothing else. It gives the facts of the lock; the files come from npm's
 * cache by their digest, where `npm ci` of this checkout put them, and else from the public registry.
 */
export async function startRegistry(root: string): Promise<{ url: string; close(): Promise<void> }> {
  const packages = readLock(root);
  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? '').split('?')[0] ?? '').slice(1);
    const document = packages.get(path);
    if (path.includes('/-/')) {
      response.writeHead(302, { location: `${registry}/${path}` }).end();
    } else if (document === undefined) response.writeHead(404).end('{}');
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

/** What npm asks a registry for, by the name of the package. */
function readLock(root: string) {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const packages = new Map<string, { name: string; 'dist-tags': { latest: string }; versions: object }>();
  for (const [path, entry] of Object.entries<Locked>(lock.packages)) {
    if (path === '' || entry.link === true || entry.dev === true) continue;
    const { integrity, ...facts } = entry;
    const name = entry.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const tarball = `${registry}/${name}/-/${name.replace(/^.*\//, '')}-${entry.version}.tgz`;
    const version = { ...facts, name, dist: { tarball, integrity } };
    const known = packages.get(name);
    const versions = { ...known?.versions, [entry.version]: version };
    packages.set(name, { name, 'dist-tags': { latest: entry.version }, versions });
  }
  return packages;
}
