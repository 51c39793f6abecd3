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
    expect: { params: { host: web-1, times: 1 }, steps: [look, both/left, reboot], skipped: [both/right] }
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

  /** One sign-in for each person: more than ten a minute are refused. */
  const signedIn = new Map<string, ReturnType<BrowserContext['storageState']>>();

  function signIn(as: keyof typeof tokens) {
    const known = signedIn.get(as) ?? enterByForm(as);
    signedIn.set(as, known);
    return known;
  }

  async function enterByForm(as: keyof typeof tokens) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${app.app.url}/login`);
    await page.getByLabel('Token').fill(tokens[as] ?? '');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('#live-state').waitFor();
    const state = await context.storageState();
    await context.close();
    return state;
  }

  async function enter(as: keyof typeof tokens, options: Parameters<Browser['newContext']>[0] = {}) {
    const context = await browser.newContext({ ...options, storageState: await signIn(as) });
    const page = await context.newPage();
    await page.goto(app.app.url);
    if (options.javaScriptEnabled !== false) await page.locator('#live-state[data-state="live"]').waitFor();
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

  it('shows every value of an alert whole, and every episode with its end', async () => {
    await within('ALICE', async page => {
      const labels = { alertname: 'Flaps', host: 'web-9', note: 'y'.repeat(3000) };
      const at = (minute: number) => new Date(Date.UTC(2026, 5, 1, 12, minute)).toISOString();
      const sent = await app.alert(labels, { fingerprint: 'ff01', startsAt: at(0) });
      await app.alert(labels, { fingerprint: 'ff01', startsAt: at(0), status: 'resolved' });
      await app.alert(labels, { fingerprint: 'ff01', startsAt: at(30) });
      await app.call('POST', `/api/v1/alerts/${sent.alert}/acknowledge`, { body: { reason: 'I look at it' } });
      await page.goto(`${app.app.url}/alerts/${sent.alert}`);
      const episodes = page.locator('#alert-episodes li');
      expect(await episodes.locator('.row-title').allInnerTexts()).toEqual(['Episode 2', 'Episode 1']);
      expect(await episodes.nth(1).textContent()).toContain('alertmanager resolved it');
      expect(await episodes.nth(0).textContent()).toContain('fires for');
      expect(await page.locator('#alert-acts').textContent()).toMatch(/alice acknowledged it[\s\S]*I look at it/);
      expect(await page.locator('#value-Labels-note').textContent()).toBe('y'.repeat(3000));
      await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
      await page.getByRole('button', { name: 'Copy host' }).click();
      expect(await page.evaluate('navigator.clipboard.readText()')).toBe('web-9');
      // A third one, while the page is open.
      await app.alert(labels, { fingerprint: 'ff01', startsAt: at(30), status: 'resolved' });
      await app.alert(labels, { fingerprint: 'ff01', startsAt: at(50) });
      await page.getByText('Episode 3').waitFor();
      await page.locator('#value-Labels-note-fold').waitFor();
    });
  });

  it('shows a runbook with the graph of its steps, its tests and how they end', async () => {
    await within('ALICE', async page => {
      await page.goto(`${app.app.url}/runbooks/reboot`);
      const graph = page.getByRole('list', { name: 'Steps in their order' });
      expect(await graph.locator(':scope > li').count()).toBe(3);
      const group = graph.locator('.graph-group');
      expect(await group.textContent()).toMatch(/2 at the same time/);
      expect(await group.locator('li').nth(1).textContent()).toContain('only if params.times > 1.0');
      expect(await graph.locator('.graph-undo').textContent()).toContain('undone by exec');
      await graph.getByRole('link', { name: 'reboot' }).click();
      expect(page.url()).toMatch(/#step-reboot$/);
      const tests = page.locator('#runbook-tests');
      expect(await tests.textContent()).toContain('1 of 2 fails.');
      expect(await tests.textContent()).toContain('targets: expected ["web-2"], came ["web-1"]');
      await page.goto(`${app.app.url}/runbooks/disks`);
      await page.getByText('It has none.').waitFor();
    });
  });

  it('keeps what was typed into a form that is refused, and marks each field, with and without a script', async () => {
    await within('ALICE', async page => {
      await page.goto(`${app.app.url}/runbooks/reboot`);
      const fill = async () => {
        await page.getByLabel(/^host/).fill('Web 1!');
        await page.getByLabel(/^times/).fill('many');
        await page.getByLabel('Reason (optional)').fill('it hangs');
        await page.getByRole('button', { name: 'Run', exact: true }).click();
      };
      await fill();
      await page.getByText('2 fields are not right').waitFor();
      await page.locator('#param-host[aria-invalid="true"]').waitFor();
      expect(await page.locator('#param-host-fault').textContent()).toContain('host');
      expect(await page.getByLabel(/^host/).inputValue()).toBe('Web 1!');
      expect(await page.getByLabel('Reason (optional)').inputValue()).toBe('it hangs');
      expect(await seriousFaults(page)).toEqual([]);
      await page.locator('#run-answer').getByRole('link', { name: 'host' }).click();
      expect(await page.evaluate('document.activeElement.id')).toBe('param-host');
      await page.getByLabel(/^host/).fill('web-7');
      await page.getByRole('button', { name: 'Run', exact: true }).click();
      await page.getByText('One field is not right').waitFor();
      expect(await page.locator('#param-host-fault').count()).toBe(0);
    });
    const { context, page } = await enter('ALICE', { javaScriptEnabled: false });
    await page.goto(`${app.app.url}/runbooks/reboot`);
    await page.getByLabel(/^host/).fill('Web 1!');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    expect(await page.locator('#param-host-fault').textContent()).toContain('host');
    expect(await page.getByLabel(/^host/).inputValue()).toBe('Web 1!');
    await context.close();
  });

  it('answers an address that is none with the navigation, what was looked for, what is near, and a search', async () => {
    await within('ALICE', async page => {
      const missing = await page.goto(`${app.app.url}/runbooks/rebot`);
      expect(missing?.status()).toBe(404);
      expect(await page.locator('main').textContent()).toContain('There is no runbook rebot.');
      await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Runbooks' }).waitFor();
      await page.locator('#found').getByRole('link', { name: 'Reboot a host' }).click();
      await page.getByRole('heading', { name: 'Reboot a host', level: 1 }).waitFor();
      // The id of a run under the address of alerts.
      await page.goto(`${app.app.url}/alerts/${run}`);
      await page.locator(`#found a[href="/runs/${run}"]`).waitFor();
      await page.goto(`${app.app.url}/no/such/page`);
      expect(await page.locator('main').textContent()).toContain('There is no page /no/such/page.');
      await page.getByLabel('An id, or a name').fill(run.slice(-8));
      await page.keyboard.press('Enter');
      await page.locator(`#found a[href="/runs/${run}"]`).waitFor();
      const answer = await fetch(`${app.app.url}/no/such/page`, { headers: { accept: 'application/json' } });
      expect([answer.status, ((await answer.json()) as { error: { code: string } }).error.code]).toEqual([
        404,
        'not-found',
      ]);
    });
  });

  it('tells both tabs of what begins to wait, and notifies once that it was asked to, in the words of the bot', async () => {
    const { context, page } = await enter('BOB');
    // What the browser would show; the page's own script runs as it is.
    const fake = `
      window.told = [];
      window.Notification = class {
        static permission = 'default';
        static async requestPermission() { return (Notification.permission = 'granted'); }
        constructor(title, options) { told.push(options.tag + ' ' + options.body); }
      };`;
    await context.addInitScript(fake);
    const other = await context.newPage();
    for (const tab of [page, other]) {
      await tab.goto(`${app.app.url}/runbooks`);
      await tab.locator('#live-state[data-state="live"]').waitFor();
    }
    await page.getByText('Display…').click();
    await page.getByRole('button', { name: 'Notify me on this screen' }).click();
    await page.getByRole('button', { name: 'Do not notify me any more' }).waitFor();
    const before = Number((await other.title()).match(/^\((\d+)\)/)?.[1] ?? 0);
    const started = await app.call('POST', '/api/v1/runs', {
      body: { runbook: 'reboot', params: { host: 'web-5' }, reason: 'it hangs' },
    });
    expect(started.status).toBe(202);
    for (const tab of [page, other])
      await expect.poll(() => tab.title(), { timeout: 30_000 }).toMatch(new RegExp(`^\\(${before + 1}\\) `));
    await expect.poll(() => page.evaluate('told.length'), { timeout: 30_000 }).toBeGreaterThan(0);
    const [approval] = await app.app.store.approvals({ state: 'open', run: started.body.id });
    const card = await app.app.host.details('approval', approval?.id ?? '');
    expect(await page.evaluate('told')).toEqual([`${approval?.id} ${card?.title}`]);
    // Who asked is not asked.
    await within('ALICE', async mine => {
      const ids = await mine.evaluate(
        `[...document.querySelectorAll('#for-me [data-waits]')].map(one => one.dataset.waits)`,
      );
      expect(ids).not.toContain(approval?.id);
    });
    await context.close();
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
