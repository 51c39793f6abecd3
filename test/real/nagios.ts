import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Program, startProgram } from '../e2e/programs.ts';
import { writeFiles } from '../e2e/real.ts';
import { ownNames, programPath } from './programs.ts';
import { whenReady } from './ready.ts';

/** Debian's own configuration. */
export const shippedNagios = '/etc/nagios4/nagios.cfg';

/** A real Nagios whose intervals are in seconds, and all of whose files are in a folder of its own. */
export interface RealNagios {
  program: Program;
  /** Writes a line into the external command file. */
  command(...words: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/** `objects` are files of object definitions. `settings` are added to the main configuration. Resolves once it takes commands. */
export async function startNagios(
  folder: string,
  objects: Record<string, string>,
  settings: Record<string, string> = {},
): Promise<RealNagios> {
  const at = (name: string) => join(folder, name);
  const own = ownNames();
  const shipped = await readFile(shippedNagios, 'utf8');
  const main = {
    log_file: at('nagios.log'),
    cfg_dir: at('objects'),
    object_cache_file: at('objects.cache'),
    status_file: at('status.dat'),
    temp_file: at('nagios.tmp'),
    temp_path: folder,
    check_result_path: at('results'),
    lock_file: at('nagios.pid'),
    command_file: at('nagios.cmd'),
    query_socket: at('nagios.qh'),
    nagios_user: own.user,
    nagios_group: own.group,
    check_external_commands: '1',
    check_for_updates: '0',
    use_syslog: '0',
    retain_state_information: '0',
    enable_flap_detection: '0',
    interval_length: '1',
    service_inter_check_delay_method: 'n',
    host_inter_check_delay_method: 'n',
    max_host_check_spread: '1',
    max_service_check_spread: '1',
    cached_host_check_horizon: '0',
    check_result_reaper_frequency: '1',
    illegal_macro_output_chars: /^illegal_macro_output_chars=(.*)$/m.exec(shipped)?.[1] ?? '',
    illegal_object_name_chars: /^illegal_object_name_chars=(.*)$/m.exec(shipped)?.[1] ?? '',
    ...settings,
  };
  await writeFiles(folder, {
    'nagios.cfg': Object.entries(main)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
    'results/.keep': '',
    ...Object.fromEntries(Object.entries(objects).map(([name, text]) => [`objects/${name}`, text])),
  });
  const program = startProgram(programPath('nagios4'), [at('nagios.cfg')], {
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
    cwd: folder,
  });
  await whenReady(program, /Successfully launched command file worker/);
  return {
    program,
    command: (...words) => writeFile(at('nagios.cmd'), `[${Math.floor(Date.now() / 1000)}] ${words.join(';')}\n`),
    stop: async () => void (await program.stop()),
  };
}
