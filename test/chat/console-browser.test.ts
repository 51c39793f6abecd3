import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import platform from '../../src/chat/console/index.ts';
import { threadPath } from '../../src/chat/console/viewer.ts';
import type { Block, Post } from '../../src/model/card.ts';
import type { ChatConnection } from '../../src/ports/chat.ts';
import { sampleAlert, sampleApproval, samplePost, sampleRun } from '../contracts/samples.ts';
import { sampleDeliveries, sampleSource } from '../contracts/views.ts';
import { createHostDouble, type HostDouble, localKey } from '../doubles/chat-host.ts';
import { chromiumPath, namelessControls, noBrowser, tooWide } from './browser.ts';

const root = samplePost({ card: card('Disk is full on web-1', []) });
const path = threadPath(root.key);

describe.skipIf(noBrowser)('the console in a browser', () => {
  let browser: Browser;
  let double: HostDouble;
  let connection: ChatConnection;
  let at: string;
  let context: BrowserContext;
  let page: Page;
  /** Whatever a browser complains about: errors of scripts, refusals of the content security policy, dialogs. */
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
    watch(page);
    await page.goto(`${at}/?key=${localKey}`);
  });
  afterEach(async () => {
    await context.close();
    await connection.close();
    await double.close();
  });

  function watch(one: Page): void {
    one.on('pageerror', error => complaints.push(error.message));
    one.on('console', message => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    one.on('dialog', dialog => {
      complaints.push(`dialog ${dialog.message()}`);
      void dialog.dismiss();
    });
  }

  const live = () => page.locator('#live-state[data-state="live"]').waitFor();

  it('counts down the time that is left of a question, and the bar has the colour of its risk', async () => {
    const expiresAt = double.host.clock.now() + 62_000;
    const asked = card('HIGH · reboot · db-1', [
      { kind: 'facts', facts: [{ label: 'Time', spans: [{ kind: 'left', at: expiresAt, text: 'noon' }] }] },
    ]);
    await double.put(
      root,
      samplePost({ key: 'approval/apv_1', thread: root.key, order: 2, card: { ...asked, tone: 'ask', risk: 'high' } }),
    );
    await page.goto(`${at}${path}`);
    const left = page.locator('.card.tone-risk-high .left');
    await left.getByText('1 min left').or(left.getByText('less than a minute left')).waitFor();
    await left.getByText('less than a minute left').waitFor();
    expect(await left.getAttribute('data-left')).toBe(String(expiresAt));
    expect(complaints).toEqual([]);
  });

  it('leaves the key out of the address, and goes live on every page', async () => {
    expect(page.url()).toBe(`${at}/`);
    await double.put(root);
    await double.commit({
      rows: [
        { table: 'alert', doc: sampleAlert() },
        { table: 'run', doc: sampleRun() },
      ],
    });
    // Often enough that a race at loading shows: it once left one page in five without its stream.
    for (let round = 0; round < 4; round++) {
      for (const place of ['/', path, '/runs', '/runs/run_1', '/approvals', '/journal', '/runbooks', '/sources']) {
        await page.goto(`${at}${place}`);
        await live();
      }
    }
    expect(complaints).toEqual([]);
  });

  it('shows output that begins while the page is open, from its first line, once and in colour', async () => {
    await double.put(root);
    await page.goto(`${at}${path}`);
    await live();
    await output(1, 'the first line\n\x1b[31mred ');
    await double.put(runPost(true));
    const box = page.locator('pre.ansi');
    await box.getByText('the first line').waitFor();
    for (let seq = 2; seq <= 5; seq++) {
      await output(seq, `still red ${seq}\n`);
      double.wakeOutput('run_1');
    }
    await box.getByText('still red 5').waitFor();
    await double.put(runPost(false));
    await page.getByText('1 of 1 steps').waitFor();
    const lines = ['the first line', 'red still red 2', 'still red 3', 'still red 4', 'still red 5', ''];
    expect(await box.textContent()).toBe(lines.join('\n'));
    expect(await box.locator('.t-f1').first().textContent()).toBe('red ');
    await page.reload();
    expect(await box.textContent()).toBe(lines.join('\n'));
    expect(complaints).toEqual([]);
  });

  it('approves with one press and tells the answer beside it', async () => {
    await double.put(root, approvalPost());
    await page.goto(`${at}${path}`);
    double.answers = [{ ok: true, text: 'Approved. It starts now.', run: 'run_1' }];
    await page.getByRole('button', { name: 'Approve', exact: true }).click();
    await page.getByText('Approved. It starts now.').waitFor();
    expect(double.acts.map(({ act }) => act)).toMatchObject([
      { kind: 'vote', vote: 'approve', reason: null, seal: 'ab' },
    ]);
  });

  it('denies by keyboard alone, with a reason, and refuses to send none', async () => {
    await double.put(root, approvalPost());
    await page.goto(`${at}${path}`);
    await page.getByRole('button', { name: 'Approve', exact: true }).focus();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(double.acts).toEqual([]);
    await page.keyboard.type('not during the sale');
    await page.keyboard.press('Enter');
    await page.getByText('Done.', { exact: false }).first().waitFor();
    expect(double.acts[0]?.act).toMatchObject({ vote: 'deny', reason: 'not during the sale' });
  });

  it('keeps what is open and what is typed while the card changes', async () => {
    await double.put(root, approvalPost());
    await page.goto(`${at}${path}`);
    await live();
    await page.getByText('Deny…').click();
    await page.getByLabel('Reason').fill('half a sent');
    await double.put({ ...approvalPost(), wanted: 2, card: { ...approvalPost().card, badge: 'one vote' } });
    await page.getByText('one vote').waitFor();
    expect(await page.getByLabel('Reason').inputValue()).toBe('half a sent');
    expect(await page.getByLabel('Reason').isVisible()).toBe(true);
    expect(complaints).toEqual([]);
  });

  it('takes commands in the message box, and empties it when they were taken', async () => {
    await page.getByLabel('Command', { exact: true }).fill('help');
    await page.getByRole('button', { name: 'Send', exact: true }).first().click();
    await page.getByText('only you see this answer').waitFor();
    await page.getByRole('heading', { name: 'Commands' }).waitFor();
    expect(await page.getByLabel('Command', { exact: true }).inputValue()).toBe('');
  });

  it('comes back by itself after the connection broke, with what it missed', async () => {
    await double.put(root);
    await page.goto(`${at}${path}`);
    await live();
    double.http.server.closeAllConnections();
    await double.put(samplePost({ key: 'note/2', thread: root.key, order: 2, card: card('While you were away', []) }));
    await page.getByText('While you were away').waitFor();
    await live();
    expect(await page.getByText('Disk is full on web-1').count()).toBeGreaterThan(0);
  });

  it('sends a sample through the door and says what the door answered', async () => {
    // The double has no door, so the answer is the one of a server without this source.
    await page.getByText('A disk fills up').waitFor();
    await page.locator('#sample-disk-firing').click();
    expect(await page.locator('#sample-answer .notice').textContent()).toContain('answered 404');
  });

  it('runs nothing that came as data', async () => {
    const evil = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script><svg onload=window.pwned=1>';
    const blocks: Block[] = [
      { kind: 'text', text: evil },
      { kind: 'fields', fields: [{ label: evil, value: `"><hx-partial hx-target="body">${evil}` }] },
      { kind: 'links', links: [{ label: evil, url: 'javascript:window.pwned=1' }] },
      { kind: 'output', run: 'run_1', step: 'clean', tail: evil, live: true },
    ];
    await double.put({ ...root, card: card(evil, blocks) });
    await output(1, evil);
    for (const place of ['/', path]) {
      await page.goto(`${at}${place}`);
      await live();
    }
    await output(2, `\x1b[31m${evil}`);
    double.wakeOutput('run_1');
    await double.put({ ...root, wanted: 2, card: card(`again ${evil}`, blocks) });
    await page.getByText('again <img').first().waitFor();
    await page.locator('.t-f1').first().waitFor();
    expect(await page.evaluate(`'pwned' in window`)).toBe(false);
    expect(await page.locator('main img, main svg, main script').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it.each([
    [320, 'light'],
    [390, 'dark'],
    [1280, 'dark'],
  ] as const)(
    'fits %i pixels in %s on every page, with one heading and a name for every field',
    async (width, colorScheme) => {
      await double.put(root, approvalPost(), runPost(false));
      await double.commit({
        rows: [
          { table: 'alert', doc: sampleAlert({ labels: { long: 'x'.repeat(300) } }) },
          { table: 'run', doc: sampleRun({ state: 'failed', because: 'y'.repeat(300) }) },
          { table: 'approval', doc: sampleApproval({ state: 'denied' }) },
          { table: 'halt', doc: { by: 'you', reason: 'z'.repeat(200), at: 1 } },
        ],
      });
      double.view.problems = [{ file: `${'long/'.repeat(40)}x.yaml`, line: 1, column: 1, message: 'w'.repeat(200) }];
      const source = { type: 'webhook', about: 'Any JSON that something posts.', trouble: 'refused '.repeat(40) };
      double.sources = [sampleSource({ ...source, name: 'n'.repeat(200) }), sampleSource({ name: 'hooks' })];
      await double.commit({ rows: sampleDeliveries('hooks') });
      await page.setViewportSize({ width, height: 700 });
      await page.emulateMedia({ colorScheme });
      for (const place of [
        '/',
        path,
        '/runs',
        '/runs/run_1',
        '/alerts',
        '/alerts/alt_1',
        '/approvals?state=all',
        '/journal',
        '/runbooks',
        '/sources',
        '/sources/hooks',
      ]) {
        await page.goto(`${at}${place}`);
        expect(await page.evaluate(tooWide), place).toBe(0);
        expect(await page.locator('h1').count(), place).toBe(1);
        expect(await page.evaluate(namelessControls), place).toEqual([]);
      }
      expect(complaints).toEqual([]);
    },
  );

  it('tests a source by the keyboard, shows what arrives as it arrives, and takes no text for markup', async () => {
    const hostile = '<img src=x onerror=alert(1)>\u202Eabc';
    double.sources = [sampleSource({ proof: false, steps: [hostile], about: hostile, options: hostile })];
    await page.goto(`${at}/sources`);
    await page.getByText('unsigned').waitFor();
    await page.getByRole('link', { name: 'hooks' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('unsigned: can only ask or notify').waitFor();
    await live();
    double.answers = [{ ok: true, text: 'It was taken.' }];
    await page.getByRole('button', { name: 'Deliver a test' }).focus();
    await page.keyboard.press('Enter');
    await page.locator('#test-answer').getByText('It was taken.').waitFor();
    expect(double.acts.map(one => one.act)).toEqual([{ kind: 'test', source: 'hooks' }]);
    await double.commit({ rows: sampleDeliveries('hooks') });
    await page.getByText('12,345 times').waitFor();
    expect(await page.locator('.deliveries > li').count()).toBe(8);
    expect(await page.getByRole('link', { name: 'episode 1' }).first().getAttribute('href')).toBe(
      '/threads/alert/alt_1/1',
    );
    // The answer stays while the page is kept fresh.
    await page.locator('#test-answer').getByText('It was taken.').waitFor();
    expect(await page.locator('main img').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it('lets the keyboard skip to the content, and shows where it is', async () => {
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to content');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).not.toBe('none');
  });

  it('reads without the key, and says how to act', async () => {
    await double.put(root, approvalPost());
    const reader = await (await browser.newContext()).newPage();
    watch(reader);
    await reader.goto(`${at}${path}`);
    await reader.getByText('Reading only').waitFor();
    await reader.getByRole('button', { name: 'Approve', exact: true }).click();
    await reader.getByText('This page only reads here').waitFor();
    await reader.context().close();
    expect(double.acts).toEqual([]);
  });

  async function output(seq: number, text: string): Promise<void> {
    await double.commit({
      rows: [{ table: 'output', doc: { run: 'run_1', step: 'clean', attempt: 1, seq, text, at: 1 } }],
    });
  }
});

function card(title: string, blocks: Block[]): Post['card'] {
  return { tone: 'warning', title, badge: 'firing', blocks, buttons: [], mention: [] };
}

function runPost(live: boolean): Post {
  const progress: Block = {
    kind: 'progress',
    done: live ? 0 : 1,
    total: 1,
    startedAt: 1,
    finishedAt: live ? null : 2,
    steps: [{ id: 'clean', title: 'Clean up', state: live ? 'running' : 'done', because: null }],
  };
  const output: Block = { kind: 'output', run: 'run_1', step: 'clean', tail: '', live };
  return samplePost({
    key: 'run/run_1',
    thread: root.key,
    order: 3,
    wanted: live ? 1 : 2,
    card: card('Free disk space', [progress, output]),
  });
}

function approvalPost(): Post {
  const vote = (choice: 'approve' | 'deny') =>
    ({ kind: 'act', act: { kind: 'vote', approval: 'apv_1', vote: choice, reason: null, seal: 'ab' } }) as const;
  return samplePost({
    key: 'approval/apv_1',
    thread: root.key,
    order: 2,
    card: {
      ...card('Run it?', [{ kind: 'code', text: '1. Clean up\n   ["rm","-rf","/tmp/x"]' }]),
      buttons: [
        { label: 'Approve', style: 'primary', reason: 'none', does: vote('approve') },
        { label: 'Deny', style: 'danger', reason: 'required', does: vote('deny') },
      ],
    },
  });
}
