import { type Browser, chromium } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, noBrowser } from '../chat/browser.ts';
import { startTestApp, type TestApp, tokens } from '../doubles/app.ts';
import { matrixSaid, rulesSaid, type Said, startPrometheusDouble } from '../doubles/prometheus.ts';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of cleanUp.splice(0).reverse()) await end();
});

const series = { labels: { __name__: 'temp', instance: 'web-1<b>', host: 'web-1' }, values: ['1', '3', '7'] };

type Answer = Parameters<typeof startPrometheusDouble>[0];
const hot: Answer = asked => (asked.what === 'rules' ? rulesSaid({ query: 'temp > 5' }) : matrixSaid(asked, series));
const refusing: Answer = () => ({ status: 403, error: 'no <script>alert(1)</script>' });

async function prometheus(answer: Answer) {
  const double = await startPrometheusDouble(answer);
  cleanUp.push(() => double.close());
  return double;
}

const filesOf = (url: string) => ({
  'tocsin.yaml': `
sources:
  alertmanager: { token: alert-secret, prometheus: { url: "${url}" } }
people: { alice: {}, bob: {}, rita: {} }
groups: { sre: [alice, bob] }
operators: [sre]
tokens: [{ env: ALICE, person: alice }]
`,
  'policy.yaml': 'rules:\n  - { name: all, decide: auto }\n',
  'runbooks/cool.yaml': `
title: Cool it down
risk: none
on: [{ source: alertmanager, match: { alertname: Hot } }]
steps: [{ id: cool, exec: ["true"] }]
`,
});

async function start(url: string, options: Parameters<typeof startTestApp>[1] = {}): Promise<TestApp> {
  const app = await startTestApp(filesOf(url), options);
  cleanUp.push(() => app.stop());
  return app;
}

const firing = (app: TestApp) =>
  app.alert({ alertname: 'Hot', host: 'web-1' }, { startsAt: new Date(Date.now() - 60_000).toISOString() });

async function pictured(app: TestApp) {
  const facts = (await app.journal()).map(({ fact }) => fact);
  return facts.filter(fact => fact.kind === 'alert.pictured');
}

const known = (app: TestApp) =>
  app.until(async () => {
    const found = await pictured(app);
    return found.length > 0 && found;
  });

async function thread(app: TestApp, alert: string) {
  const root = await app.app.store.post('console', `alert/${alert}/1`);
  const posts = await app.app.store.posts({ platform: 'console', changedAfter: 0, limit: 100 });
  return root === null ? [] : posts.map(({ card }) => card);
}

/** Signs in and reads pages as a browser without scripts does. */
async function reader({
  app,
}: TestApp): Promise<(path: string) => Promise<{ status: number; text: string; headers: Headers }>> {
  const answer = await fetch(`${app.url}/login`, {
    method: 'POST',
    redirect: 'manual',
    headers: { origin: app.url, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ token: tokens['ALICE'] ?? '', to: '/' }).toString(),
  });
  const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  return async path => {
    const page = await fetch(app.url + path, { headers: { cookie, accept: 'text/html' } });
    return { status: page.status, text: await page.text(), headers: page.headers };
  };
}

describe('the picture of an alert', () => {
  test('is in its thread and on its page, and readable by whoever is signed in', async () => {
    const app = await start((await prometheus(hot)).url);
    const { alert } = await firing(app);
    const [fact] = await known(app);
    expect(fact).toMatchObject({ episode: 1, of: 'start', because: null });
    const alt = fact?.picture?.alt ?? '';
    expect(alt).toMatch(/^temp of web-1<b>: 1 to 7 within 3\dm; above 5 since \d\d:\d\d$/);
    await app.until(async () =>
      (await thread(app, alert)).some(card => card.blocks.some(block => block.kind === 'picture' && block.alt === alt)),
    );
    const read = await reader(app);
    const page = await read(`/alerts/${alert}`);
    expect(page.text).toContain('What was measured');
    expect(page.text).toContain('temp of web-1&lt;b&gt;: 1 to 7');
    const path = /src="(\/pictures\/[^"]+theme=light)"/.exec(page.text)?.[1]?.replaceAll('&amp;', '&') ?? '';
    const svg = await read(path);
    expect(svg.headers.get('content-type')).toContain('image/svg+xml');
    expect(svg.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(svg.text).toContain('web-1&lt;b&gt;');
    expect((await fetch(app.app.url + path)).status).toBe(401);
  }, 120_000);

  test('that is refused leaves the thread as it is, and the page says why', async () => {
    const app = await start((await prometheus(refusing)).url);
    const { alert } = await firing(app);
    const [fact] = await known(app);
    expect(fact).toMatchObject({ picture: null, because: expect.stringContaining('403') });
    const { text } = await (await reader(app))(`/alerts/${alert}`);
    expect(text).toContain('There is no picture of it. Prometheus answered rules with 403: no &lt;script&gt;');
    expect((await thread(app, alert)).flatMap(card => card.blocks.filter(block => block.kind === 'picture'))).toEqual(
      [],
    );
  }, 120_000);

  test('that is not answered holds up no thread, no run and no stop, and is asked for again after the restart', async () => {
    const asked = Promise.withResolvers<void>();
    let answers = false;
    const double = await prometheus(one => {
      asked.resolve();
      return answers ? hot(one) : (): void => {};
    });
    const app = await startTestApp(filesOf(double.url), { keep: true });
    const { alert } = await firing(app);
    await asked.promise;
    const run = await app.until(async () => (await app.runs())[0]);
    expect((await app.ended(run.id)).state).toBe('succeeded');
    await app.until(async () => (await thread(app, alert)).length > 0);
    expect(await pictured(app)).toEqual([]);
    await app.stop();
    answers = true;
    const again = await start(double.url, { folder: app.folder });
    expect(await known(again)).toMatchObject([{ alert, of: 'start', picture: { more: 0 } }]);
  }, 120_000);

  test('is made once for each episode, and once more when it ends', async () => {
    const app = await start((await prometheus(hot)).url);
    const startsAt = new Date(Date.now() - 60_000).toISOString();
    for (let times = 0; times < 3; times++) await app.alert({ alertname: 'Hot', host: 'web-1' }, { startsAt });
    await known(app);
    await app.alert({ alertname: 'Hot', host: 'web-1' }, { startsAt, status: 'resolved' });
    await app.until(async () => (await pictured(app)).some(fact => fact.of === 'end'));
    expect((await pictured(app)).map(({ of, episode }) => [of, episode])).toEqual([
      ['start', 1],
      ['end', 1],
    ]);
  }, 120_000);
});

