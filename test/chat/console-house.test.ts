import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, tokens } from '../doubles/app.ts';
import { seriousFaults, skippedHeadings } from './axe.ts';
import { chromiumPath, namelessControls, noBrowser, tooWide } from './browser.ts';

const files = {
  'tocsin.yaml': `
timezone: Europe/Berlin
sources:
  alertmanager: { token: alert-secret }
  schedule:
    jobs:
      nightly: { cron: 0 3 * * *, timezone: America/New_York, labels: { check: disks }, title: The nightly look }
      often: { cron: "*/1 * * * * *", labels: { check: nothing } }
people:
  alice: { accounts: { slack: T1/U1 } }
  bob: {}
  rita: {}
groups: { sre: [alice, bob] }
operators: [sre]
tokens:
  - { env: ALICE, person: alice }
  - { env: BOB, person: bob }
  - { env: RITA, person: rita }
  - { env: CI, service: ci }
`,
  'policy.yaml': `
rules:
  - { name: reading is free, when: runbook.risk == "none", decide: auto }
  - { name: no reboot by rita, when: actor.id == "rita", decide: deny }
  - { name: otherwise ask, decide: approve, by: sre, expires: 30m }
`,
  'runbooks/reboot.yaml': `
title: Reboot a host
about: Turns it off and on again.
risk: high
on: [{ source: alertmanager, match: { alertname: Hung } }]
params:
  host: { type: string, pattern: "[a-z0-9-]{1,20}", from: labels.host, about: The host to reboot. }
  times: { type: number, default: 1 }
target: params.host
steps:
  - { id: look, exec: ["echo", "looking"] }
  - id: both
    parallel:
      - { id: left, exec: ["echo", "left"] }
      - { id: right, exec: ["echo", "\${{ params.host }}"], if: params.times > 1.0 }
  - { id: reboot, exec: ["echo", "reboot", "\${{ params.host }}"], undo: { exec: ["echo", "back"] } }
`,
  'runbooks/reboot.test.yaml': `
cases:
  - name: reboots the host of the alert
    event: { source: alertmanager, labels: { alertname: Hung, host: web-1 } }
    expect: { params: { host: web-1, times: 1 }, steps: [look, both, both/left, reboot], skipped: [both/right] }
  - name: says what is wrong
    params: { host: web-1 }
    expect: { targets: [web-2] }
`,
  'runbooks/disks.yaml': `
title: Look at disks
risk: none
on: [{ source: schedule, match: { check: disks } }]
steps: [{ id: look, exec: ["echo", "fine"] }]
`,
};

