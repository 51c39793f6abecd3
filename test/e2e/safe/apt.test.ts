import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { programPath } from '../../real/programs.ts';
import { startProgram } from '../programs.ts';
import { form, runStep, type ShownStep, shown, words } from './page.ts';

/** apt and dpkg with a root, lists, locks and a mirror of their own, so that nothing of this machine changes. */
const programs = ['apt-get', 'dpkg', 'dpkg-deb', 'fakeroot'];
let folder = '';
const root = (...path: string[]) => join(folder, 'root', ...path);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-safe-'));
  // Root's apt would read the mirror as another user.
  for (const path of [
    'var/lib/dpkg/info',
    'var/lib/dpkg/updates',
    'var/lib/apt/lists/partial',
    'var/cache/apt/archives/partial',
    'var/log',
    'etc/apt',
    'usr',
  ])
    await mkdir(root(path), { recursive: true });
  await mkdir(join(folder, 'mirror'));
  await writeFile(root('var/lib/dpkg/status'), '');
  await writeFile(
    join(folder, 'apt.conf'),
    [
      `Dir "${root()}";`,
      `Dir::State::status "${root('var/lib/dpkg/status')}";`,
      'Dir::Bin::dpkg "/usr/bin/dpkg";',
      'Dir::Bin::methods "/usr/lib/apt/methods";',
      'Dir::Etc::parts "-"; Dir::Etc::sourceparts "-"; Dir::Etc::preferencesparts "-"; Dir::Etc::trustedparts "-";',
      `DPkg::Options { "--root=${root()}"; "--log=${join(folder, 'dpkg.log')}"; "--force-script-chrootless"; "--force-bad-path"; };`,
      'APT::Sandbox::User "root"; Acquire::Retries "0"; Acquire::Languages "none"; APT::Get::Assume-Yes "false"; Dpkg::Use-Pty "false";',
      '',
    ].join('\n'),
  );
  await mirror(`copy:${join(folder, 'mirror')}`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const mirror = (address: string) => writeFile(root('etc/apt/sources.list'), `deb [trusted=yes] ${address} ./\n`);

/** Puts this version of the package into the mirror, with a configuration file that says so. */
async function publish(version: string): Promise<void> {
  const tree = join(folder, `nginx-${version}`);
  await mkdir(join(tree, 'DEBIAN'), { recursive: true });
  await mkdir(join(tree, 'etc'), { recursive: true });
  const control = `Package: nginx\nVersion: ${version}\nArchitecture: all\nMaintainer: Sam <sam@example.com>\nDescription: a sample\n`;
  await writeFile(join(tree, 'DEBIAN/control'), control);
  await writeFile(join(tree, 'DEBIAN/conffiles'), '/etc/nginx.conf\n');
  await writeFile(join(tree, 'etc/nginx.conf'), `# as of ${version}\n`);
  const name = `nginx_${version}.deb`;
  const made = spawnSync(programPath('dpkg-deb'), ['--root-owner-group', '-b', tree, join(folder, 'mirror', name)], {
    encoding: 'utf8',
  });
  if (made.status !== 0) throw new Error(made.stderr);
  const bytes = await readFile(join(folder, 'mirror', name));
  const facts = `Filename: ./${name}\nSize: ${bytes.length}\nSHA256: ${createHash('sha256').update(bytes).digest('hex')}\n`;
  await writeFile(join(folder, 'mirror/Packages'), control + facts);
}

/** The step with the world above, as the user who must seem to be root. */
function apt(step: ShownStep) {
  const front = process.getuid?.() === 0 ? [] : ['fakeroot'];
  return runStep(words(step, ['apt-get'], [...front, 'apt-get']), { env: { APT_CONFIG: join(folder, 'apt.conf') } });
}
const exact = (flag: string) => ['-o', flag];
const installFirst = () => words(shown('upgrade'), ['--only-upgrade']);
const conf = () => readFile(root('etc/nginx.conf'), 'utf8');

form('apt-get', '-o APT::Update::Error-Mode=any', programs, async () => {
  await publish('1');
  expect(await apt(shown('lists'))).toMatchObject({ state: 'done' });
  await mirror('http://127.0.0.1:1');
  expect(await apt(shown('lists'))).toMatchObject({ state: 'failed', exitCode: 100 });
  const loose = words(shown('lists'), exact('APT::Update::Error-Mode=any'));
  expect(await apt(loose)).toMatchObject({ state: 'done', stderr: expect.stringContaining('old ones used instead') });
  await mirror(`copy:${join(folder, 'mirror')}`);
});

form('apt-get', '-y', programs, async () => {
  await publish('1');
  await apt(shown('lists'));
  // One package that was asked for by name is not asked about; what goes is.
  expect(await apt(installFirst())).toMatchObject({ state: 'done' });
  const remove = words(installFirst(), ['install'], ['remove']);
  expect(await apt(words(remove, ['-y']))).toMatchObject({
    state: 'failed',
    exitCode: 1,
    stdout: expect.stringContaining('Abort'),
  });
  expect(await apt(remove)).toMatchObject({ state: 'done' });
  expect(await apt(words(installFirst(), ['install'], ['purge']))).toMatchObject({ state: 'done' });
});

form('apt-get', '-o DPkg::Lock::Timeout=300', programs, async () => {
  await publish('1');
  await apt(shown('lists'));
  const lock = root('var/lib/dpkg/lock-frontend');
  const code = `import fcntl,time; f=open('${lock}','w'); fcntl.lockf(f,fcntl.LOCK_EX); print('held',flush=True); time.sleep(600)`;
  const holder = startProgram('python3', ['-c', code], { env: { PATH: process.env['PATH'] ?? '' }, cwd: folder });
  await holder.says(/held/);
  const impatient = words(installFirst(), exact('DPkg::Lock::Timeout=300'));
  expect(await apt(impatient)).toMatchObject({
    state: 'failed',
    exitCode: 100,
    stderr: expect.stringContaining('lock'),
  });
  const patient = apt(installFirst());
  await holder.kill();
  expect(await patient).toMatchObject({ state: 'done' });
});

form('apt-get', '-o Dpkg::Options::=--force-confold', programs, async () => {
  await publish('1');
  await apt(shown('lists'));
  await apt(installFirst());
  expect(await conf()).toBe('# as of 1\n');
  await writeFile(root('etc/nginx.conf'), '# ours\n');
  await publish('2');
  await apt(shown('lists'));
  const asking = words(
    words(shown('upgrade'), exact('Dpkg::Options::=--force-confdef')),
    exact('Dpkg::Options::=--force-confold'),
  );
  expect(await apt(asking)).toMatchObject({
    state: 'failed',
    exitCode: 100,
    stderr: expect.stringContaining('conffile prompt'),
  });
  expect(await apt(asking), 'and every later call').toMatchObject({
    state: 'failed',
    exitCode: 100,
  });
  expect(await apt(shown('upgrade'))).toMatchObject({ state: 'done' });
  expect(await conf()).toBe('# ours\n');
  expect((await stat(root('etc/nginx.conf.dpkg-dist'))).isFile()).toBe(true);
  expect(await readFile(root('var/lib/dpkg/status'), 'utf8')).toMatch(
    /Status: install ok installed\n[\s\S]*Version: 2\n/,
  );
});
