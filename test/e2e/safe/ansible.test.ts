import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { form, runStep, type ShownStep, shown, swap, words } from './page.ts';

const programs = ['ansible-playbook'];
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-safe-'));
  await writeFile(join(folder, 'hosts'), '[web]\nweb-1 ansible_connection=local\n');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The step of the page with this playbook, which is JSON for YAML. */
async function play(hosts: string, ...tasks: object[]): Promise<ShownStep> {
  const file = join(folder, `${tasks.length}-${hosts}.yml`);
  await writeFile(file, JSON.stringify([{ hosts, gather_facts: false, tasks }]));
  return swap(swap(shown('play'), '/etc/ansible/hosts', join(folder, 'hosts')), '/srv/playbooks/site.yml', file);
}
/** Without a variable of the page's environment, which must be there. */
function unset(step: ShownStep, name: string): ShownStep {
  const { env, ...rest } = step.exec as { env: Record<string, string> };
  const { [name]: gone, ...others } = env;
  if (gone === undefined) throw new Error(`there is no ${name}`);
  return { exec: { ...rest, env: others } };
}
const ok = { debug: {} };

form('ansible-playbook', 'ANSIBLE_HOST_PATTERN_MISMATCH: error', programs, async () => {
  const step = await play('db', ok);
  expect(await runStep(step)).toMatchObject({ state: 'failed', exitCode: 1 });
  expect(await runStep(unset(step, 'ANSIBLE_HOST_PATTERN_MISMATCH'))).toMatchObject({
    state: 'done',
    stdout: expect.stringContaining('skipping: no hosts matched'),
  });
});

form('ansible-playbook', 'ANSIBLE_INVENTORY_UNPARSED_FAILED: "true"', programs, async () => {
  const step = swap(await play('all', ok), join(folder, 'hosts'), join(folder, 'missing'));
  expect(await runStep(step)).toMatchObject({ state: 'failed', exitCode: 1 });
  expect(await runStep(unset(step, 'ANSIBLE_INVENTORY_UNPARSED_FAILED'))).toMatchObject({ state: 'done' });
});

form('ansible-playbook', 'approve', programs, async () => {
  const mark = join(folder, 'mark');
  const file = join(folder, 'gated.yml');
  const tasks = [{ pause: { prompt: 'Go on?' } }, { command: `touch ${mark}` }];
  const asks = { hosts: 'web', gather_facts: false, vars_prompt: [{ name: 'sure', prompt: 'Sure?' }] };
  await writeFile(file, JSON.stringify([{ ...asks, tasks }]));
  const ran = await runStep(swap(await play('web', ok), join(folder, '1-web.yml'), file));
  expect(ran).toMatchObject({ state: 'done', stdout: expect.stringContaining('Go on?') });
  expect(await readFile(mark, 'utf8')).toBe('');
});

form('ansible-playbook', '2', programs, async () => {
  expect(await runStep(await play('web', { fail: {} }))).toMatchObject({ state: 'failed', exitCode: 2 });
});

form('ansible-playbook', '4', programs, async () => {
  await writeFile(join(folder, 'far'), '[web]\nweb-1 ansible_host=127.0.0.1 ansible_port=1\n');
  const far = swap(await play('web', { ping: {} }), join(folder, 'hosts'), join(folder, 'far'));
  expect(await runStep(far)).toMatchObject({ exitCode: 4, stdout: expect.stringContaining('unreachable=1') });
  await writeFile(join(folder, 'broken.yml'), '- hosts: web\n  tasks: [\n');
  const broken = swap(await play('web', ok), join(folder, '1-web.yml'), join(folder, 'broken.yml'));
  expect(await runStep(broken)).toMatchObject({ exitCode: 4, stdout: '' });
});

form('ansible-playbook', '--check', programs, async () => {
  const step = await play('web', { command: 'false' });
  expect(await runStep(step)).toMatchObject({ state: 'failed', exitCode: 2 });
  expect(await runStep(words(step, ['ansible-playbook'], ['ansible-playbook', '--check']))).toMatchObject({
    state: 'done',
    stdout: expect.stringContaining('skipped=1'),
  });
});
