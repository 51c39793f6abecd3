import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { shippedNagios, startNagios } from '../../real/nagios.ts';
import { missingPrograms, ownNames, programPath } from '../../real/programs.ts';
import { makeFolder, writeFiles } from '../real.ts';
import { deploy, openScene, placed, writeCheck } from './scene.ts';

/** A real Nagios with the commands and the script of deploy/nagios, and Tocsin with the source that docs/nagios.md shows. */

const missing = missingPrograms('nagios4', 'curl');
const token = 'a token for tests';
let cleanUp: AsyncDisposableStack;

beforeEach(() => {
  cleanUp = new AsyncDisposableStack();
});
afterEach(() => cleanUp.disposeAsync());

const define = (kind: string, facts: Record<string, string>) =>
  `define ${kind} {\n${Object.entries(facts)
    .map(([name, value]) => `  ${name} ${value}\n`)
    .join('')}}\n`;

/** A host and a service of it, both of which the file of their name sets; they are looked at each second. */
function objectsOf(check: { script: string; file(name: string): string }): string {
  const common = {
    max_check_attempts: '1',
    check_interval: '1',
    retry_interval: '1',
    check_period: '24x7',
    notification_interval: '0',
    notification_period: '24x7',
    contacts: 'tocsin',
    host_name: 'web-1',
  };
  const every = '00:00-24:00';
  const days = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
  return [
    define('timeperiod', {
      timeperiod_name: '24x7',
      alias: 'always',
      ...Object.fromEntries(days.map(day => [day, every])),
    }),
    define('command', { command_name: 'check-file', command_line: `${check.script} $ARG1$` }),
    define('host', { ...common, address: '192.0.2.7', check_command: `check-file!${check.file('host')}` }),
    define('service', {
      ...common,
      service_description: 'disk /',
      check_command: `check-file!${check.file('disk')}`,
    }),
  ].join('\n');
}

async function open(change: (commands: string) => string = text => text, settings: Record<string, string> = {}) {
  const scene = await openScene(cleanUp, 'docs/nagios.md', { NAGIOS_TOKEN: token });
  const check = await writeCheck(scene.folder);
  await check.set('host', 0, 'PING OK');
  await check.set('disk', 0, 'DISK OK');
  await writeFiles(scene.folder, { 'tocsin.header': `Authorization: Bearer ${token}\n` });
  const places = {
    '/usr/local/bin/tocsin-notify': join(deploy, 'nagios/tocsin-notify'),
    'http://127.0.0.1:8080/events/nagios': `${scene.app.app.url}/events/nagios`,
    '/etc/nagios4/tocsin.header': join(scene.folder, 'tocsin.header'),
  };
  const objects = {
    'tocsin.cfg': change(await placed('nagios/tocsin.cfg', places)),
    'objects.cfg': objectsOf(check),
  };
  const nagios = await startNagios(join(scene.folder, 'nagios'), objects, settings);
  cleanUp.defer(nagios.stop);
  return { ...scene, check, nagios };
}

