import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Program, startProgram } from '../e2e/programs.ts';
import { whenListening } from './nginx.ts';
import { programPath } from './programs.ts';

/** A real HAProxy, all of whose files are in a folder of its own. */
export interface RealHaproxy {
  folder: string;
  program: Program;
  stop(): Promise<void>;
}

/** What Debian's own file sets for every proxy: `mode http` and time-outs of 50 s. Its error pages and its logs are left out. */
function debianDefaults(): string {
  const path = '/etc/haproxy/haproxy.cfg';
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const part = /^defaults\n((?:[ \t]+.*\n|\n)*)/m.exec(text)?.[1];
  if (part === undefined)
    return 'defaults\n  mode http\n  timeout connect 5000\n  timeout client 50000\n  timeout server 50000\n';
  const kept = part.split('\n').filter(line => !/^\s*(errorfile|log)\b/.test(line));
  return `defaults\n${kept.join('\n')}\n`;
}

/**
 * `sections` (frontends, backends) come behind the defaults of Debian's file; one listens on `port` of 127.0.0.1. Rejects with what
 * HAProxy printed when it does not take them.
 */
export async function startHaproxy(sections: string, port: number): Promise<RealHaproxy> {
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-haproxy-'));
  await writeFile(join(folder, 'haproxy.cfg'), `global\n  maxconn 512\n${debianDefaults()}\n${sections}`);
  const program = startProgram(programPath('haproxy'), ['-db', '-f', join(folder, 'haproxy.cfg')], {
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
