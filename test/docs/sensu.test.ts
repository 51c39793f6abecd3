import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import sensu from '../../src/sources/sensu-go/index.ts';
import { startTestApp, type TestApp } from '../doubles/app.ts';
import { missingPrograms } from '../real/programs.ts';
import { readPage } from './pages.ts';

let app: TestApp;
let folder = '';
afterEach(async () => {
  await app.stop();
  await rm(folder, { recursive: true });
});

test.skipIf(missingPrograms('curl') !== null)(
  'the handler for Sensu Go posts an event, as the page writes it',
  async () => {
    const token = 'a token of Sensu';
    app = await startTestApp({
      'tocsin.yaml': `sources: { sensu-go: { token: ${token} } }\npeople: { alice: {} }\noperators: [alice]\ntokens: [{ env: ALICE, person: alice }]\n`,
    });
    folder = await mkdtemp(join(tmpdir(), 'tocsin-sensu-'));
    await writeFile(join(folder, 'tocsin.header'), `Authorization: Bearer ${token}\n`);
    const block = readPage('docs/alert-services.md').blocks.find(({ text }) => text.startsWith('type: Handler'));
    const command = (/^ {2}command: (.*)$/m.exec(block?.text ?? '')?.[1] ?? '')
      .replace('/etc/sensu/tocsin.header', join(folder, 'tocsin.header'))
      .replace('https://tocsin.example.com', app.app.url);
    expect(command).toContain(app.app.url);
    // The backend runs it by a shell, with the event on its standard input.
    const handle = async (event: string) => {
      const child = spawn('sh', ['-c', command], { stdio: ['pipe', 'ignore', 'ignore'] });
      child.stdin.end(event);
      const [code] = await once(child, 'exit');
      return code;
    };
    const [failing, passing, ...others] = sensu.examples.map(({ body }) => body);
    expect(await handle(failing ?? '')).toBe(0);
    expect(await app.app.store.alerts({})).toMatchObject([
      { fingerprint: 'default/db-1/disk', state: 'firing', trusted: true },
    ]);
    expect(await handle(passing ?? '')).toBe(0);
    expect(await app.app.store.alerts({})).toMatchObject([{ state: 'resolved' }]);
    // What is refused is an error of the handler, which the backend logs.
    expect(await handle(others.at(-1) ?? '')).toBe(22);
  },
);
