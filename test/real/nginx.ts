import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, type Program, startProgram } from '../e2e/programs.ts';
import { programPath } from './programs.ts';

/** A real nginx, all of whose files are in a folder of its own. */
export interface RealNginx {
  folder: string;
  /** Its master process. */
  program: Program;
  stop(): Promise<void>;
}

/**
 * `site` is what stands inside of `http { }`, as a file of /etc/nginx/conf.d does; it listens on `port` of 127.0.0.1. Rejects with what
 * nginx printed when it does not take it.
 */
export async function startNginx(site: string, port: number): Promise<RealNginx> {
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-nginx-'));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const main = [
    ...(process.getuid?.() === 0 ? ['user root;'] : []),
    'daemon off;',
    'worker_processes 1;',
    `pid ${join(folder, 'pid')};`,
    'error_log stderr notice;',
    'events { worker_connections 512; }',
    'http {',
    `  access_log ${join(folder, 'access')};`,
    ...temporary.map(name => `  ${name}_temp_path ${join(folder, name)};`),
    `  include ${join(folder, 'site')};`,
    '}',
  ];
  await writeFile(join(folder, 'site'), site);
  await writeFile(join(folder, 'nginx.conf'), `${main.join('\n')}\n`);
  const program = startProgram(programPath('nginx'), ['-p', folder, '-e', 'stderr', '-c', join(folder, 'nginx.conf')], {
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
    cwd: folder,
  });
  await whenListening(port, program);
  return {
    folder,
    program,
    async stop() {
      await program.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Resolves when somebody listens on the port of 127.0.0.1; rejects with what the program printed when it ends before. */
export async function whenListening(port: number, program: Program): Promise<void> {
  const connects = () =>
    new Promise<true | null>(resolve => {
      const socket = createConnection(port, '127.0.0.1');
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(null));
      socket.once('connect', () => socket.destroy());
    });
  await Promise.race([
    eventually(`port ${port} takes connections`, connects),
    program.ended.then(code => Promise.reject(new Error(`it ended with ${code}:\n${program.output()}`))),
  ]);
}
