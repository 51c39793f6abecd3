import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { missingPrograms, programPath } from '../../real/programs.ts';
import { startProgram } from '../programs.ts';
import { writeFiles } from '../real.ts';
import { openScene, placed, writeCheck } from './scene.ts';

/** A real Monit with the script of deploy/monit, and Tocsin with the source of docs/alert-services.md. */

const missing = missingPrograms('monit', 'curl');
const page = 'docs/alert-services.md';
const token = 'a token for tests';
let cleanUp: AsyncDisposableStack;

beforeEach(() => {
  cleanUp = new AsyncDisposableStack();
});
afterEach(() => cleanUp.disposeAsync());

async function open() {
  const scene = await openScene(cleanUp, page, { MONIT_TOKEN: token });
  const { folder } = scene;
  const at = (name: string) => join(folder, name);
  const check = await writeCheck(folder);
  await check.set('backup', 0, 'the backup is of today');
  const script = await placed(
    'monit/tocsin-monit',
    {
      '/etc/monit/tocsin.header': at('tocsin.header'),
      'http://127.0.0.1:8080/': `${scene.app.app.url}/`,
    },
    1,
  );
  const run = at('tocsin-monit');
  const checks = [
    `check program backup with path "${check.script} ${check.file('backup')}"`,
    `  if status != 0 then exec "${run} critical" else if succeeded then exec "${run}"`,
    '',
  ].join('\n');
  const own = ['pidfile', 'statefile', 'idfile'].map(name => `set ${name} ${at(name)}\n`).join('');
  await writeFiles(folder, { 'tocsin.header': `X-Api-Key: ${token}\n` });
  await writeFile(run, script, { mode: 0o755 });
  await writeFile(at('monitrc'), `set daemon 1\nset log ${at('monit.log')}\n${own}${checks}`, { mode: 0o600 });
  const monit = startProgram(programPath('monit'), ['-I', '-c', at('monitrc')], {
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: folder },
    cwd: folder,
  });
  cleanUp.defer(async () => void (await monit.stop()));
  return { ...scene, check, monit };
}

describe.skipIf(missing !== null)('Monit', { timeout: 180_000 }, () => {
  test('a problem and its recovery are one alert, and whatever the program wrote arrives', async () => {
    const { alert, thread, effects, check } = await open();
    const output = 'say "x" and \'y\' `id` $HOME & <b> C:\\temp\\new';
    await check.set('backup', 2, Buffer.from(`${output} gr\xf6\xdfe\nline two "z"\n`, 'latin1'));
    const backup = (one: { labels: Readonly<Record<string, string>> }) => one.labels['service'] === 'backup';
    const firing = await alert('the backup is old', backup, one => one.state === 'firing');
    expect(firing).toMatchObject({
      title: expect.stringMatching(/^backup on .+: Status failed$/),
      severity: 'critical',
      labels: { service: 'backup' },
      trusted: true,
    });
    expect(firing.annotations['description']).toContain(`${output} größe\nline two "z"`);
    await thread(firing, ([root = '']) => root.includes('(firing)') && root.includes(': Status failed'));
    await check.set('backup', 0, 'the backup is of today');
    const over = await alert('the backup is new', backup, one => one.state === 'resolved');
    expect(over).toMatchObject({ id: firing.id, episode: 1, end: { how: 'told' } });
    expect(await effects(firing)).toEqual(['opened', 'resolved']);
  });
});
