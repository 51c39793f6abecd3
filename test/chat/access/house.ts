import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { startTestApp, type TestApp, tokens } from '../../doubles/app.ts';
import { chromiumPath } from '../browser.ts';

const runbook = (title: string, risk: string, alertname: string, steps: string) => `
title: ${title}
about: What it does, in one line.
risk: ${risk}
on: [{ source: alertmanager, match: { alertname: ${alertname} } }]
params:
  host: { type: string, pattern: "[a-z0-9-]{1,20}", from: labels.host, about: The host. }
target: params.host
steps:
${steps}
`;

const files = {
  'tocsin.yaml': `
sources:
  alertmanager: { token: alert-secret }
people: { alice: {}, bob: {}, rita: {} }
groups: { sre: [alice, bob] }
operators: [sre]
routes:
  - { when: 'labels.alertname == "Slow"', to: ["console:databases"] }
  - { to: ["console:alerts"] }
tokens:
  - { env: ALICE, person: alice }
  - { env: BOB, person: bob }
`,
  'policy.yaml': `
rules:
  - { name: reading is free, when: runbook.risk == "none", decide: auto }
  - { name: otherwise ask, decide: approve, by: sre, expires: 30m }
`,
  'runbooks/reboot.yaml': runbook(
    'Reboot a host',
    'high',
    'Hung',
    `  - { id: reboot, exec: ["echo", "reboot", "\${{ params.host }}"] }`,
  ),
  'runbooks/restart.yaml': runbook(
    'Restart its service',
    'low',
    'Lame',
    `  - { id: restart, exec: ["echo", "restart", "\${{ params.host }}"] }`,
  ),
  'runbooks/look.yaml': runbook(
    'Look for long',
    'none',
    'Slow',
    `  - { id: look, exec: ["sh", "-c", "for i in $(seq 1 400); do echo line $i; done; printf '\\\\033[31mred\\\\033[0m\\\\n'; sleep 3600"] }`,
  ),
  'runbooks/asks.yaml': runbook(
    'Ask on the way',
    'none',
    'Odd',
    `  - { id: look, exec: ["echo", "odd"] }\n  - { id: go, approve: { ask: "Go on with it?", by: sre, expires: 30m } }\n  - { id: done, exec: ["echo", "done"] }`,
  ),
};

/** One app with all that waits, runs and asks, and one browser in which somebody is signed in. */
export interface House {
  app: TestApp;
  page: Page;
  context: BrowserContext;
  /** Ids of what was set up: the alert that led to a question, and the runs by their runbook. */
  alert: string;
  runs: Record<'reboot' | 'look' | 'asks', string>;
  goto(path: string): Promise<void>;
  halt(on: boolean): Promise<void>;
  /** Writes a runbook that is none, and waits until the files are known to be wrong. */
  breakFile(): Promise<void>;
  close(): Promise<void>;
}

export async function openHouse(): Promise<House> {
  const [browser, app]: [Browser, TestApp] = await Promise.all([
    chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', '--disable-gpu'] }),
    startTestApp(files),
  ]);
  const { alert } = await app.alert({ alertname: 'Hung', host: 'web-1' }, { fingerprint: 'a1' });
  // Two questions about one host: each warns of the other.
  await app.alert({ alertname: 'Lame', host: 'web-1' }, { fingerprint: 'a4' });
  await app.alert({ alertname: 'Slow', host: 'web-2', team: 'db' }, { fingerprint: 'a2' });
  await app.alert({ alertname: 'Odd', host: 'web-3' }, { fingerprint: 'a3' });
  const runOf = async (name: string, state: string) =>
    (await app.until(async () => (await app.runs()).find(run => run.runbook === name && run.state === state))).id;
  const runs = {
    reboot: await runOf('reboot', 'waiting'),
    look: await runOf('look', 'running'),
    asks: await app.until(async () => {
      const found = (await app.runs()).find(run => run.runbook === 'asks');
      const open = await app.app.store.approvals({ state: 'open' });
      return open.some(one => one.run === found?.id) ? found?.id : null;
    }),
  };
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  await page.goto(`${app.app.url}/login`);
  await page.getByLabel('Token').fill(tokens['BOB'] ?? '');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('#live-state[data-state="live"]').waitFor();
  return {
    app,
    page,
    context,
    alert,
    runs,
    async goto(path) {
      await page.goto(app.app.url + path);
      await page.locator('#live-state[data-state="live"]').waitFor();
    },
    async halt(on) {
      const body = { reason: 'the wrong disk is full' };
      const answer = await app.call(on ? 'PUT' : 'DELETE', '/api/v1/halt', { body });
      if (answer.status !== 200) throw new Error(`the halt was answered with ${answer.status}`);
    },
    async breakFile() {
      await writeFile(join(app.folder, 'runbooks/broken.yaml'), 'title: [not, a, title]\nsteps: none\n');
      await app.until(async () => app.app.host.catalogue().problems.length > 0);
    },
    async close() {
      await browser.close();
      await app.stop();
    },
  };
}

/** Two hundred alerts of two clusters and four severities in one payload. */
export async function storm(app: TestApp): Promise<void> {
  const alerts = Array.from({ length: 200 }, (_, n) => ({
    status: 'firing',
    labels: {
      alertname: `Disk ${n} is nearly full`,
      severity: ['critical', 'error', 'warning', 'info'][n % 4],
      cluster: `c${n % 2}`,
      host: `web-${n}.rack-7.example`,
    },
    annotations: {},
    startsAt: new Date().toISOString(),
    endsAt: '0001-01-01T00:00:00Z',
    generatorURL: '',
    fingerprint: `storm${n}`,
  }));
  const body = {
    version: '4',
    groupKey: 'storm',
    status: 'firing',
    receiver: 'tocsin',
    groupLabels: {},
    commonLabels: {},
    commonAnnotations: {},
    externalURL: '',
    alerts,
  };
  const headers = { authorization: 'Bearer alert-secret' };
  const answer = await app.call('POST', '/events/alertmanager', { as: null, headers, body });
  if (answer.status !== 202) throw new Error(`the door answered ${answer.status} ${JSON.stringify(answer.body)}`);
}