describe.skipIf(noBrowser)('in a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', '--disable-gpu'] });
  });
  afterAll(() => browser?.close());

  test('it comes to the open page by itself, drawn under the policy of the page, in its theme', async () => {
    const wait = Promise.withResolvers<void>();
    const double = await prometheus(async asked => {
      await wait.promise;
      return (await hot(asked)) as Said;
    });
    const app = await start(double.url);
    const { alert } = await firing(app);
    const page = await browser.newPage({ colorScheme: 'dark' });
    const refused: string[] = [];
    page.on('console', message => void (message.type() === 'error' && refused.push(message.text())));
    await page.goto(`${app.app.url}/login?to=${encodeURIComponent(`/alerts/${alert}`)}`);
    await page.getByLabel('Token').fill(tokens['ALICE'] ?? '');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('#live-state').waitFor();
    expect(await page.locator('#alert-chart img').count()).toBe(0);
    wait.resolve();
    const image = page.getByRole('img', { name: /^temp of web-1.* above 5 since/ });
    await image.waitFor({ timeout: 60_000 });
    expect(await image.getAttribute('class')).toBe('picture-dark');
    await image.scrollIntoViewIfNeeded();
    const drawn = () => page.evaluate(`document.querySelector('#alert-chart .picture-dark').naturalWidth`);
    await app.until(async () => Number(await drawn()) > 0);
    expect(refused).toEqual([]);
    if (process.env['PICTURE'] !== undefined) await page.screenshot({ path: process.env['PICTURE'], fullPage: true });
  }, 180_000);
});

describe('a step `chart`', () => {
  const withChart = (url: string, step: string) => ({
    ...filesOf(url),
    'runbooks/look.yaml': `title: Look at it\nrisk: none\nsteps:\n  - { id: look, chart: ${step} }\n`,
  });

  async function looked(url: string, step: string) {
    const app = await startTestApp(withChart(url, step));
    cleanUp.push(() => app.stop());
    const { body } = await app.call('POST', '/api/v1/runs', { body: { runbook: 'look', params: {} } });
    const run = await app.ended(body.id);
    const posts = await app.app.store.posts({ platform: 'console', limit: 100 });
    return { run, pictures: posts.flatMap(({ card }) => card.blocks.filter(block => block.kind === 'picture')) };
  }

  test('posts the picture of any query with its text, and gives the numbers to later steps', async () => {
    const { url, asked } = await prometheus(hot);
    const { run, pictures } = await looked(url, '{ query: "temp > 5", range: 30m, title: Heat }');
    expect(run.state).toBe('succeeded');
    expect(pictures).toMatchObject([{ alt: expect.stringContaining('1 to 7'), more: 0 }]);
    expect(run.steps[0]?.output).toMatchObject({ series: [{ first: 1, last: 7, low: 1, high: 7 }], more: 0 });
    expect(asked.every(one => one.what !== 'rules')).toBe(true);
  }, 120_000);

  test('fails with the reason where the query is refused or no source has metrics, and posts nothing', async () => {
    const refused = await looked((await prometheus(refusing)).url, 'temp');
    expect(refused.run).toMatchObject({ state: 'failed', because: expect.stringContaining('403') });
    expect(refused.pictures).toEqual([]);
    const files = {
      ...filesOf('http://127.0.0.1:9'),
      ...withChart('http://127.0.0.1:9', '{ query: up, source: other }'),
    };
    const app = await startTestApp(files);
    cleanUp.push(() => app.stop());
    const { body } = await app.call('POST', '/api/v1/runs', { body: { runbook: 'look', params: {} } });
    expect((await app.ended(body.id)).because).toContain('no source with metrics of this name');
  }, 120_000);
});
