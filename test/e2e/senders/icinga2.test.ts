import { spawnSync } from 'node:child_process';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { icinga2Arguments, icinga2Folders, startIcinga2 } from '../../real/icinga2.ts';
import { missingPrograms, ownNames, programPath } from '../../real/programs.ts';
import { makeFolder, writeFiles } from '../real.ts';
import { deploy, openScene, placed, writeCheck } from './scene.ts';

/** A real Icinga 2 with deploy/icinga2/tocsin.conf and the script of deploy/nagios, and Tocsin with the source that docs/nagios.md shows. */

const missing = missingPrograms('icinga2', 'curl');
const token = 'a token for tests';
let cleanUp: AsyncDisposableStack;

beforeEach(() => {
  cleanUp = new AsyncDisposableStack();
});
afterEach(() => cleanUp.disposeAsync());

const text = (words: string) => JSON.stringify(words);

/** A host and a service of it, both of which the file of their name sets; they are looked at each second. */
function objectsOf(check: { script: string; file(name: string): string }): string {
  const common = (name: string) => `
  check_command = "check-file"
  check_interval = 1s
  retry_interval = 1s
  max_check_attempts = 1
  enable_flapping = false
  vars.file = ${text(check.file(name))}
`;
  return `
object CheckCommand "check-file" { command = [ ${text(check.script)}, "$file$" ] }
object Host "web-1" {${common('host')}}
object Service "disk /" {
  host_name = "web-1"${common('disk')}}
`;
}

async function open() {
  const scene = await openScene(cleanUp, 'docs/nagios.md', { ICINGA_TOKEN: token });
  const check = await writeCheck(scene.folder);
  await check.set('host', 0, 'PING OK');
  await check.set('disk', 0, 'DISK OK');
  await writeFiles(scene.folder, { 'tocsin.header': `Authorization: Bearer ${token}\n` });
  const icinga = await startIcinga2(join(scene.folder, 'icinga2'), {
    'tocsin.conf': await placed('icinga2/tocsin.conf', {
      '/usr/local/bin/tocsin-notify': join(deploy, 'nagios/tocsin-notify'),
      'http://127.0.0.1:8080/events/icinga2': `${scene.app.app.url}/events/icinga2`,
      '/etc/icinga2/tocsin.header': join(scene.folder, 'tocsin.header'),
    }),
    'objects.conf': objectsOf(check),
  });
  cleanUp.defer(icinga.stop);
  return { ...scene, check, icinga };
}

describe.skipIf(missing !== null)('Icinga 2', { timeout: 180_000 }, () => {
  test('a problem, its acknowledgement and its recovery are one alert and one thread', async () => {
    const { alert, thread, effects, check, icinga } = await open();
    await check.set('disk', 2, 'DISK CRITICAL - C:\\temp is 95% full');
    const firing = await alert('the service is critical', 'web-1!disk /', one => one.state === 'firing');
    expect(firing).toMatchObject({
      title: 'web-1 disk / is CRITICAL',
      severity: 'critical',
      labels: { host: 'web-1', service: 'disk /', state: 'CRITICAL' },
      annotations: { description: 'DISK CRITICAL - C:\\temp is 95% full' },
      trusted: true,
    });
    await thread(firing, ([root = '']) => root.includes('(firing)') && root.includes('C:\\temp is 95% full'));
    await icinga.command('ACKNOWLEDGE_SVC_PROBLEM', 'web-1', 'disk /', '2', '1', '0', 'alice', 'I look after it');
    await alert('somebody acknowledged it', 'web-1!disk /', one => one.acknowledgedBy === 'alice');
    await thread(firing, texts => texts.some(words => words.includes('I look after it')));
    await check.set('disk', 0, 'DISK OK');
    const over = await alert('the service is well', 'web-1!disk /', one => one.state === 'resolved');
    expect(over).toMatchObject({ id: firing.id, episode: 1, end: { how: 'told' } });
    expect(over.startsAt).toBeLessThanOrEqual(over.resolvedAt ?? 0);
    expect(await effects(firing)).toEqual(['opened', 'acknowledged', 'resolved']);
  });

  test('a host that is down is an alert of its own; what somebody writes about it stands in its thread', async () => {
    const { alert, thread, effects, check, icinga } = await open();
    await check.set('host', 2, 'PING CRITICAL');
    const down = await alert('the host is down', 'web-1', one => one.state === 'firing');
    expect(down).toMatchObject({
      title: 'web-1 is DOWN',
      severity: 'critical',
      labels: { host: 'web-1', state: 'DOWN' },
    });
    expect(down.labels).not.toHaveProperty('service');
    await icinga.command('ACKNOWLEDGE_HOST_PROBLEM', 'web-1', '2', '1', '0', 'alice', 'I drive there');
    await alert('somebody acknowledged it', 'web-1', one => one.acknowledgedBy === 'alice');
    await icinga.command('SEND_CUSTOM_HOST_NOTIFICATION', 'web-1', '2', 'bob', 'the rack is moved');
    const wanted = ['ACKNOWLEDGEMENT by alice: I drive there', 'CUSTOM by bob: the rack is moved'];
    await thread(down, texts => wanted.every(words => texts.some(text => text.includes(words))));
    await check.set('host', 0, 'PING OK');
    await alert('the host is up', 'web-1', one => one.state === 'resolved');
    expect(await effects(down)).toEqual(['opened', 'acknowledged', 'resolved']);
  });

  test('whatever a check wrote arrives, but Icinga itself replaces what is not UTF-8', async () => {
    const { alert, check } = await open();
    const output = 'say "x" and \'y\' `id` $HOME $host.name$ & <b> C:\\temp\\new';
    await check.set('disk', 2, `${output} größe 日本\nline two "z"\n`);
    const wanted = { description: `${output} größe 日本\nline two "z"` };
    await alert(
      'the service is critical',
      'web-1!disk /',
      one => one.annotations['description'] === wanted.description,
    );
    await check.set('disk', 1, Buffer.from('gr\xf6\xdfe', 'latin1'));
    const { annotations } = await alert('its state is another', 'web-1!disk /', one => one.severity === 'warning');
    expect(annotations).toEqual({ description: 'gr\u{fffd}\u{fffd}e' });
  });

  // Nobody else may read it.
  const readers = ['root', 'nagios'];
  test.runIf(readers.includes(ownNames().user))("Debian's own configuration takes the file in its conf.d", async () => {
    const { folder, remove } = await makeFolder();
    cleanUp.defer(remove);
    await cp('/etc/icinga2', folder, { recursive: true, verbatimSymlinks: true });
    await writeFiles(folder, {
      ...icinga2Folders,
      'conf.d/tocsin.conf': await readFile(join(deploy, 'icinga2/tocsin.conf'), 'utf8'),
    });
    const words = [...icinga2Arguments(folder, join(folder, 'icinga2.conf')), '-C'];
    const made = spawnSync(programPath('icinga2'), words, { encoding: 'utf8' });
    expect(made.status, made.stdout).toBe(0);
    expect(made.stdout).toContain('Finished validating the configuration file(s).');
    expect(made.stdout).toContain('Instantiated 4 NotificationCommands.');
    expect(made.stdout).not.toMatch(/ (warning|critical)\//);
  });
});