describe.skipIf(missing !== null)('Nagios', { timeout: 180_000 }, () => {
  test('a problem, its acknowledgement and its recovery are one alert and one thread', async () => {
    const { alert, thread, effects, check, nagios } = await open();
    await check.set('disk', 2, 'DISK CRITICAL - C:\\temp is 95% full');
    const firing = await alert('the service is critical', 'web-1!disk /', one => one.state === 'firing');
    expect(firing).toMatchObject({
      title: 'web-1 disk / is CRITICAL',
      severity: 'critical',
      labels: { host: 'web-1', service: 'disk /', state: 'CRITICAL', address: '192.0.2.7' },
      annotations: { description: 'DISK CRITICAL - C:\\temp is 95% full' },
      trusted: true,
    });
    await thread(firing, ([root = '']) => root.includes('(firing)') && root.includes('C:\\temp is 95% full'));
    await nagios.command('ACKNOWLEDGE_SVC_PROBLEM', 'web-1', 'disk /', '2', '1', '0', 'alice', 'I look after it');
    await alert('somebody acknowledged it', 'web-1!disk /', one => one.acknowledgedBy === 'alice');
    await thread(firing, texts => texts.some(text => text.includes('I look after it')));
    await check.set('disk', 0, 'DISK OK');
    const over = await alert('the service is well', 'web-1!disk /', one => one.state === 'resolved');
    expect(over).toMatchObject({ id: firing.id, episode: 1, end: { how: 'told' } });
    expect(over.startsAt).toBeLessThanOrEqual(over.resolvedAt ?? 0);
    expect(await effects(firing)).toEqual(['opened', 'acknowledged', 'resolved']);
  });

  test('a host that is down is an alert of its own; what somebody writes about it stands in its thread', async () => {
    const { alert, thread, effects, check, nagios, app } = await open();
    await check.set('host', 2, 'PING CRITICAL');
    const down = await alert('the host is down', 'web-1', one => one.state === 'firing');
    expect(down).toMatchObject({
      title: 'web-1 is DOWN',
      severity: 'critical',
      labels: { host: 'web-1', state: 'DOWN' },
    });
    expect(down.labels).not.toHaveProperty('service');
    await nagios.command('ACKNOWLEDGE_HOST_PROBLEM', 'web-1', '2', '1', '0', 'alice', 'I drive there');
    await alert('somebody acknowledged it', 'web-1', one => one.acknowledgedBy === 'alice');
    await nagios.command('SEND_CUSTOM_HOST_NOTIFICATION', 'web-1', '2', 'bob', 'the rack is moved');
    const wanted = ['ACKNOWLEDGEMENT by alice: I drive there', 'CUSTOM by bob: the rack is moved'];
    await thread(down, texts => wanted.every(words => texts.some(text => text.includes(words))));
    await check.set('host', 0, 'PING OK');
    await alert('the host is up', 'web-1', one => one.state === 'resolved');
    expect(await effects(down)).toEqual(['opened', 'acknowledged', 'resolved']);
    expect(await app.app.store.alerts({})).toHaveLength(1);
  });

  const output = 'say "x" and \'y\' `id` $HOME & <b> C:\\temp\\new';
  const bytes = Buffer.from(`${output} gr\xf6\xdfe\nline two "z"\nline three\n`, 'latin1');

  test('with the fields in the command, Nagios takes out what a shell might read, and the rest arrives', async () => {
    const { alert, check } = await open();
    await check.set('disk', 2, bytes);
    const { annotations } = await alert('the service is critical', 'web-1!disk /');
    expect(annotations).toMatchObject({
      description: 'say x and y id HOME  b C:\\temp\\new größe',
      details: 'line two z\\nline three',
    });
  });

  test('with the macros in the environment, whatever a check wrote arrives', async () => {
    const { alert, check } = await open(text => text.replace(/^( *command_line +\S+ \S+ \S+) .*$/gm, '$1'), {
      enable_environment_macros: '1',
    });
    await check.set('disk', 2, bytes);
    const { annotations, labels } = await alert('the service is critical', 'web-1!disk /');
    expect(annotations).toMatchObject({ description: `${output} größe`, details: 'line two "z"\\nline three' });
    expect(labels).toMatchObject({ host: 'web-1', service: 'disk /', state: 'CRITICAL', address: '192.0.2.7' });
  });

  test("Debian's own configuration loads with the file in its conf.d, and names the contact where it is added", async () => {
    const { folder, remove } = await makeFolder();
    cleanUp.defer(remove);
    const own = ownNames();
    const shipped = await readFile(shippedNagios, 'utf8');
    await writeFiles(folder, {
      'conf.d/tocsin.cfg': await readFile(join(deploy, 'nagios/tocsin.cfg'), 'utf8'),
      'conf.d/own.cfg': define('host', {
        use: 'generic-host',
        host_name: 'web-1',
        address: '192.0.2.7',
        max_check_attempts: '3',
        contacts: 'tocsin',
      }),
      'nagios.cfg': shipped
        .replace('cfg_dir=/etc/nagios4/conf.d', `cfg_dir=${join(folder, 'conf.d')}`)
        .replace(/^nagios_user=.*$/m, `nagios_user=${own.user}`)
        .replace(/^nagios_group=.*$/m, `nagios_group=${own.group}`)
        .replace(/^resource_file=.*$/m, '')
        .replace(/=\/var\/(lib|log|run)\/nagios4(?=\/)/g, `=${folder}`),
      'spool/checkresults/.keep': '',
      'archives/.keep': '',
      'rw/.keep': '',
    });
    const made = spawnSync(programPath('nagios4'), ['-v', join(folder, 'nagios.cfg')], { encoding: 'utf8' });
    expect(made.status, made.stdout).toBe(0);
    expect(made.stdout).toMatch(/Total Errors: +0\n/);
    expect(made.stdout.split('\n').filter(line => line.startsWith('Warning') && line.includes('tocsin'))).toEqual([]);
  });
});
