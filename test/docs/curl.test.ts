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
import { readPages } from './pages.ts';

/** The deliveries that the pages show with curl, typed into a real shell against the real door. */
const secrets = {
  ALERTMANAGER_TOKEN: 'a-token',
  PAGERDUTY_SECRET: 'a-secret',
  BACKUP_SECRET: 'another-secret',
  NAGIOS_TOKEN: 'a-key',
  COLLECTD_TOKEN: 'another-key',
};

const pages = readPages();
const deliveries = pages
  .flatMap(page => page.blocks)
  .filter(block => block.language === 'sh' && /curl .*\/events\//.test(block.text));

/** The sources as docs/sources.md and docs/senders.md set them up. README sends to one without a secret, which takes any. */
const sources = pages
  .filter(page => ['docs/sources.md', 'docs/senders.md'].includes(page.path))
  .flatMap(page => page.blocks)
  .filter(block => block.label === 'tocsin.yaml')
  .map(block => block.text.replace(/^# tocsin\.yaml\nsources:\n/, ''))
  .filter(text => /^ {2}(pagerduty|backups|nagios|collectd):/.test(text));

const here = (program: string) =>
  (process.env['PATH'] ?? '').split(delimiter).some(folder => existsSync(join(folder, program)));

let folder = '';
let app: App;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-docs-'));
  await writeFile(join(folder, 'tocsin.yaml'), `sources:\n  alertmanager: {}\n${sources.join('')}`);
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

test('there are deliveries to type', () => {
  expect(deliveries.length).toBeGreaterThanOrEqual(6);
  expect(sources).toHaveLength(4);
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
    expect(stdout).toMatch(/"accepted":\[\{"event":"evt_[^"]+","alert":"alt_[^"]+","duplicate":false\}\]/);
  },
);
