import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { createEgress } from '../../../src/kernel/egress/egress.ts';
import { requesterOf } from '../../../src/sources/icinga2/api.ts';
import { permissionsOf } from '../../../src/sources/icinga2/check.ts';
import icinga2 from '../../../src/sources/icinga2/index.ts';
import type { ApiOptions } from '../../../src/sources/icinga2/options.ts';
import { readObject } from '../../../src/sources/icinga2/stream/objects.ts';
import { basicConfig, startTestApp } from '../../doubles/app.ts';
import { freePort } from '../../real/free-port.ts';
import { makeIcingaCertificate, startIcinga2 } from '../../real/icinga2.ts';
import { missingPrograms } from '../../real/programs.ts';
import { eventually } from '../programs.ts';
import { makeFolder, writeFiles } from '../real.ts';
import { deploy, looksAt, placed, writeCheck } from './scene.ts';

/** A real Icinga 2 with its API over TLS, and Tocsin that follows its event stream, through a wire that a test can cut. */

const missing = missingPrograms('icinga2', 'curl', 'openssl');
const [token, password] = ['a token for tests', 'a password for tests'];
const disk = 'web-1!disk /';
const reading = { write: false, stream: true };
let cleanUp: AsyncDisposableStack;

beforeEach(() => {
  cleanUp = new AsyncDisposableStack();
});
afterEach(() => cleanUp.disposeAsync());

const text = (words: string) => JSON.stringify(words);

function objectsOf(port: number, check: { script: string; file(name: string): string }): string {
  const common = (name: string) => `
  check_command = "check-file"
  check_interval = 1s
  retry_interval = 1s
  max_check_attempts = 2
  enable_flapping = false
  vars.file = ${text(check.file(name))}
`;
  return `
object ApiListener "api" {
  bind_host = "127.0.0.1"
  bind_port = ${port}
}
object ApiUser "tocsin" {
  password = ${text(password)}
  permissions = [ ${permissionsOf(reading).map(text).join(', ')} ]
}
object CheckCommand "check-file" { command = [ ${text(check.script)}, "$file$" ] }
object Host "web-1" {${common('host')}}
object Service "disk /" {
  host_name = "web-1"${common('disk')}}
object Host "web-2" {${common('other')}}
`;
}

