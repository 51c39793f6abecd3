import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import platform from '../../../src/chat/console/index.ts';
import type { Alert } from '../../../src/model/alert.ts';
import type { ChatConnection } from '../../../src/ports/chat.ts';
import { sampleAlert, sampleEntry } from '../../contracts/samples.ts';
import { createHostDouble, type HostDouble, localKey } from '../../doubles/chat-host.ts';
import { chromiumPath, namelessControls, noBrowser, tooWide } from '../browser.ts';

const severities = ['critical', 'error', 'warning', 'info'] as const;

/** Alerts of a storm, the first of them the newest. */
function storm(count: number): Alert[] {
  return Array.from({ length: count }, (_, n) =>
    sampleAlert({
      id: `alt_${n}`,
      fingerprint: `${n}`,
      title: `Disk ${n} is full`,
      severity: severities[n % 4] ?? 'info',
      labels: { cluster: `c${n % 3}`, host: `web-${n}` },
      firstSeen: Date.now() - n * 1000,
      startsAt: Date.now() - n * 1000,
    }),
  );
}

describe.skipIf(noBrowser)('the list of alerts in a browser', () => {
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

  const put = (docs: readonly Alert[]) => double.commit({ rows: docs.map(doc => ({ table: 'alert' as const, doc })) });
  const live = () => page.locator('#live-state[data-state="live"]').waitFor();
  const rows = () => page.locator('#alert-list > .row');
  const focusedText = () => page.evaluate('document.activeElement.textContent');

  it('is walked by keys: search, rows, selection, acknowledge and silence, help', async () => {
    await put(storm(6));
    await page.goto(`${at}/alerts`);
    await live();
    await page.keyboard.press('j');
    expect(await focusedText()).toBe('Disk 0 is full');
    await page.keyboard.press('j');
    await page.keyboard.press('x');
    await page.keyboard.press('j');
    await page.keyboard.press('x');
    await page.keyboard.press('k');
    expect(await focusedText()).toBe('Disk 1 is full');
    expect(await page.locator('#bulk-count').textContent()).toBe('2 selected');
    await page.keyboard.press('a');
    await page.locator('#bulk-answer').getByText('Acknowledge: 2 done.').waitFor();
    expect(double.acts.map(({ act }) => [act.kind, 'alert' in act && act.alert])).toEqual([
      ['acknowledge', 'alt_1'],
      ['acknowledge', 'alt_2'],
    ]);
    expect(await page.locator('.pick:checked').count()).toBe(0);
    // Without a selection it is the row that the keys are at.
    double.acts.length = 0;
    await page.keyboard.press('k');
    await page.keyboard.press('s');
    await page.locator('#bulk-answer').getByText('Silence for 1h: 1 done.').waitFor();
    expect(double.acts.map(({ act }) => act)).toEqual([
      { kind: 'silence', alert: 'alt_0', duration: 3_600_000, reason: null },
    ]);
    // In a field they are letters.
    await page.keyboard.press('/');
    await page.keyboard.type(' jkasx?/');
    expect(await page.locator('#search').inputValue()).toContain('jkasx?/');
    expect(double.acts).toHaveLength(1);
    await page.keyboard.press('Escape');
    await page.keyboard.press('?');
    await page.locator('#keys').getByText('acknowledges what is selected').waitFor();
    await page.keyboard.press('a');
    await page.keyboard.press('?');
    await page.locator('#keys').waitFor({ state: 'hidden' });
    expect(double.acts).toHaveLength(1);
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${at}/alerts/alt_*`);
    expect(complaints).toEqual([]);
  });

  it('keeps the selection, the focus and the place while alerts come, change and go', async () => {
    const docs = storm(60);
    await put(docs);
    await page.setViewportSize({ width: 1200, height: 500 });
    await page.goto(`${at}/alerts`);
    await live();
    for (let n = 0; n < 40; n++) await page.keyboard.press('j');
    await page.keyboard.press('x');
    const place = async () => (await page.evaluate('document.activeElement.getBoundingClientRect().top')) as number;
    const before = await place();
    const [first, second] = docs;
    if (first === undefined || second === undefined) throw new Error('no alerts');
    await put([
      { ...first, title: 'Changed', version: 2 },
      { ...second, state: 'resolved', version: 2 },
      sampleAlert({ id: 'alt_new', fingerprint: 'new', title: 'New one', firstSeen: Date.now(), startsAt: Date.now() }),
      sampleAlert({ id: 'alt_n2', fingerprint: 'n2', title: 'New two', firstSeen: Date.now(), startsAt: Date.now() }),
    ]);
    await page.getByText('New one').waitFor();
    await page.getByText('Changed').waitFor();
    await page.getByText('Disk 1 is full').waitFor({ state: 'detached' });
    expect(await focusedText()).toBe('Disk 39 is full');
    expect(await page.locator('.pick:checked').getAttribute('name')).toBe('pick.alt_39');
    expect(Math.abs((await place()) - before)).toBeLessThan(40);
    // The row itself changes under the reader.
    await put([{ ...(docs[39] as Alert), title: 'Disk 39 is fuller', version: 2 }]);
    await page.getByText('Disk 39 is fuller').waitFor();
    expect(await focusedText()).toBe('Disk 39 is fuller');
    expect(await page.locator('.pick:checked').getAttribute('name')).toBe('pick.alt_39');
    expect(complaints).toEqual([]);
  });

  it('adds older rows in place, keeps them live, and comes back to the place', async () => {
    const docs = storm(250);
    await put(docs);
    await page.goto(`${at}/alerts`);
    await live();
    expect(await rows().count()).toBe(100);
    expect(await page.locator('#total').textContent()).toBe('250 alerts');
    await page.getByRole('link', { name: 'Show older' }).click();
    await page.getByText('Disk 199 is full').waitFor();
    expect(await rows().count()).toBe(200);
    expect(page.url()).toContain('show=200');
    await live();
    await put([{ ...(docs[150] as Alert), title: 'Disk 150 changed', version: 2 }]);
    await page.getByText('Disk 150 changed').waitFor();
    await page.getByText('Disk 180 is full').scrollIntoViewIfNeeded();
    await page.getByText('Disk 180 is full').click();
    await page.waitForURL(`${at}/alerts/alt_180`);
    await page.goBack();
    await page.getByText('Disk 180 is full').waitFor();
    expect(await rows().count()).toBe(200);
    await page.waitForFunction('scrollY > 1000');
    expect(complaints).toEqual([]);
  });

  it('adds older entries of the journal in place, and goes on with new ones', async () => {
    const entries = (count: number) => Array.from({ length: count }, (_, n) => sampleEntry('note', `alert/alt_${n}`));
    await double.commit({ entries: entries(250) });
    await page.goto(`${at}/journal`);
    await live();
    await page.getByRole('link', { name: 'Older entries' }).click();
    await page.locator('#entry-51').waitFor();
    expect(await page.locator('.entry').count()).toBe(200);
    expect(page.url()).toContain('show=200');
    await live();
    await double.commit({ entries: entries(1) });
    await page.locator('#entry-251').waitFor();
    await page.locator('#entry-51').waitFor({ state: 'detached' });
    expect(await page.locator('.entry').count()).toBe(200);
    expect(complaints).toEqual([]);
  });

  it('folds alerts into groups with exact counts, which open without a script', async () => {
    await put(storm(30));
    const plain = await browser.newContext({ javaScriptEnabled: false });
    const still = await plain.newPage();
    await still.goto(`${at}/?key=${localKey}`);
    await still.goto(`${at}/alerts?by=cluster`);
    const text = async () => await still.locator('#alert-list > .row').allInnerTexts();
    expect((await text()).map(one => one.replace(/\s+/g, ' '))).toEqual([
      '▸ cluster: c1 3 critical 3 error 2 warning 2 info all 10 alerts',
      '▸ cluster: c0 3 critical 2 error 2 warning 3 info all 10 alerts',
      '▸ cluster: c2 2 critical 3 error 3 warning 2 info all 10 alerts',
    ]);
    await still.getByRole('link', { name: 'cluster: c1' }).click();
    expect(await still.locator('#alert-list > .row').count()).toBe(13);
    expect(await still.getByRole('link', { name: 'cluster: c1' }).getAttribute('aria-expanded')).toBe('true');
    await still.getByRole('link', { name: 'all 10 alerts' }).first().click();
    expect(await still.locator('#total').textContent()).toBe('10 alerts');
    await plain.close();
  });

  it('names the place of a search that does not parse, and leads to the nearest that does', async () => {
    await put(storm(4));
    await page.goto(`${at}/alerts`);
    await page.locator('#search').fill('disk severty:critical');
    await page.keyboard.press('Enter');
    await page.getByText('At character 6: There is no key "severty"').waitFor();
    expect(await page.locator('mark').textContent()).toBe('severty:critical');
    expect(await rows().count()).toBe(0);
    await page.getByRole('link', { name: 'Search for' }).click();
    expect(await rows().count()).toBe(1);
    expect(complaints).toEqual([]);
  });

  it('acts on all that match, tells how many before, and who was refused and why', async () => {
    await put(storm(7));
    double.answers = [
      { ok: true, text: 'Done.' },
      { ok: false, code: 'conflict', status: 409, text: 'The alert is resolved.' },
      { ok: true, text: 'Done.' },
    ];
    await page.goto(`${at}/alerts?q=cluster%3Dc0`);
    await page.getByRole('button', { name: 'All that match' }).click();
    await page.getByRole('button', { name: 'Acknowledge all 3' }).click();
    await page.locator('#bulk-answer').getByText('Acknowledge: 2 done, 1 refused.').waitFor();
    await page.locator('#bulk-answer').getByRole('link', { name: 'Disk 3 is full' }).waitFor();
    expect(double.acts.map(({ act }) => 'alert' in act && act.alert)).toEqual(['alt_6', 'alt_3', 'alt_0']);
    expect(complaints).toEqual([]);
  });

  it('keeps views of a person, opens the first of them, and says when a label is gone', async () => {
    await put(storm(6));
    await page.goto(`${at}/alerts?q=cluster%3Dc1&sort=title`);
    await page.getByText('Save this view…').click();
    await page.locator('#view-name').fill('Mine');
    await page.locator('#view-first').check();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('Saved: Mine.').waitFor();
    await page.goto(`${at}/alerts`);
    expect(new URL(page.url()).searchParams.get('q')).toBe('cluster=c1');
    expect(await page.locator('nav[aria-label="Saved views"] [aria-current]').textContent()).toContain('Mine');
    await put(storm(6).map(doc => ({ ...doc, labels: {}, version: 2 })));
    await page.reload();
    await page.getByText('No alert has the label').waitFor();
    await page.getByText('Save this view…').click();
    await page.getByRole('button', { name: 'Forget' }).click();
    await page.getByText('Forgotten: Mine.').waitFor();
    await page.goto(`${at}/alerts`);
    expect(page.url()).toBe(`${at}/alerts`);
    expect(complaints).toEqual([]);
  });

  it.each([
    [390, 'dark'],
    [1280, 'light'],
  ] as const)('fits %i pixels in %s, rows of one line where there is room', async (width, colorScheme) => {
    await put([
      ...storm(20),
      sampleAlert({ id: 'alt_x', fingerprint: 'x', title: 'long '.repeat(80), source: 's'.repeat(60) }),
    ]);
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme });
    for (const place of ['/alerts', '/alerts?by=cluster,host', '/alerts?q=severty%3Ax']) {
      await page.goto(`${at}${place}`);
      expect(await page.evaluate(tooWide), place).toBe(0);
      expect(await page.evaluate(namelessControls), place).toEqual([]);
      if (process.env['SHOTS'])
        await page.screenshot({ path: `${process.env['SHOTS']}/${width}${place.replace(/\W/g, '_')}.png` });
    }
    await page.goto(`${at}/alerts`);
    const heights = (await page.evaluate(
      '[...document.querySelectorAll("#alert-list > .row")].map(row => row.offsetHeight)',
    )) as number[];
    if (width > 1000) expect(Math.max(...heights)).toBeLessThan(48);
  });
});
