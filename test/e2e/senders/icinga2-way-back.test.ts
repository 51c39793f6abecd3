import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { createEgress } from '../../../src/kernel/egress/egress.ts';
import { basicHeader } from '../../../src/kernel/signature.ts';
import { permissionsOf } from '../../../src/sources/icinga2/check.ts';
import icinga2 from '../../../src/sources/icinga2/index.ts';
import { basicConfig, startTestApp } from '../../doubles/app.ts';
import { freePort } from '../../real/free-port.ts';
import { makeIcingaCertificate, startIcinga2 } from '../../real/icinga2.ts';
import { missingPrograms } from '../../real/programs.ts';
import { eventually } from '../programs.ts';
import { makeFolder, writeFiles } from '../real.ts';
import { deploy, placed, writeCheck } from './scene.ts';

/** A real Icinga 2 with its API, over TLS with a certificate of its own authority, and Tocsin that writes to it. */

const missing = missingPrograms('icinga2', 'curl', 'openssl');
const [token, password] = ['a token for tests', 'a password for tests'];
const disk = 'web-1!disk /';
let cleanUp: AsyncDisposableStack;

beforeEach(() => {
  cleanUp = new AsyncDisposableStack();
});
afterEach(() => cleanUp.disposeAsync());

const text = (words: string) => JSON.stringify(words);

function objectsOf(port: number, script: string, files: { host: string; disk: string }): string {
  const common = (file: string) => `
  check_command = "check-file"
  check_interval = 1s
  retry_interval = 1s
  max_check_attempts = 1
  vars.file = ${text(file)}
`;
  return `
object ApiListener "api" {
  bind_host = "127.0.0.1"
  bind_port = ${port}
}
object ApiUser "tocsin" {
  password = ${text(password)}
  permissions = [ ${permissionsOf({ write: true, stream: false }).map(text).join(', ')} ]
}
object CheckCommand "check-file" { command = [ ${text(script)}, "$file$" ] }
object Host "web-1" {${common(files.host)}}
object Service "disk /" {
  host_name = "web-1"${common(files.disk)}}
`;
}

async function open(exit: number) {
  const { folder, remove } = await makeFolder();
  cleanUp.defer(remove);
  await writeFiles(folder, { 'tocsin.header': `Authorization: Bearer ${token}\n`, 'icinga2/DataDir/certs/.keep': '' });
  const ca = await makeIcingaCertificate(join(folder, 'icinga2/DataDir/certs'));
  const port = await freePort();
  const url = `https://127.0.0.1:${port}`;
  const gate = join(folder, 'gate');
  const api = { url, user: 'tocsin', password, ca };
  const app = await startTestApp({
    'tocsin.yaml': stringify({
      ...parse(basicConfig),
      sources: { icinga2: { token, api } },
    }),
    'policy.yaml': 'rules: [{ name: all, decide: auto }]\n',
    'runbooks/fix.yaml': stringify({
      title: 'Fix',
      risk: 'low',
      on: [{ source: 'icinga2' }],
      params: {},
      target: '"web-1"',
      steps: [{ id: 'fix', exec: ['sh', '-c', `until [ -e ${gate} ]; do sleep 0.05; done; exit ${exit}`] }],
    }),
  });
  cleanUp.defer(app.stop);
  const check = await writeCheck(folder);
  await check.set('host', 0, 'PING OK');
  await check.set('disk', 0, 'DISK OK');
  const icinga = await startIcinga2(join(folder, 'icinga2'), {
    'tocsin.conf': await placed('icinga2/tocsin.conf', {
      '/usr/local/bin/tocsin-notify': join(deploy, 'nagios/tocsin-notify'),
      'http://127.0.0.1:8080/events/icinga2': `${app.app.url}/events/icinga2`,
      '/etc/icinga2/tocsin.header': join(folder, 'tocsin.header'),
    }),
    'objects.conf': objectsOf(port, check.script, { host: check.file('host'), disk: check.file('disk') }),
  });
  cleanUp.defer(icinga.stop);
  const egress = createEgress({ allow: [new URL(url).host], private: [new URL(url).host], ca });
  cleanUp.defer(() => egress.close());
  const get = async (path: string, body?: object) => {
    const headers = {
      accept: 'application/json',
      authorization: basicHeader('tocsin', password),
      'x-http-method-override': 'GET',
    };
    const init = body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) };
    const answer = await egress.fetch(`${url}${path}`, init);
    return ((await answer.json()) as { results: { attrs: Record<string, unknown> }[] }).results.map(
      ({ attrs }) => attrs,
    );
  };
  return {
    app,
    check,
    icinga,
    options: icinga2.options.parse({ token, api }),
    fetch: egress.fetch,
    letGo: () => writeFile(gate, ''),
    told: async () =>
      (await app.journal()).flatMap(({ fact }) => (fact.kind === 'origin.told' ? [`${fact.what}: ${fact.text}`] : [])),
    acknowledgement: async () =>
      (await get(`/v1/objects/services/${encodeURIComponent(disk)}`))[0]?.['acknowledgement'],
    comments: async () => (await get('/v1/objects/comments', { attrs: ['text'] })).map(one => String(one['text'])),
  };
}

describe.skipIf(missing !== null)('the way back to Icinga 2', { timeout: 180_000 }, () => {
  test('a problem is acknowledged while it is worked on, and handed back with a comment when that did not help', async () => {
    const { app, check, acknowledgement, comments, letGo, told, options, fetch } = await open(1);
    const tools = { fetch, signal: AbortSignal.timeout(30_000) };
    expect(await icinga2.check?.(options, tools as never)).toEqual([{ what: 'the API of Icinga', state: 'ok' }]);
    await check.set('disk', 2, 'DISK CRITICAL');
    await eventually('it is acknowledged', async () => ((await acknowledgement()) === 1 ? true : null));
    // Icinga notifies of that, and Tocsin knows its own words.
    const echoes = async () =>
      /tocsin_events_echoed_total\{[^}]*what="acknowledge"[^}]*\} 1/.test(
        await (await globalThis.fetch(`${app.app.url}/metrics`)).text(),
      );
    await eventually('the notification came back', async () => ((await echoes()) ? true : null));
    await letGo();
    await eventually('it is handed back', async () =>
      (await told()).some(one => one.startsWith('recall')) ? true : null,
    );
    expect(await acknowledgement()).toBe(0);
    expect(await comments()).toEqual([
      expect.stringMatching(/^Tocsin: Fix failed[\s\S]*\[tocsin note\/run_\w+\/\d+ [0-9a-f]{16}\]$/),
    ]);
    expect((await told()).sort()).toEqual([
      'acknowledge: Acknowledged the problem in Icinga',
      'note: Wrote a comment in Icinga',
      'recall: Took the acknowledgement back in Icinga, which notifies again at its interval',
    ]);
    const [alert] = await app.app.store.alerts({});
    expect(alert).toMatchObject({ fingerprint: disk, acknowledgedBy: null, state: 'firing' });
  });

  test('who does not know its authority does not talk to it', async () => {
    const { options } = await open(0);
    const strange = { ...options, api: options.api && { ...options.api, ca: undefined } };
    const found = await icinga2.check?.(strange, {
      fetch: globalThis.fetch,
      signal: AbortSignal.timeout(30_000),
    } as never);
    expect(found).toMatchObject([{ state: 'bad', because: expect.stringContaining('self-signed certificate') }]);
  });
});
