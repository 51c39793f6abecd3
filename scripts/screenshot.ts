/**
 * Makes the pictures of docs/console.md: starts Tocsin with the sample files and an empty database, sends sample alerts to its webhook,
 * approves a runbook in a browser, sends the resolve, and takes pictures of the main pages: desktop, phone, light and dark.
 * `node scripts/screenshot.ts [folder]`; needs Chromium.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { createApp } from '../src/app.ts';
import { systemClock } from '../src/kernel/clock.ts';
import { createIds } from '../src/kernel/ids.ts';
import { silentLog } from '../src/kernel/log.ts';

const docs = process.argv[2] ?? 'docs';
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
  await mkdir(join(docs, 'console'), { recursive: true });
  await within({ viewport: { width: 1280, height: 1500 } }, async page => {
    await showThread(page);
    await take(page, 'console.png');
  });
  await within({ viewport: { width: 1280, height: 800 } }, async page => {
    await send(page, 'service');
    await page.goto(`${app.url}/people?person=sam&runbook=disk-usage&params=folder%3D/var`);
    await take(page, 'console/people.png');
    await page.goto(`${app.url}/runbooks/service-health`);
    await take(page, 'console/runbook.png');
  });
  await within({ viewport: { width: 1280, height: 800 }, colorScheme: 'dark' }, async page => {
    const [alert] = await app.store.alerts({ state: 'resolved' });
    await page.goto(`${app.url}/alerts/${alert?.id}`);
    await take(page, 'console/alert-dark.png');
    await page.goto(`${app.url}/schedules`);
    await take(page, 'console/schedules-dark.png');
  });
  await within({ viewport: { width: 390, height: 844 } }, async page => {
    await page.goto(`${app.url}/approvals`);
    await take(page, 'console/approvals-phone.png');
  });
} finally {
  await browser.close();
  await app.stop('the pictures are taken');
  await rm(folder, { recursive: true, force: true });
}

async function within(options: BrowserContextOptions, walk: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  await page.goto(app.localLink ?? app.url);
  await walk(page);
  await context.close();
}

async function take(page: Page, name: string): Promise<void> {
  await page.locator('#live-state[data-state="live"]').waitFor();
  await page.screenshot({ path: join(docs, name) });
  console.log(`written: ${join(docs, name)}`);
}

async function send(page: Page, sample: string): Promise<void> {
  await page.goto(app.url);
  const box = page.locator('#samples-box');
  if ((await box.getAttribute('open')) === null) await box.locator('> summary').click();
  await page.locator(`#sample-${sample}-firing`).click();
  await page.locator('#sample-answer .notice').waitFor();
  await page.getByText('waits for you').waitFor();
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
}
