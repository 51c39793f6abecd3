import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { type Program, startProgram } from '../e2e/programs.ts';
import { freePort } from './free-port.ts';
import { programPath } from './programs.ts';

/** A real sshd on a free port of 127.0.0.1, with keys of its own, that takes the user of the test. */
export interface RealSshd {
  port: number;
  folder: string;
  program: Program;
  /**
   * The argv of a client that knows key and host; a host name and the command follow. Every name leads to this server. Options come
   * before the name: `[...sshd.ssh, '-tt', 'web-1', '--', 'uptime']`.
   */
  ssh: string[];
  /** The configuration of that client: for `ssh -F`, and for `ansible_ssh_common_args`. */
  config: string;
  /** A folder with an `ssh` for the front of PATH that is the real one with that configuration, so that a command runs as a page shows it. */
  bin: string;
  /** Ends the server. A session lives as long as its client; what a client left running is the test's to end. */
  stop(): Promise<void>;
}

/** `more` is added to the configuration of the client, `settings` to that of the server; each a line of its own. */
export async function startSshd(more: readonly string[] = [], settings: readonly string[] = []): Promise<RealSshd> {
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-sshd-'));
  const port = await freePort();
  for (const name of ['host', 'user']) {
    const made = spawnSync(programPath('ssh-keygen'), ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
    if (made.status !== 0) throw new Error(`ssh-keygen: ${made.stderr}`);
  }
  // Root's sshd wants this folder of Debian's, which the service makes when it starts.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const server = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${join(folder, 'host')}`,
    `AuthorizedKeysFile ${join(folder, 'user.pub')}`,
    'PidFile none',
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'PermitUserEnvironment no',
    'MaxStartups 100',
    'Subsystem sftp internal-sftp',
    ...settings,
  ];
  const known = await readFile(join(folder, 'host.pub'), 'utf8');
  const client = [
    'Host *',
    '  HostName 127.0.0.1',
    `  Port ${port}`,
    `  User ${userInfo().username}`,
    `  IdentityFile ${join(folder, 'user')}`,
    '  IdentitiesOnly yes',
    '  IdentityAgent none',
    '  StrictHostKeyChecking yes',
    `  UserKnownHostsFile ${join(folder, 'known_hosts')}`,
    '  GlobalKnownHostsFile /dev/null',
    ...more.map(line => `  ${line}`),
  ];
  const config = join(folder, 'ssh_config');
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await writeFile(join(folder, 'sshd_config'), `${server.join('\n')}\n`);
  await writeFile(join(folder, 'known_hosts'), `[127.0.0.1]:${port} ${known}`);
  await writeFile(config, `${client.join('\n')}\n`);
  await writeFile(join(bin, 'ssh'), `#!/bin/sh\nexec ${programPath('ssh')} -F ${config} "$@"\n`);
  await chmod(join(bin, 'ssh'), 0o755);
  const program = startProgram(programPath('sshd'), ['-D', '-e', '-f', join(folder, 'sshd_config')], {
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
    cwd: folder,
  });
  await program.says(/Server listening on 127\.0\.0\.1 port/);
  return {
    port,
    folder,
    program,
    ssh: [programPath('ssh'), '-F', config],
    config,
    bin,
    async stop() {
      await program.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
