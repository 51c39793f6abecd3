import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type App, createApp } from '../../src/app.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { createIds } from '../../src/kernel/ids.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { readPage, readPages } from './pages.ts';

/** The deliveries that the pages show with curl, typed into a real shell against the real door. */
const pages = readPages();
const deliveries = pages
  .flatMap(page => page.blocks)
  .filter(block => block.language === 'sh' && /curl .*\/events\//s.test(block.text));
const names = new Set(
  deliveries.flatMap(block => [...block.text.matchAll(/\/events\/([a-z0-9-]+)/g)].map(([, name]) => name)),
);

/** The sources as pages of several set them up. README sends to one without a secret, which takes any. */
const sources = ['docs/sources.md', 'docs/senders.md', 'docs/alert-services.md', 'docs/records.md']
  .flatMap(path => readPage(path).blocks)
  .filter(block => block.label === 'tocsin.yaml')
  .map(({ text }) => ({ name: /^# tocsin\.yaml\nsources:\n {2}([a-z0-9-]+):/.exec(text)?.[1] ?? '', text }))
  .filter(({ name }) => names.has(name) && name !== 'alertmanager')
  .map(({ name, text }) => ({ name, text: text.replace(/^# tocsin\.yaml\nsources:\n/, '') }));

/** What the variables hold that stand there. */
const variables = sources.flatMap(({ text }) => [...text.matchAll(/\$\{([A-Z_]+)\}/g)].map(([, name = '']) => name));
const secrets = Object.fromEntries([...variables, 'ALERTMANAGER_TOKEN'].map(name => [name, `a-value-of-${name}`]));

const here = (program: string) =>
  (process.env['PATH'] ?? '').split(delimiter).some(folder => existsSync(join(folder, program)));

let folder = '';
let app: App;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-docs-'));
  await writeFile(
    join(folder, 'tocsin.yaml'),
    `sources:\n  alertmanager: {}\n${sources.map(({ text }) => text).join('')}`,
  );
  app = await createApp({
    env: { PATH: process.env['PATH'], ...secrets },
    clock: systemClock,
    ids: createIds(systemClock),
    log: silentLog,
    listen: { host: '127.0.0.1', port: 0 },
    configPath: join(folder, 'tocsin.yaml'),
    configExplicit: true,
    dataFolder: join(folder, 'data'),
    version: 'test',
    localKey: 'a-local-key',
  });
});

afterAll(async () => {
  await app.stop('the test is over');
  await rm(folder, { recursive: true, force: true });
});

test('there are deliveries to type, each to a source that a page sets up once', () => {
  expect(deliveries.length).toBeGreaterThanOrEqual(6);
  expect(sources.map(({ name }) => name).sort()).toEqual([...names].filter(name => name !== 'alertmanager').sort());
});

test
  .skipIf(!here('curl') || !here('openssl'))
  .each(deliveries.map(block => [`${block.page}:${block.line}`, block] as const))(
  '%s is answered 202',
  async (_name, block) => {
    const line = block.text.replaceAll('http://127.0.0.1:8080', app.url);
    const { stdout } = await promisify(execFile)('sh', ['-euc', line], {
      env: { PATH: process.env['PATH'], ...secrets },
    });
    expect(stdout).toMatch(/^HTTP\/1\.1 202 /);
    // A source of changes alone opens no alert.
    const alert = block.text.includes('/events/kubernetes-audit') ? 'null' : '"alt_[^"]+"';
    const records = String.raw`\{"records":\d+,"unreadable":0,"alerts":0,"duplicate":false\}$`;
    const events = `"accepted":\\[\\{"event":"evt_[^"]+","alert":${alert},"duplicate":false\\}\\]`;
    expect(stdout).toMatch(new RegExp(`${events}|${records}`));
  },
);