/** A wire to a port that can be cut: then nothing goes through, and what asks is turned away. */
async function openWire(port: number) {
  const ends = new Set<Socket>();
  let isCut = false;
  const server = createServer(near => {
    if (isCut) return near.destroy();
    const far = connect(port, '127.0.0.1');
    for (const [one, other] of [[near, far] as const, [far, near] as const]) {
      ends.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        ends.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const cut = (is: boolean) => {
    isCut = is;
    if (is) for (const one of ends) one.destroy();
  };
  cleanUp.defer(() => {
    cut(true);
    server.close();
  });
  return { port: (server.address() as { port: number }).port, cut };
}

async function open({ notifies = false }: { notifies?: boolean } = {}) {
  const { folder, remove } = await makeFolder();
  cleanUp.defer(remove);
  await writeFiles(folder, { 'tocsin.header': `Authorization: Bearer ${token}\n`, 'icinga2/DataDir/certs/.keep': '' });
  const ca = await makeIcingaCertificate(join(folder, 'icinga2/DataDir/certs'));
  const port = await freePort();
  const wire = await openWire(port);
  const api = { url: `https://127.0.0.1:${wire.port}`, user: 'tocsin', password, ca, ...reading };
  const given = { ...(notifies ? { token } : {}), api };
  const app = await startTestApp({ 'tocsin.yaml': stringify({ ...parse(basicConfig), sources: { icinga2: given } }) });
  cleanUp.defer(app.stop);
  const check = await writeCheck(folder);
  for (const name of ['host', 'disk', 'other']) await check.set(name, 0, 'well');
  const icinga = await startIcinga2(join(folder, 'icinga2'), {
    ...(notifies
      ? {
          'tocsin.conf': await placed('icinga2/tocsin.conf', {
            '/usr/local/bin/tocsin-notify': join(deploy, 'nagios/tocsin-notify'),
            'http://127.0.0.1:8080/events/icinga2': `${app.app.url}/events/icinga2`,
            '/etc/icinga2/tocsin.header': join(folder, 'tocsin.header'),
          }),
        }
      : {}),
    'objects.conf': objectsOf(port, check),
  });
  cleanUp.defer(icinga.stop);
  const host = `127.0.0.1:${port}`;
  const egress = createEgress({ allow: [host], private: [host], ca });
  cleanUp.defer(() => egress.close());
  const options = icinga2.options.parse(given);
  // Past the wire.
  const request = requesterOf({ ...(options.api as ApiOptions), url: `https://${host}` }, { fetch: egress.fetch });
  return { app, check, icinga, wire, options, request, ...looksAt(app) };
}

const isFiring = (one: { state: string }) => one.state === 'firing';
const isOver = (one: { state: string }) => one.state === 'resolved';

describe.skipIf(missing !== null)('the event stream of Icinga 2', { timeout: 180_000 }, () => {
  test('a problem, its acknowledgement and its recovery are one alert, with a reload of Icinga in the middle', async () => {
    const { alert, thread, effects, check, icinga, options } = await open();
    await check.set('disk', 2, 'DISK CRITICAL - C:\\temp is 95% full, größe');
    const firing = await alert('the service is critical', disk, isFiring);
    expect(firing).toMatchObject({
      title: 'web-1 disk / is CRITICAL',
      severity: 'critical',
      labels: { host: 'web-1', service: 'disk /', state: 'CRITICAL' },
      annotations: { description: 'DISK CRITICAL - C:\\temp is 95% full, größe' },
      trusted: true,
    });
    await thread(firing, ([root = '']) => root.includes('(firing)') && root.includes('C:\\temp is 95% full'));
    const tools = { fetch, signal: AbortSignal.timeout(30_000) } as never;
    expect(await icinga2.check?.(options, tools)).toEqual([{ what: 'the API of Icinga', state: 'ok' }]);
    const activations = () => icinga.program.output().split('Activated all objects').length;
    const before = activations();
    process.kill(icinga.program.pid, 'SIGHUP');
    await eventually('it is loaded anew', async () => (activations() > before ? true : null));
    await icinga.command('ACKNOWLEDGE_SVC_PROBLEM', 'web-1', 'disk /', '2', '1', '0', 'alice', 'I look after it');
    await alert('somebody acknowledged it', disk, one => one.acknowledgedBy === 'alice');
    await thread(firing, texts => texts.some(words => words.includes('I look after it')));
    await check.set('disk', 0, 'DISK OK');
    const over = await alert('the service is well', disk, isOver);
    expect(over).toMatchObject({ id: firing.id, episode: 1, end: { how: 'told' } });
    expect((await effects(firing)).filter(one => one !== 'unacknowledged')).toEqual([
      'opened',
      'acknowledged',
      'resolved',
    ]);
  });

  test('what happened while the wire was cut is found in the list, and nothing is told again', async () => {
    const { app, alert, effects, check, wire, request } = await open();
    await check.set('disk', 2, 'DISK CRITICAL');
    await check.set('other', 2, 'PING CRITICAL');
    const firing = await alert('the service is critical', disk, isFiring);
    const lasting = await alert('another host is down', 'web-2', isFiring);
    expect(lasting).toMatchObject({ title: 'web-2 is DOWN', severity: 'critical' });
    wire.cut(true);
    await check.set('disk', 0, 'DISK OK');
    await check.set('host', 2, 'PING CRITICAL');
    const stateOf = async (service: string) => {
      const found = await readObject({ host: 'web-1', service }, request);
      return found?.isHard === true ? found.state : null;
    };
    await eventually('Icinga saw both', async () =>
      (await stateOf('disk /')) === 0 && (await stateOf('')) === 1 ? true : null,
    );
    expect(await app.app.store.alerts({ state: 'firing' })).toHaveLength(2);
    wire.cut(false);
    await alert('the service is well', disk, isOver);
    await alert('its host is down', 'web-1', isFiring);
    expect(await effects(firing)).toEqual(['opened', 'resolved']);
    expect(await effects(lasting)).toEqual(['opened']);
  });

  test('what is in a downtime opens no alert, until that is over', async () => {
    const { app, alert, check, icinga } = await open();
    const now = Math.floor(Date.now() / 1000);
    await icinga.command(
      ...['SCHEDULE_SVC_DOWNTIME', 'web-1', 'disk /', String(now - 10), String(now + 3600)],
      ...['1', '0', '3600', 'alice', 'the disk is replaced'],
    );
    await icinga.program.says(/downtime.*web-1!disk/i);
    await check.set('disk', 2, 'DISK CRITICAL');
    await check.set('other', 2, 'PING CRITICAL');
    await alert('the other host is down', 'web-2', isFiring);
    expect((await app.app.store.alerts({})).map(one => one.fingerprint)).toEqual(['web-2']);
    await icinga.command('DEL_DOWNTIME_BY_HOST_NAME', 'web-1');
    await alert('the downtime is over', disk, isFiring);
  });

  test('with notifications beside it, there is still one alert and one thread', async () => {
    const { app, alert, thread, effects, check, icinga } = await open({ notifies: true });
    await check.set('disk', 2, 'DISK CRITICAL');
    const firing = await alert('the service is critical', disk, isFiring);
    await icinga.command('ACKNOWLEDGE_SVC_PROBLEM', 'web-1', 'disk /', '2', '1', '0', 'alice', 'I look after it');
    const said = (texts: string[]) => texts.filter(words => words.includes('I look after it')).length;
    await thread(firing, texts => said(texts) > 0);
    await check.set('disk', 0, 'DISK OK');
    await alert('the service is well', disk, isOver);
    // The last that is posted, so all before it was posted too.
    await icinga.command('SEND_CUSTOM_SVC_NOTIFICATION', 'web-1', 'disk /', '2', 'bob', 'the last word');
    await thread(firing, texts => texts.some(words => words.includes('the last word')));
    const told = (await effects(firing)).filter(one => ['opened', 'resolved', 'reopened', 'unseen'].includes(one));
    expect(told).toEqual(['opened', 'resolved']);
    expect(said(await thread(firing, texts => said(texts) > 0))).toBe(1);
    expect(await app.app.store.alerts({})).toHaveLength(1);
  });
});
