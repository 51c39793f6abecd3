import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { freePort } from '../../real/free-port.ts';
import { startNginx } from '../../real/nginx.ts';
import { form, runStep, type ShownStep, shown, swap, without, words } from './page.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-safe-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A machine without systemd, which a machine with it becomes in a mount namespace that hides its folder. */
const noSystemd = existsSync('/run/systemd/system')
  ? ['unshare', '-rm', 'sh', '-c', 'mount -t tmpfs none /run && exec "$@"', 'sh']
  : [];

form('systemctl and journalctl', 'okExit: [0, 3]', ['systemctl'], async () => {
  const step = words(shown('active', { service: 'nginx' }), ['systemctl'], [...noSystemd, 'systemctl']);
  expect(await runStep(step)).toMatchObject({ state: 'failed', exitCode: 1, stdout: '' });
  const { okExit, ...rest } = step.exec as { okExit: number[] };
  expect(okExit).toEqual([0, 3]);
  expect(await runStep({ exec: { ...rest, okExit: [0, 1, 3] } })).toMatchObject({ state: 'done', stdout: '' });
});

form('systemctl and journalctl', 'grep .', ['journalctl'], async () => {
  const step = swap(shown('log'), 'journalctl', `journalctl -D ${folder}`);
  expect(await runStep(step)).toMatchObject({ state: 'failed', exitCode: 1, stdout: '' });
  expect(await runStep(swap(step, ' | grep .', ''))).toMatchObject({ state: 'done', stdout: '' });
});

/** In a mount namespace with a file system of the name "a b" on a folder of the name "c d". */
async function onOddMount(command: string): Promise<{ status: number | null; stdout: string }> {
  const odd = join(folder, 'c d');
  await mkdir(odd, { recursive: true });
  const code = `mount -t tmpfs -o size=16m 'a b' '${odd}' && ${command}`;
  const { status, stdout, stderr } = spawnSync('unshare', ['-rm', 'sh', '-ec', code], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], PARAM_FOLDER: odd, LC_ALL: 'C.UTF-8' },
  });
  if (status !== 0) throw new Error(stderr);
  return { status, stdout };
}
/** The code or the argv of a step for a shell. */
function typed(step: ShownStep): string {
  if (typeof step.script === 'string') return step.script;
  const argv = Array.isArray(step.exec) ? step.exec : (step.exec as { argv: string[] }).argv;
  return argv.map(word => `'${word}'`).join(' ');
}

form('df and findmnt', '--output=pcent', ['unshare', 'findmnt'], async () => {
  const step = shown('full');
  expect(await runStep(step, { params: { folder: '/' } })).toMatchObject({
    state: 'done',
    stdout: expect.stringMatching(/^ *\d+%\n$/),
  });
  expect((await onOddMount(typed(step))).stdout).toMatch(/^ *\d+%\n$/);
  const columns = swap(swap(step, '--output=pcent', '-P'), 'tail -n 1', "awk 'NR == 2 { print $5 }'");
  expect(await runStep(columns, { params: { folder: '/' } })).toMatchObject({
    stdout: expect.stringMatching(/^\d+%\n$/),
  });
  expect((await onOddMount(typed(columns))).stdout).toMatch(/^\d+\n$/);
});

form('df and findmnt', 'findmnt -rn', ['unshare', 'findmnt'], async () => {
  const step = shown('mounts');
  expect(await runStep(step)).toMatchObject({ state: 'done', stdout: expect.stringMatching(/^\/\S* \d+%$/m) });
  const line = async (one: ShownStep) =>
    (await onOddMount(typed(one))).stdout.split('\n').find(text => /c(\\x20| )d/.test(text)) ?? '';
  expect((await line(step)).split(' ')).toEqual([`${folder}/c\\x20d`, '0%']);
  expect((await line(words(step, ['-rn'], ['-n']))).trim().split(/ +/).length).toBeGreaterThan(2);
});

form('pgrep, lsof and fuser', 'okExit: [0, 1]', ['pgrep', 'nginx'], async () => {
  const step = swap(shown('workers'), 'nginx', 'nginx-is-not');
  expect(await runStep(step)).toMatchObject({ state: 'done', exitCode: 1, stdout: '' });
  expect(await runStep(without(step, 'okExit'))).toMatchObject({ state: 'failed', exitCode: 1 });
  expect(await runStep(words(step, ['-x'], ['-Z']))).toMatchObject({ state: 'failed', exitCode: 2 });
});

form('pgrep, lsof and fuser', 'pgrep -x', ['pgrep', 'nginx'], async () => {
  const script = (flag: string, name: string) => ({ script: { run: `pgrep ${flag} ${name}; true` } });
  expect((shown('workers').exec as { argv: string[] }).argv.slice(0, 2)).toEqual(['pgrep', '-x']);
  expect(await runStep(script('-x', 'no-such-thing'))).toMatchObject({ stdout: '' });
  expect(await runStep(script('-f', 'no-such-thing'))).toMatchObject({ stdout: expect.stringMatching(/^\d+\n/) });
  const port = await freePort();
  const nginx = await startNginx(`server { listen 127.0.0.1:${port}; }\n`, port);
  const ran = await runStep(shown('workers'));
  await nginx.stop();
  expect(ran.stdout.split('\n')).toContain(`${nginx.program.pid}`);
});

/** The number of a process that is not there: beyond the highest that Linux gives. */
const nobody = `${2 ** 22 + 1}`;

form('pgrep, lsof and fuser', 'lsof -p', ['lsof'], async () => {
  const lsof = (...args: string[]) => runStep({ exec: { argv: ['lsof', ...args], okExit: [0, 1] } });
  expect(await lsof('-p', `${process.pid}`)).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('node') });
  expect(await lsof('-p', nobody)).toMatchObject({ exitCode: 1, stdout: '' });
  expect(await lsof('--wrong')).toMatchObject({ exitCode: 1, stdout: '' });
});

form('pgrep, lsof and fuser', 'fuser', ['fuser'], async () => {
  const fuser = (...args: string[]) => runStep({ exec: { argv: ['fuser', ...args], okExit: [0, 1] } });
  expect(await fuser(folder)).toMatchObject({ exitCode: 1, stdout: '' });
  expect(await fuser(join(folder, 'missing'))).toMatchObject({ exitCode: 1, stdout: '' });
});
