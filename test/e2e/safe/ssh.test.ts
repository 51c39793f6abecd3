import { spawnSync } from 'node:child_process';
import { appendFile, chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { isAlive } from '../../real/alive.ts';
import { findProgram, programPath } from '../../real/programs.ts';
import { startProxy } from '../../real/proxy.ts';
import { type RealSshd, startSshd } from '../../real/sshd.ts';
import { eventually } from '../programs.ts';
import { form, runStep, shown, swap, without, words } from './page.ts';
import { outlives, silent } from './waiting.ts';

const programs = ['sshd', 'ssh'];
let sshd: RealSshd;
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-safe-'));
  if (programs.every(name => findProgram(name) !== null)) sshd = await startSshd();
});
afterAll(async () => {
  await sshd?.stop();
  await rm(folder, { recursive: true, force: true });
});

const look = () => shown('space', { host: 'web-1' });
const path = () => ({ path: [sshd.bin] });
/** What runs there in place of `df`. */
const runs = (...command: string[]) => words(look(), ['df', '-h'], command);

/** The process that a command there writes into this file as its id, once it has begun. */
const begun = (file: string) =>
  eventually('the command there has begun', async () => Number(await readFile(file, 'utf8')) || null);
const gone = (pid: number) => eventually('it is gone', async () => (isAlive(pid) ? null : true), 30_000);

form('ssh', '-o BatchMode=yes', programs, async () => {
  expect(await runStep(look(), path())).toMatchObject({ state: 'done', stdout: expect.stringContaining('Use%') });
  // A key that the server takes, and that nothing but its passphrase opens.
  const key = join(folder, 'locked');
  spawnSync(programPath('ssh-keygen'), ['-q', '-t', 'ed25519', '-N', 'a passphrase', '-f', key]);
  await appendFile(join(sshd.folder, 'user.pub'), await readFile(`${key}.pub`));
  const config = join(folder, 'config');
  await writeFile(config, (await readFile(sshd.config, 'utf8')).replace(join(sshd.folder, 'user'), key));
  const asked = join(folder, 'asked');
  const askpass = join(folder, 'askpass');
  await writeFile(askpass, `#!/bin/sh\ntouch ${asked}\n`);
  await chmod(askpass, 0o755);
  const around = { ...path(), env: { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' } };
  const locked = words(look(), ['ssh'], ['ssh', '-F', config]);

  expect(await runStep(locked, around)).toMatchObject({ state: 'failed', exitCode: 255 });
  await expect(readFile(asked)).rejects.toThrow('ENOENT');
  await runStep(words(locked, ['-o', 'BatchMode=yes']), around);
  expect(await readFile(asked, 'utf8')).toBe('');
});

form('ssh', '-o ConnectTimeout=10', programs, async () => {
  const server = await silent();
  const there = words(look(), ['web-1'], ['-p', `${server.port}`, 'web-1']);
  const safe = swap(there, 'ConnectTimeout=10', 'ConnectTimeout=1');
  const ran = await outlives(safe, words(there, ['-o', 'ConnectTimeout=10']), path());
  server.close();
  expect(ran).toMatchObject({ state: 'failed', exitCode: 255, stderr: expect.stringContaining('timed out') });
});

form('ssh', '-o ServerAliveInterval=15', programs, async () => {
  const network = await startProxy({ port: sshd.port });
  const file = (name: string) => join(folder, name);
  const through = (name: string) =>
    swap(
      words(
        words(
          look(),
          ['web-1'],
          [
            '-p',
            `${network.port}`,
            '-o',
            `HostKeyAlias=[127.0.0.1]:${sshd.port}`,
            '-o',
            'ServerAliveCountMax=1',
            'web-1',
          ],
        ),
        ['df', '-h'],
        ['echo', '$$', '>', file(name), ';', 'exec', 'sleep', '600'],
      ),
      'ServerAliveInterval=15',
      'ServerAliveInterval=1',
    );
  const pids: number[] = [];
  const ran = await outlives(
    through('with'),
    words(through('plain'), ['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=10', '-o', 'ServerAliveInterval=1']),
    path(),
    async () => {
      for (const name of ['with', 'plain']) pids.push(await begun(file(name)));
      network.hold('both');
    },
  );
  await network.close();
  for (const pid of pids) await endThere(pid);
  expect(ran).toMatchObject({ state: 'failed', exitCode: 255, stderr: expect.stringContaining('not responding') });
});

/** Ends a command that was left there, which on this machine is a process like any other. */
async function endThere(pid: number): Promise<void> {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {}
  await gone(pid);
}

form('ssh', 'timeout 60', programs, async () => {
  const start = async (name: string, change: (step: ReturnType<typeof look>) => ReturnType<typeof look>) => {
    const cancel = new AbortController();
    const file = join(folder, name);
    const step = change(runs('sh', '-c', `'echo $$ > ${file}; exec sleep 600'`));
    const running = runStep(step, { ...path(), signal: cancel.signal });
    const pid = await begun(file);
    cancel.abort();
    expect(await running).toMatchObject({ state: 'failed' });
    return pid;
  };
  const left = await start('left', step => words(step, ['timeout', '60']));
  const bounded = await start('bounded', step => words(step, ['timeout', '60'], ['timeout', '3']));
  await gone(bounded);
  expect(isAlive(left), 'the one without a bound of its own goes on').toBe(true);
  await endThere(left);
});

form('ssh', 'stdin', programs, async () => {
  const mark = join(folder, 'mark');
  const value = `/tmp; touch ${mark}`;
  const safe = shown('size', { host: 'web-1', folder: value });
  expect(await runStep(safe, path())).toMatchObject({ state: 'failed', stderr: expect.stringContaining(`'${value}'`) });
  await expect(readFile(mark)).rejects.toThrow('ENOENT');
  const spliced = words(without(safe, 'stdin'), ['xargs', '-0', 'du', '-sh', '--'], ['du', '-sh', '--', value]);
  await runStep(spliced, path());
  expect(await readFile(mark, 'utf8')).toBe('');
  expect(await runStep(shown('size', { host: 'web-1', folder }), path())).toMatchObject({ state: 'done' });
});

form('ssh', '-tt', programs, async () => {
  const tt = (...command: string[]) => words(runs(...command), ['web-1'], ['-tt', 'web-1']);
  const both = ['echo', 'out;', 'echo', 'err', '>&2'];
  expect(await runStep(runs(...both), path())).toMatchObject({ stdout: 'out\n', stderr: 'err\n' });
  expect((await runStep(tt(...both), path())).stdout).toBe('out\nerr\n');

  const cancel = new AbortController();
  const file = join(folder, 'tt');
  let over = false;
  const reading = runStep(tt('sh', '-c', `'echo $$ > ${file}; cat; echo over'`), { ...path(), signal: cancel.signal });
  reading.then(() => {
    over = true;
  });
  const pid = await begun(file);
  expect(await runStep(runs('sh', '-c', "'cat; echo over'"), path())).toMatchObject({ stdout: 'over\n' });
  expect(over, 'what reads there is still reading').toBe(false);
  cancel.abort();
  await reading;
  await gone(pid);
});

form('ssh', '255', programs, async () => {
  expect(await runStep(runs('kill', '-KILL', '$$'), path())).toMatchObject({ exitCode: 255, stderr: '' });
  const nobody = words(look(), ['web-1'], ['-p', '1', 'web-1']);
  expect(await runStep(nobody, path())).toMatchObject({ exitCode: 255, stderr: expect.stringContaining('refused') });
});
