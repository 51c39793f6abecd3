import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import platform from '../../src/chat/console/index.ts';
import { threadPath } from '../../src/chat/console/viewer.ts';
import type { Card } from '../../src/model/card.ts';
import type { ChatConnection } from '../../src/ports/chat.ts';
import { sampleAlert, sampleApproval, samplePost, sampleRun } from '../contracts/samples.ts';
import { sampleParam, sampleRunbook } from '../contracts/views.ts';
import { createHostDouble, type HostDouble, localKey } from '../doubles/chat-host.ts';
import { enterByKey } from '../journey/console-page.ts';
import { chromiumPath, namelessControls, noBrowser, tooWide } from './browser.ts';

const clean = sampleRunbook({
  id: 'clean',
  title: 'Clean up',
  params: [
    sampleParam('host', { about: 'Which machine' }),
    sampleParam('mode', { type: 'enum', options: ['soft', 'hard'], default: 'soft' }),
  ],
});
const look = sampleRunbook({ id: 'look', params: [sampleParam('host')] });
const refused = {
  ok: false as const,
  code: 'params-invalid',
  status: 422,
  text: 'Two parameters are wrong.',
  details: { fields: { host: 'It must match [a-z]+, and "<b>" does not.' } },
};

let double: HostDouble;
let connection: ChatConnection;
let at: string;
beforeEach(async () => {
  double = await createHostDouble();
  double.view.runbooks = [clean, look];
  connection = await platform.open(platform.options.parse({}), double.host);
  at = await double.listen();
});
afterEach(async () => {
  await connection.close();
  await double.close();
});

describe('a form without a script', () => {
  async function send(fields: Record<string, string>) {
    const { cookie, csrf } = await enterByKey(at, localKey);
    return fetch(`${at}/console/run`, {
      method: 'POST',
      body: new URLSearchParams({ csrf, runbook: 'clean', ...fields }),
      headers: { origin: at, 'sec-fetch-site': 'same-origin', cookie },
      redirect: 'manual',
    });
  }

  it('leads to the run that it began, for the alert that it names', async () => {
    double.answers = [{ ok: true, text: 'It starts.', run: 'run_1' }];
    const answer = await send({ 'param.host': 'web', alert: 'alt_1', reason: 'it is full' });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/runs/run_1']);
    expect(double.acts.map(({ act }) => act)).toEqual([
      { kind: 'run', runbook: 'clean', params: { host: 'web' }, alert: 'alt_1', reason: 'it is full' },
    ]);
  });

  it('that is refused keeps what was typed, and says what is wrong at each field', async () => {
    double.answers = [refused];
    const answer = await send({
      'param.host': '"><script>1',
      'param.mode': 'odd',
      reason: 'why "not"',
      alert: 'alt_1',
    });
    const text = await answer.text();
    expect(answer.status).toBe(422);
    expect(text).toMatch(
      /name="param\.host" value="&quot;&gt;&lt;script&gt;1" aria-describedby="param-host-fault param-host-about" aria-invalid="true"/,
    );
    expect(text).toContain('id="param-host-fault">host It must match [a-z]+, and &quot;&lt;b&gt;&quot; does not.');
    expect(text).toContain('<option value="odd" selected>odd</option>');
    expect(text).toContain('value="why &quot;not&quot;"');
    expect(text).toContain('name="alert" value="alt_1"');
  });
});

describe('Run for this alert', () => {
  it('has the runbooks whose trigger takes it first, with the parameters of the trigger', async () => {
    await double.commit({ rows: [{ table: 'alert', doc: sampleAlert({ labels: { host: 'web-9' } }) }] });
    const decision = { verdict: 'approve', rule: 'ask', because: 'rule ask' };
    const holding = {
      runbook: 'look',
      holds: true,
      because: 'its trigger holds',
      params: { host: 'db-1' },
      decision,
      rules: [],
    };
    double.explanations.set('alt_1', {
      event: 'evt_1',
      alert: 'alt_1',
      title: 'x',
      started: null,
      runbooks: [holding],
    });
    const text = await (await fetch(`${at}/alerts/alt_1/run?runbook=clean`)).text();
    expect(text).toMatch(/Runbooks for this alert<\/h2>.*<code>look<\/code>.*By itself: approve.*All others<\/h2>/s);
    expect(await (await fetch(`${at}/alerts/alt_1/run`)).text()).toContain('name="param.host" value="db-1"');
    // One of the others is filled from the labels of the same name.
    expect(text).toMatch(/id="param-host" name="param\.host" value="web-9"/);
    expect(text.match(/name="alert" value="alt_1"/g)).toHaveLength(1);
    expect(await (await fetch(`${at}/alerts/alt_1`)).text()).toContain('href="/alerts/alt_1/run">Run for this alert');
    expect((await fetch(`${at}/alerts/alt_9/run`)).status).toBe(404);
  });
});

