import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { systemClock } from '../../../src/kernel/clock.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import source from '../../../src/sources/zabbix/index.ts';
import { basicConfig, startTestApp } from '../../doubles/app.ts';
import { missingPrograms } from '../../real/programs.ts';
import { startZabbix, type Zabbix } from '../../real/zabbix.ts';
import { eventually } from '../programs.ts';
import { makeFolder } from '../real.ts';
import { deploy, type Scene, sceneOf } from './scene.ts';
import { type Prepared, prepare } from './zabbix-setup.ts';

/** A real Zabbix into which deploy/zabbix is imported as docs/zabbix.md says, and Tocsin that it tells and that writes back to it. */

const missing = missingPrograms('zabbix_server', 'php');
const token = 'a token for "tests"';
const cleanUp = new AsyncDisposableStack();
let zabbix: Zabbix;
let scene: Scene;
let prepared: Prepared;
let gate: string;

beforeAll(async () => {
  if (missing !== null) return;
  const { folder, remove } = await makeFolder();
  cleanUp.defer(remove);
  gate = join(folder, 'gate');
  zabbix = await startZabbix(folder);
  cleanUp.defer(zabbix.stop);
  prepared = await prepare(zabbix, await readFile(join(deploy, 'zabbix/media-tocsin.yaml'), 'utf8'));
  const app = await startTestApp(filesOf(prepared.tokens.other));
  cleanUp.defer(app.stop);
  await prepared.tell(`${app.app.url}/events/zabbix`, token);
  scene = sceneOf(app, folder);
}, 600_000);
afterAll(() => cleanUp.disposeAsync(), 120_000);

function optionsOf(apiToken: string) {
  return { token, timezone: 'America/St_Johns', url: zabbix.url, apiToken };
}

const filesOf = (apiToken: string) => ({
  'tocsin.yaml': stringify({ ...parse(basicConfig), sources: { zabbix: optionsOf(apiToken) } }),
  'policy.yaml': 'rules: [{ name: all, decide: auto }]\n',
  'runbooks/fix.yaml': stringify({
    title: 'Fix',
    risk: 'low',
    on: [{ source: 'zabbix', match: { fix: 'yes' } }],
    params: {},
    target: '"web-1"',
    steps: [{ id: 'fix', exec: ['sh', '-c', `until [ -e ${gate} ]; do sleep 0.05; done; exit 1`] }],
  }),
});

