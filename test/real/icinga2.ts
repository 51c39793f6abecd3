import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Program, startProgram } from '../e2e/programs.ts';
import { writeFiles } from '../e2e/real.ts';
import { ownNames, programPath } from './programs.ts';
import { whenReady } from './ready.ts';

/** A real Icinga 2, without its API unless `objects` have it, all of whose files are in a folder of its own. */
export interface RealIcinga2 {
  program: Program;
  /** Writes a line into the external command file. */
  command(...words: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

const main = `
include <itl>
object Endpoint NodeName { }
object Zone ZoneName { endpoints = [ NodeName ] }
object CheckerComponent "checker" { }
object NotificationComponent "notification" { }
object ExternalCommandListener "command" { command_path = CommandPath }
include "conf.d/*.conf"
`;

/** The arguments of `icinga2 daemon` with this file, that let it write into the folder alone and be the user that it is. */
export function icinga2Arguments(folder: string, config: string): string[] {
  const { user, group } = ownNames();
  const places = ['DataDir', 'LogDir', 'CacheDir', 'SpoolDir', 'InitRunDir'];
  const constants = {
    RunAsUser: user,
    RunAsGroup: group,
    NodeName: 'node',
    ZoneName: 'node',
    CommandPath: join(folder, 'icinga2.cmd'),
    ...Object.fromEntries(places.map(name => [name, join(folder, name)])),
  };
  return ['daemon', '-c', config, ...Object.entries(constants).flatMap(([name, value]) => ['-D', `${name}=${value}`])];
}

/** Its folders have to be there, each with a file so that it is. */
export const icinga2Folders = Object.fromEntries(
  ['DataDir', 'LogDir', 'CacheDir', 'SpoolDir', 'InitRunDir'].map(name => [`${name}/.keep`, '']),
);

/** Makes key and certificate of the node `node`, which is its own authority, in the folder `certs` of its data. Resolves to the certificate. */
export async function makeIcingaCertificate(folder: string): Promise<string> {
  const [key, certificate] = [join(folder, 'node.key'), join(folder, 'node.crt')];
  const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const names = ['-subj', '/CN=node', '-addext', 'subjectAltName=DNS:node,IP:127.0.0.1'];
  const made = spawnSync(programPath('openssl'), [...words, ...names, '-keyout', key, '-out', certificate]);
  if (made.status !== 0) throw new Error(`openssl: ${made.stderr}`);
  const ca = await readFile(certificate, 'utf8');
  await writeFile(join(folder, 'ca.crt'), ca);
  return ca;
}

/** `objects` are files of its language. Resolves once it checks. */
export async function startIcinga2(folder: string, objects: Record<string, string>): Promise<RealIcinga2> {
  await writeFiles(folder, {
    'icinga2.conf': main,
    ...icinga2Folders,
    ...Object.fromEntries(Object.entries(objects).map(([name, text]) => [`conf.d/${name}`, text])),
  });
  const program = startProgram(programPath('icinga2'), icinga2Arguments(folder, join(folder, 'icinga2.conf')), {
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
    cwd: folder,
  });
  await whenReady(program, /Activated all objects/);
  return {
    program,
    command: (...words) =>
      writeFile(join(folder, 'icinga2.cmd'), `[${Math.floor(Date.now() / 1000)}] ${words.join(';')}\n`),
    stop: async () => void (await program.stop()),
  };
}
