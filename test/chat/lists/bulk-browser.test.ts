import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../bench/processes.ts';
import { endAll, ready, start } from '../../cli/process.ts';
import { basicConfig, tokens } from '../../doubles/app.ts';
import { chromiumPath, noBrowser } from '../browser.ts';

describe.skipIf(noBrowser)('the list of alerts of a real process in two tabs', { timeout: 180_000 }, () => {
  let browser: Browser;
  let folder: string;
  let listen: string;
  let at: string;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', '--disable-gpu'] });
  });
  afterAll(() => browser?.close());
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tocsin-tabs-'));
    await writeFile(join(folder, 'tocsin.yaml'), basicConfig);
    listen = `127.0.0.1:${await freePort()}`;
    at = `http://${listen}`;
  });
  afterEach(async () => {
    endAll();
    await rm(folder, { recursive: true, force: true });
  });

  async function begin() {
    const tocsin = start(folder, { env: { TOCSIN_LISTEN: listen, ...tokens } });
    await ready(tocsin);
    return tocsin;
  }

  async function send(names: readonly string[]) {
    const answer = await fetch(`${at}/events/alertmanager`, {
      method: 'POST',
      headers: { authorization: 'Bearer alert-secret', 'content-type': 'application/json' },
      body: JSON.stringify({
        version: '4',
        receiver: 'tocsin',
        status: 'firing',
        groupKey: '{}',
        alerts: names.map(name => ({
          status: 'firing',
          labels: { alertname: name },
          annotations: { summary: `${name} is broken` },
          startsAt: '2026-01-01T00:00:00Z',
          endsAt: '0001-01-01T00:00:00Z',
          fingerprint: name,
        })),
      }),
    });
    expect(answer.status).toBe(202);
  }

  async function acknowledged(): Promise<string[]> {
    const answer = await fetch(`${at}/api/v1/alerts`, { headers: { authorization: `Bearer ${tokens['ALICE']}` } });
    const alerts = (await answer.json()) as { fingerprint: string; acknowledgedBy: string | null }[];
    return alerts.filter(one => one.acknowledgedBy !== null).map(one => one.fingerprint);
  }

  const row = (page: Page, name: string) => page.locator('#alert-list > .row', { hasText: name });
  const pick = (page: Page, name: string) => row(page, name).locator('.pick');
  const live = (page: Page) => page.locator('#live-state[data-state="live"]').waitFor();

  async function openTabs(): Promise<[Page, Page]> {
    const context = await browser.newContext();
    const [one, two] = [await context.newPage(), await context.newPage()];
    await one.goto(`${at}/login`);
    await one.getByLabel('Token').fill(tokens['ALICE'] ?? '');
    await one.getByRole('button', { name: 'Sign in' }).click();
    await live(one);
    for (const page of [one, two]) {
      await page.goto(`${at}/alerts`);
      await live(page);
      await row(page, 'Anna').waitFor();
    }
    return [one, two];
  }

  it('shows in one what the other did, and each keeps its own selection', async () => {
    await begin();
    await send(['Anna', 'Bert', 'Carl']);
    const [one, two] = await openTabs();
    for (const name of ['Anna', 'Bert']) await pick(one, name).check();
    for (const name of ['Bert', 'Carl']) await pick(two, name).check();
    await one.locator('#bulk-acknowledge').click();
    await one.locator('#bulk-answer').getByText('Acknowledge: 2 done.').waitFor();
    for (const name of ['Anna', 'Bert']) await row(two, name).getByText('acknowledged by alice').waitFor();
    expect(await two.locator('#bulk-count').textContent()).toBe('2 selected');
    expect(await Promise.all(['Anna', 'Bert', 'Carl'].map(name => pick(two, name).isChecked()))).toEqual([
      false,
      true,
      true,
    ]);
    expect(await one.locator('.pick:checked').count()).toBe(0);
    await one.context().close();
  });

  it('recovers when the server is killed and starts again; the selection stays, and nothing is sent again', async () => {
    const first = await begin();
    await send(['Anna', 'Bert', 'Carl']);
    const [one, two] = await openTabs();
    for (const name of ['Anna', 'Carl']) await pick(one, name).check();
    const posts: string[] = [];
    one.on('request', request => {
      if (request.method() === 'POST') posts.push(request.url());
    });
    first.child.kill('SIGKILL');
    await first.ended;
    await one.locator('#bulk-acknowledge').click();
    await one.getByText('The server is away').waitFor();
    expect(posts).toHaveLength(1);
    await begin();
    await live(one);
    await live(two);
    await send(['Dora']);
    for (const page of [one, two]) await row(page, 'Dora').waitFor();
    expect(posts).toHaveLength(1);
    expect(await acknowledged()).toEqual([]);
    expect(await one.locator('#bulk-count').textContent()).toBe('2 selected');
    expect(await pick(one, 'Carl').isChecked()).toBe(true);
    await one.locator('#bulk-acknowledge').click();
    await one.locator('#bulk-answer').getByText('Acknowledge: 2 done.').waitFor();
    expect((await acknowledged()).sort()).toEqual(['Anna', 'Carl']);
    await row(two, 'Carl').getByText('acknowledged by alice').waitFor();
    await one.context().close();
  });
});
