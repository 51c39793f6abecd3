import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import platform from '../../src/chat/console/index.ts';
import type { ChatConnection } from '../../src/ports/chat.ts';
import { samplePost } from '../contracts/samples.ts';
import { createHostDouble, type HostDouble, localKey } from '../doubles/chat-host.ts';
import { chromiumPath, namelessControls, noBrowser, tooWide } from './browser.ts';
import { finishStep, logRun, printLines } from './log-samples.ts';

/** Runs in the page: pixels between what is shown of the first box and its end. */
const fromEnd = `(() => { const box = document.querySelector('.scroll[data-follow]'); return Math.round(box.scrollHeight - box.scrollTop - box.clientHeight); })()`;

describe.skipIf(noBrowser)('output and logs in a browser', () => {
  let browser: Browser;
  let double: HostDouble;
  let connection: ChatConnection;
  let at: string;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', '--disable-gpu'] });
  });
  afterAll(() => browser?.close());
  beforeEach(async () => {
    double = await createHostDouble();
    connection = await platform.open(platform.options.parse({}), double.host);
    at = await double.listen();
    context = await browser.newContext();
    page = await context.newPage();
    complaints = [];
    page.on('pageerror', error => complaints.push(error.message));
    page.on('console', message => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    await page.goto(`${at}/?key=${localKey}`);
  });
  afterEach(async () => {
    await context.close();
    await connection.close();
    await double.close();
  });

  const live = () => page.locator('#live-state[data-state="live"]').waitFor();
  const seen = (text: string) => page.locator('.scroll').getByText(text).last().waitFor({ state: 'attached' });

  async function print(from: number, to: number): Promise<void> {
    await printLines(double, from, to);
    double.wakeOutput('run_1');
    await seen(`line ${to}`);
  }

  const thread = samplePost({ key: 'run/run_1', run: 'run_1', alert: null, card: runningCard() });

  it.each([
    ['in the thread', 1280, '/threads/run/run_1'],
    ['on the page of the run', 1280, '/runs/run_1'],
    ['on the page of the run, on a phone', 360, '/runs/run_1'],
    ['on the page of the log', 1280, '/runs/run_1/log?step=clean'],
    ['on the page of the log, on a phone', 360, '/runs/run_1/log?step=clean'],
  ])('follows the end %s until the reader leaves it, and goes back by a press', async (_name, width, path) => {
    await page.setViewportSize({ width, height: 700 });
    await double.put(thread);
    await double.commit({ rows: [{ table: 'run', doc: logRun('running') }] });
    await printLines(double, 1, 200);
    await page.goto(at + path);
    await live();
    await seen('line 200');
    await expect.poll(() => page.evaluate(fromEnd)).toBeLessThan(3);
    await print(201, 300);
    await expect.poll(() => page.evaluate(fromEnd)).toBeLessThan(3);
    const jump = page.getByRole('button', { name: 'Jump to the end' });
    expect(await jump.count()).toBe(0);
    // The reader goes up: what stands there stays there, whatever is printed below.
    await page
      .locator('.scroll[data-follow]')
      .first()
      .evaluate(box => {
        box.scrollTop = 40;
      });
    await jump.waitFor();
    await print(301, 500);
    expect(await page.evaluate(`document.querySelector('.scroll[data-follow]').scrollTop`)).toBe(40);
    await jump.focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => page.evaluate(fromEnd)).toBeLessThan(3);
    await print(501, 520);
    await expect.poll(() => page.evaluate(fromEnd)).toBeLessThan(3);
    expect(await jump.count()).toBe(0);
    expect(await page.evaluate(tooWide)).toBe(0);
    expect(await page.evaluate(namelessControls)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('stands under its step, with the title of the step', async () => {
    await double.put(thread);
    await double.commit({ rows: [{ table: 'run', doc: logRun('running') }] });
    await printLines(double, 1, 3);
    await page.goto(`${at}/threads/run/run_1`);
    const step = page.locator('li.step', { has: page.getByRole('group', { name: 'Last lines' }) });
    expect(await step.locator('.step-title').textContent()).toBe('Clean up');
    await step.getByText('Output of Clean up').waitFor();
    await page.goto(`${at}/runs/run_1`);
    await page.locator('#step-clean').getByText('Output of Clean up').waitFor();
  });

  it('has the last lines after the end of a flood, live and after a reload', async () => {
    await double.commit({ rows: [{ table: 'run', doc: logRun('running') }] });
    await printLines(double, 1, 5);
    for (const path of ['/runs/run_1', '/runs/run_1/log']) {
      await page.goto(at + path);
      await live();
      await seen('line 5');
    }
    const tail = Array.from({ length: 3000 }, (_, index) => `last ${index + 1}`).join('\n');
    await finishStep(double, `line 1\n\n[… 9,000,000 bytes cut …]\n${tail}\n`);
    await seen('last 3000');
    await expect.poll(() => page.evaluate(fromEnd)).toBeLessThan(3);
    await page.goto(`${at}/runs/run_1`);
    await page.reload();
    await double.commit({ rows: [] });
    await page.goto(`${at}/runs/run_1/log`);
    await seen('last 3000');
    await expect.poll(() => page.evaluate(fromEnd)).toBeLessThan(3);
    expect(complaints).toEqual([]);
  });

  it('lets times go on while output comes', async () => {
    const now = double.host.clock.now();
    const run = logRun('running');
    const steps = run.steps.map((step, index) => (index === 0 ? { ...step, startedAt: now - 100_000 } : step));
    await double.commit({ rows: [{ table: 'run', doc: { ...run, startedAt: now - 100_000, steps } }] });
    await page.goto(`${at}/runs/run_1`);
    await live();
    const elapsed = () => page.locator('#step-clean .elapsed').textContent();
    const first = await elapsed();
    await expect.poll(elapsed, { timeout: 20_000 }).not.toBe(first);
    const later = await elapsed();
    // Output brings no time of the server: the clock of the page does not go back to where it was loaded.
    for (let number = 1; number <= 5; number++) await print(number, number);
    await expect.poll(elapsed, { timeout: 20_000 }).not.toBe(later);
    expect(seconds(await elapsed())).toBeGreaterThan(seconds(later));
  });

  it('leads to a line by its link, by a hash alone, after a reload, and without a script', async () => {
    await double.commit({ rows: [{ table: 'run', doc: logRun('done') }] });
    await printLines(double, 1, 4000);
    await page.goto(`${at}/runs/run_1/log?step=clean#L120`);
    await page.waitForURL(/line=120/);
    await expect
      .poll(() => page.evaluate(`getComputedStyle(document.getElementById('L120')).outlineStyle`))
      .toBe('solid');
    await expect.poll(() => page.evaluate(inView('L120'))).toBe(true);
    await page.reload();
    await expect.poll(() => page.evaluate(inView('L120'))).toBe(true);
    await page.getByRole('link', { name: 'Line 130' }).click();
    await page.waitForURL(/line=130#L130/);
    await page.goto(`${at}/runs/run_1/log?step=clean`);
    await page.getByRole('searchbox', { name: 'Search' }).fill('LINE 77');
    await page.keyboard.press('Enter');
    await page.getByText('11 lines have “LINE 77”').waitFor();
    await page.getByRole('link', { name: 'Do not wrap lines' }).click();
    await page.locator('.log-nowrap').waitFor();
    expect(page.url()).toContain('q=LINE+77');
    await page.getByRole('link', { name: 'Line 77', exact: true }).click();
    await page.locator('#L77 mark').waitFor();
    const bare = await browser.newContext({ javaScriptEnabled: false });
    const silent = await bare.newPage();
    await silent.goto(`${at}/runs/run_1/log?step=clean&line=120#L120`);
    expect(await silent.locator('.log-here').getAttribute('id')).toBe('L120');
    await bare.close();
    expect(complaints).toEqual([]);
  });
});

/** Runs in the page: whether the element is in sight. */
const inView = (id: string) =>
  `(() => { const box = document.getElementById('${id}').getBoundingClientRect(); return box.top >= 0 && box.bottom <= innerHeight; })()`;

/** Seconds of `1m 42s`. */
function seconds(text: string | null): number {
  const [, minutes = '0', rest = '0'] = /(?:(\d+)m ?)?(?:(\d+)s)?/.exec(text ?? '') ?? [];
  return Number(minutes) * 60 + Number(rest);
}

function runningCard() {
  return {
    tone: 'info' as const,
    title: 'Free disk space',
    badge: 'step 1 of 2',
    blocks: [
      {
        kind: 'progress' as const,
        done: 0,
        total: 2,
        startedAt: 1,
        finishedAt: null,
        steps: [
          { id: 'clean', title: 'Clean up', state: 'running' as const, because: null },
          { id: 'after', title: 'Look again', state: 'pending' as const, because: null },
        ],
      },
      { kind: 'output' as const, run: 'run_1', step: 'clean', tail: '', live: true },
    ],
    buttons: [],
    mention: [],
  };
}