describe.skipIf(noBrowser)('acting in a browser', () => {
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', '--disable-gpu'] });
  });
  afterAll(() => browser?.close());
  beforeEach(async () => {
    context = await browser.newContext();
    page = await context.newPage();
    await page.goto(`${at}/?key=${localKey}`);
  });
  afterEach(() => context.close());
  const live = (one = page) => one.locator('#live-state[data-state="live"]').waitFor();

  async function ask(): Promise<void> {
    const [approve] = approvalCard().buttons;
    if (approve === undefined) throw new Error('the card has no button');
    double.details.set('approval/apv_1', approvalCard());
    await double.commit({
      rows: [
        { table: 'approval', doc: sampleApproval({ id: 'apv_1', state: 'open' }) },
        { table: 'run', doc: sampleRun() },
      ],
    });
  }
  const close = () =>
    double.commit({ rows: [{ table: 'approval', doc: sampleApproval({ id: 'apv_1', state: 'approved' }) }] });

  it.each([1280, 360])('takes whoever runs something to the run, %i pixels wide, by the keyboard', async width => {
    await page.setViewportSize({ width, height: 700 });
    await double.commit({ rows: [{ table: 'run', doc: sampleRun() }] });
    await page.goto(`${at}/runbooks/clean`);
    double.answers = [refused, { ok: true, text: 'It starts.', run: 'run_1' }];
    await page.getByLabel('host').fill('WEB');
    await page.getByLabel('Reason').fill('it is full');
    await page.keyboard.press('Enter');
    const wrong = page.locator('[aria-invalid="true"]');
    await wrong.waitFor();
    expect(await wrong.inputValue()).toBe('WEB');
    expect(await page.getByLabel('Reason').inputValue()).toBe('it is full');
    expect(await page.evaluate(tooWide)).toBe(0);
    expect(await page.evaluate(namelessControls)).toEqual([]);
    await page.getByLabel('host').fill('web');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${at}/runs/run_1`);
    expect(double.acts).toHaveLength(2);
  });

  it('keeps the answer on the page of approvals after what it answered is gone, for both of two tabs', async () => {
    await ask();
    const other = await context.newPage();
    for (const one of [page, other]) {
      await one.goto(`${at}/approvals`);
      await live(one);
    }
    double.answers = [
      { ok: true, text: 'Approved. It starts now.', run: 'run_1' },
      {
        ok: false,
        code: 'conflict',
        status: 409,
        text: 'It is approved already. bob approved it 2s before you.',
        run: 'run_1',
      },
    ];
    await page.getByRole('button', { name: 'Approve', exact: true }).click();
    await page.getByText('Approved. It starts now.').waitFor();
    await other.getByRole('button', { name: 'Approve', exact: true }).click();
    await other.getByText('2s before you').waitFor();
    await close();
    for (const [one, text] of [
      [page, 'Approved. It starts now.'],
      [other, '2s before you'],
    ] as const) {
      await one.getByText('Nothing waits for approval.').waitFor();
      const answer = one.locator('#kept-answers', { hasText: text });
      await answer.waitFor();
      expect(await answer.getByRole('link', { name: 'Open the run' }).getAttribute('href')).toBe('/runs/run_1');
    }
  });

  it('keeps an answer that comes when its card is gone already', async () => {
    await ask();
    await page.goto(`${at}/approvals`);
    await live();
    let go = () => {};
    const held = new Promise<void>(resolve => {
      go = resolve;
    });
    await page.route('**/console/act', async route => {
      await held;
      await route.continue();
    });
    double.answers = [
      { ok: false, code: 'conflict', status: 409, text: 'bob approved it 2s before you.', run: 'run_1' },
    ];
    await page.getByRole('button', { name: 'Approve', exact: true }).click();
    await close();
    await page.getByText('Nothing waits for approval.').waitFor();
    go();
    await page.locator('#kept-answers').getByText('2s before you').waitFor();
  });

  it('says that the server is away, that a press was not done, and sends nothing again by itself', async () => {
    const root = samplePost({ card: approvalCard() });
    await double.put(root);
    await page.goto(at + threadPath(root.key));
    await live();
    const { port } = new URL(at);
    const server = double.http.server;
    await new Promise<void>(resolve => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
    await page.getByText('The server is away').waitFor();
    const button = page.getByRole('button', { name: /^Approve/ });
    await button.click();
    await page.getByRole('button', { name: 'Approve · not done' }).waitFor();
    await page.getByText('Nothing is sent again by itself').waitFor();
    await new Promise<void>(resolve => server.listen(Number(port), '127.0.0.1', resolve));
    await live();
    await page.getByText('The server is away').waitFor({ state: 'hidden' });
    expect(double.acts).toEqual([]);
    await button.click();
    await page.locator('.notice-good').waitFor();
    expect(double.acts).toHaveLength(1);
    expect(await button.textContent()).toBe('Approve');
  });

  it('takes a line of a thread as a note, and asks about a command that was mistyped', async () => {
    const root = samplePost({ card: approvalCard() });
    await double.put(root);
    await page.goto(at + threadPath(root.key));
    await page.getByLabel('Command or note').fill("it's the power supply");
    await page.keyboard.press('Enter');
    await page.locator('#answers').getByText('Done.').first().waitFor();
    await page.getByLabel('Command or note').fill('aprove apr_1234');
    await page.keyboard.press('Enter');
    await page.locator('#answers').getByText('Did you mean "approve"?').waitFor();
    expect(double.acts.map(({ act }) => act)).toEqual([
      { kind: 'note', alert: root.alert, run: root.run, gate: null, text: "it's the power supply" },
    ]);
  });
});

function approvalCard(): Card {
  const act = { kind: 'vote', approval: 'apv_1', vote: 'approve', reason: null, seal: 'ab' } as const;
  return {
    tone: 'ask',
    title: 'Run it?',
    badge: null,
    blocks: [],
    buttons: [{ label: 'Approve', style: 'primary', reason: 'none', does: { kind: 'act', act } }],
    mention: [],
  };
}
