/**
 * Makes docs/console.png: starts Tocsin with the sample files and an empty database, sends a sample alert to its webhook, approves the
 * runbook in a browser, sends the resolve, and takes a picture of the thread.
 * `node scripts/screenshot.ts [file]`; needs Chromium.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import { createApp } from '../src/app.ts';
import { systemClock } from '../src/kernel/clock.ts';
import { createIds } from '../src/kernel/ids.ts';
import { silentLog } from '../src/kernel/log.ts';

const target = process.argv[2] ?? 'docs/console.png';
const folder = await mkdtemp(join(tmpdir(), 'tocsin-picture-'));
const app = await createApp({
  env: process.env,
  clock: systemClock,
  ids: createIds(systemClock),
  log: silentLog,
  listen: { host: '127.0.0.1', port: 0 },
  configPath: 'tocsin.yaml',
  configExplicit: true,
  dataFolder: join(folder, 'data'),
  version: 'picture',
  localKey: 'key-of-the-picture',
});
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
});
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1760 }, colorScheme: 'light' });
  await page.goto(app.localLink ?? app.url);
  await showThread(page);
  await page.screenshot({ path: target });
  console.log(`written: ${target}`);
} finally {
  await browser.close();
  await app.stop('the picture is taken');
  await rm(folder, { recursive: true, force: true });
}

/** The steps of a first try: send, approve, watch, resolve. */
async function showThread(page: Page): Promise<void> {
  await page.locator('#sample-disk-firing').click();
  await page.locator('#timeline a.preview').click();
  const thread = page.url().split('#')[0] ?? page.url();
  await page.getByRole('button', { name: 'Approve', exact: true }).click();
  await page.getByText('waiting for the alert to resolve').first().waitFor();
  await page.goto(app.url);
  await page.locator('#samples-box > summary').click();
  await page.locator('#sample-disk-resolved').click();
  await page.goto(thread);
  await page.getByText('succeeded', { exact: true }).first().waitFor();
  await page.getByText('Resolved, says alertmanager').first().waitFor();
  await page.locator('#live-state[data-state="live"]').waitFor();
}