describe.skipIf(noBrowser)('the pages about the house', () => {
  let browser: Browser;
  let app: TestApp;
  let alert: string;
  let run: string;

  beforeAll(async () => {
    [browser, app] = await Promise.all([
      chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', '--disable-gpu'] }),
      startTestApp(files),
    ]);
    alert = (await app.alert({ alertname: 'Hung', host: 'web-1', note: 'x'.repeat(3000) })).alert;
    run = (await app.until(async () => (await app.runs()).find(one => one.state === 'waiting')))?.id ?? '';
  });
  afterAll(async () => {
    await browser?.close();
    await app?.stop();
  });

  async function enter(as: keyof typeof tokens, options: Parameters<Browser['newContext']>[0] = {}) {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    await page.goto(`${app.app.url}/login`);
    await page.getByLabel('Token').fill(tokens[as] ?? '');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('#live-state[data-state="live"]').waitFor();
    return { context, page };
  }

  async function within(as: keyof typeof tokens, walk: (page: Page, context: BrowserContext) => Promise<void>) {
    const { context, page } = await enter(as);
    try {
      await walk(page, context);
    } finally {
      await context.close();
    }
  }

  it('counts in title and icon what waits for the one who looks, and for nobody else', async () => {
    await within('BOB', async page => {
      expect(await page.title()).toMatch(/^\(1\) /);
      expect(await page.locator('link[rel="icon"]').getAttribute('href')).toContain('icon-waiting');
      await page.getByText('waits for you').click();
      await page.locator(`#for-me a[href="/runs/${run}"]`).waitFor();
    });
    await within('RITA', async page => {
      expect(await page.title()).not.toMatch(/^\(/);
      expect(await page.locator('link[rel="icon"]').getAttribute('href')).toContain('/icon.svg');
    });
  });

  it('says what a person may do by asking policy and rights as for a press', async () => {
    await within('ALICE', async page => {
      await page.goto(`${app.app.url}/people`);
      const ask = async (person: string, params: string) => {
        await page.getByLabel('What may').selectOption(person);
        await page.getByLabel('do with the runbook').selectOption('reboot');
        await page.getByLabel(/^with/).fill(params);
        await page.getByRole('button', { name: 'Ask' }).click();
        return await page.locator('#may-answers').textContent();
      };
      expect(await ask('alice', 'host=web-1')).toMatch(/run reboot\s+after others agreed/);
      expect(await ask('rita', 'host=web-1')).toMatch(/run reboot\s+no[\s\S]*no reboot by rita/);
      expect(await ask('alice', 'hots=web-1')).toContain('Did you mean "host"');
      expect(await ask('bob', 'host=web-1')).toMatch(/vote on .*\s+yes/);
      await page.goto(`${app.app.url}/people?person=rita&alert=${alert}`);
      const about = await page.locator('#may-answers').textContent();
      expect(about).toMatch(/acknowledge it\s+yes/);
      expect(about).toMatch(/close it\s+no[\s\S]*operators/);
      // Nothing was done by asking.
      expect((await app.runs()).map(one => one.id)).toEqual([run]);
    });
  });

  it('names members, where they are from, and linked accounts', async () => {
    await within('RITA', async page => {
      await page.goto(`${app.app.url}/people`);
      const text = await page.locator('#people-lists').textContent();
      expect(text).toMatch(/sre\s+operators\s+alice, bob from tocsin\.yaml/);
      expect(text).toContain('slack T1/U1');
      expect(text).toMatch(/rita\s+in no group · no linked account/);
    });
  });

  it('tells the next ticks in the zone of the job and in that of the page, and what came of the last', async () => {
    await app.until(async () =>
      (await app.journal()).some(({ fact }) => fact.kind === 'event.accepted' && fact.event.source === 'schedule'),
    );
    await within('ALICE', async page => {
      await page.goto(`${app.app.url}/schedules`);
      const nightly = page.getByRole('region', { name: 'Schedule nightly' });
      expect(await nightly.locator('th').allInnerTexts()).toEqual(['America/New_York', 'Europe/Berlin']);
      expect(await nightly.locator('tbody td').allInnerTexts()).toEqual(
        expect.arrayContaining([expect.stringContaining('03:00'), expect.stringMatching(/0[89]:00|10:00/)]),
      );
      await nightly.getByRole('link', { name: 'disks' }).waitFor();
      const often = page.getByRole('region', { name: 'Schedule often' });
      await often.getByText('no runbook takes its tick').waitFor();
      await often.getByText('nothing came of it').waitFor();
    });
  });

  it('says how everything is, and checks what is outside when it is asked', async () => {
    await within('ALICE', async page => {
      await page.goto(`${app.app.url}/status`);
      await page.getByText('All is well.').waitFor();
      expect(await page.locator('#status-parts').textContent()).toMatch(/store\s+well/);
      await page.getByRole('button', { name: 'Check now' }).click();
      await page.locator('#checks-answer .notice').waitFor();
    });
  });

  it('keeps colours and zone of each browser, from the first byte on', async () => {
    await within('ALICE', async (page, context) => {
      await page.goto(`${app.app.url}/alerts?state=firing`);
      await page.getByText('Display…').click();
      await page.getByLabel('Colours').selectOption('dark');
      await page.getByLabel('Times').selectOption('utc');
      await page.getByRole('button', { name: 'Apply' }).click();
      await page.waitForURL('**/alerts?state=firing');
      const served = await (await context.request.get(`${app.app.url}/people`)).text();
      expect(served).toContain('data-theme="dark"');
      expect(await page.evaluate('getComputedStyle(document.body).colorScheme')).toBe('dark');
      expect(await page.evaluate('getComputedStyle(document.documentElement).backgroundColor')).toBe('rgb(16, 20, 19)');
      await page.goto(`${app.app.url}/schedules`);
      expect(await page.getByRole('region', { name: 'Schedule nightly' }).locator('th').allInnerTexts()).toEqual([
        'America/New_York',
        'UTC',
      ]);
    });
  });

  const walks = [
    ['desktop', 'light'],
    ['desktop', 'dark'],
    ['phone', 'light'],
    ['phone', 'dark'],
  ] as const;

  it.each(walks)(
    'nothing serious is found by axe on a %s in %s',
    async (screen, colorScheme) => {
      const viewport = screen === 'phone' ? { width: 390, height: 780 } : { width: 1280, height: 800 };
      const { context, page } = await enter('BOB', { viewport, colorScheme });
      const thread = (await app.app.store.post('console', `alert/${alert}/1`))?.key ?? '';
      const pages = [
        '/',
        `/threads/${thread}`,
        '/approvals',
        '/alerts',
        `/alerts/${alert}`,
        '/runs',
        `/runs/${run}`,
        '/gate',
        '/changes',
        '/permits',
        '/runbooks',
        '/runbooks/reboot',
        '/schedules',
        `/people?person=alice&alert=${alert}`,
        '/journal',
        '/sources',
        '/sources/alertmanager',
        '/sources/schedule',
        '/status',
        '/runs/run_unknown',
      ];
      const faults: string[] = [];
      for (const path of pages) {
        await page.goto(app.app.url + path);
        // Everything that can be opened is looked at open.
        await page.evaluate(`for (const one of document.querySelectorAll('main details')) one.open = true`);
        faults.push(...(await seriousFaults(page)).map(fault => `${path} ${fault}`));
        const skipped = (await page.evaluate(skippedHeadings)) as string[];
        faults.push(...skipped.map(fault => `${path} skipped to ${fault}`));
        faults.push(...((await page.evaluate(namelessControls)) as string[]).map(fault => `${path} nameless ${fault}`));
        if ((await page.evaluate(tooWide)) !== 0) faults.push(`${path} is wider than the screen`);
      }
      await context.close();
      expect(faults).toEqual([]);
    },
    400_000,
  );
});