describe.skipIf(missing !== null)('Zabbix', { timeout: 300_000 }, () => {
  test('a problem, what people do to it, and its recovery are one alert', async () => {
    const { alert, thread, effects } = scene;
    const { event, act } = prepared;
    const { host, item } = await prepared.watch('disk', {});
    const name = `${prepared.name} ${host}`;
    await zabbix.send(host, item, '95');
    const firing = await alert(
      'the problem is there',
      one => one.labels['host'] === name,
      one => one.state === 'firing',
    );
    const begin = await event(firing.fingerprint);
    expect(firing).toMatchObject({
      title: `${name}: disk is "full": 95 \\ <b> größe $(id) {x}`,
      severity: 'error',
      labels: { host: name, service: 'a "b"', severity: 'High' },
      annotations: { operational_data: 'used 95', description: 'what to "do"\nin two lines' },
      startsAt: begin.clock * 1000,
      trusted: true,
    });
    await thread(firing, ([root = '']) => root.includes('(firing)'));
    await act(firing.fingerprint, { action: 6, message: 'I look at "it"\nnow' });
    const taken = await alert('it is acknowledged', firing.fingerprint, one => one.acknowledgedBy !== null);
    // The user of the media shares no group with the administrator yet.
    expect(taken.acknowledgedBy).toBe('zabbix');
    const says = (words: string) => (texts: readonly string[]) => texts.some(text => text.includes(words));
    await thread(taken, says('Somebody acknowledged and commented: I look at "it"\nnow'));
    await prepared.meet();
    await act(firing.fingerprint, { action: 4, message: 'still at it' });
    await thread(taken, says('Zabbix Administrator (Admin) commented: still at it'));
    await act(firing.fingerprint, { action: 16 });
    await alert('it is acknowledged no more', firing.fingerprint, one => one.acknowledgedBy === null);
    await act(firing.fingerprint, { action: 8, severity: 5 });
    await alert('it is worse', firing.fingerprint, one => one.severity === 'critical');
    await zabbix.send(host, item, '10');
    const over = await alert('it is over', firing.fingerprint, one => one.state === 'resolved');
    const end = await event(firing.fingerprint);
    expect(over).toMatchObject({ id: firing.id, episode: 1, end: { how: 'told' }, resolvedAt: (end.end ?? 0) * 1000 });
    expect(await effects(firing)).toEqual(['opened', 'acknowledged', 'unacknowledged', 'refreshed', 'resolved']);
  });

  test('a problem is acknowledged while it is worked on, and handed back with a message when that did not help', async () => {
    const { alert, app } = scene;
    const { event } = prepared;
    const tools = { fetch: globalThis.fetch, signal: AbortSignal.timeout(30_000) };
    const options = source.options.parse(optionsOf(prepared.tokens.other));
    const findings = await source.check?.(options, tools as never);
    expect(findings?.map(({ state }) => state)).toEqual(['ok', 'ok']);
    const { host, item } = await prepared.watch('fixed', { fix: 'yes' });
    await zabbix.send(host, item, '95');
    const name = `${prepared.name} ${host}`;
    const { id, fingerprint } = await alert('the problem is there', one => one.labels['host'] === name);
    await eventually('it is acknowledged', async () => ((await event(fingerprint)).isAcknowledged ? true : null));
    const echoes = async () => {
      const metrics = await (await fetch(`${app.app.url}/metrics`)).text();
      return Number(/tocsin_events_echoed_total\{[^}]*what="update"[^}]*\} (\d+)/.exec(metrics)?.[1] ?? 0);
    };
    await eventually('the update came back', async () => ((await echoes()) === 1 ? true : null));
    await writeFile(gate, '');
    const told = async () =>
      (await app.journal()).flatMap(({ fact }) => (fact.kind === 'origin.told' ? [`${fact.what}: ${fact.text}`] : []));
    await eventually('it is handed back', async () => ((await told()).length >= 3 ? true : null));
    expect((await told()).sort()).toEqual([
      'acknowledge: Acknowledged the problem in Zabbix',
      'note: Wrote a message in Zabbix',
      'recall: Took the acknowledgement back in Zabbix',
    ]);
    const { isAcknowledged, messages } = await event(fingerprint);
    expect(isAcknowledged).toBe(false);
    const marks = messages.map(text => /\[tocsin (\w+)\/\S+ [0-9a-f]{16}\]$/.exec(text)?.[1]);
    expect(marks.sort()).toEqual(['acknowledge', 'note', 'recall']);
    expect(messages.join()).toContain('Tocsin: Fix failed');
    await eventually('all updates came back', async () => ((await echoes()) === 3 ? true : null));
    expect(await alert('it fires still', fingerprint)).toMatchObject({ id, acknowledgedBy: null, state: 'firing' });
    await zabbix.send(host, item, '10');
    await alert('it is over', fingerprint, one => one.state === 'resolved');
    expect(await prepared.sent(fingerprint)).toEqual(['Problem', 'Updated', 'Updated', 'Updated', 'Resolved']);
  });

  test('the API lets the user of the token do only what the page says', async () => {
    const call = (method: string, params: object) =>
      fetch(`${zabbix.url}/api_jsonrpc.php`, {
        method: 'POST',
        headers: { 'content-type': 'application/json-rpc' },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params, auth: prepared.tokens.own }),
      }).then(answer => answer.json());
    expect(await call('event.get', { limit: 1 })).toHaveProperty('result');
    expect(await call('host.get', { limit: 1 })).toHaveProperty('error');
  });

  test('the origin closes a problem whose trigger allows it', async () => {
    const { alert, effects } = scene;
    const { host, item } = await prepared.watch('closed', {});
    await zabbix.send(host, item, '95');
    const name = `${prepared.name} ${host}`;
    const firing = await alert('the problem is there', one => one.labels['host'] === name);
    const options = source.options.parse(optionsOf(prepared.tokens.own));
    const origin = source.origin?.(options, { clock: systemClock, log: silentLog, reach: () => fetch } as never);
    expect(await origin?.resolve?.(firing)).toBe('Asked Zabbix to close the problem');
    expect(await origin?.resolve?.(firing)).toMatch(/(about to be closed|over) in Zabbix already/);
    const over = await alert('Zabbix told the end', firing.fingerprint, one => one.state === 'resolved');
    expect(over).toMatchObject({ episode: 1, end: { how: 'told' } });
    expect(await origin?.resolve?.(firing)).toBe('The problem is over in Zabbix already');
    expect((await effects(firing)).at(-1)).toBe('resolved');
    // Zabbix tells nobody what they did themselves, and this token is of the user of the media.
    expect(await prepared.sent(firing.fingerprint)).toEqual(['Problem', 'Resolved']);
  });
});
