import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { z } from 'zod';
import { eventually, findPrograms, freePort } from './programs.ts';
import {
  type Alertmanager,
  makeFolder,
  startAlertmanager,
  startBrowser,
  startPrometheus,
  startTarget,
  startTocsin,
  type Tocsin,
  writeFiles,
} from './real.ts';

const { programs, missing } = findPrograms();
const token = 'a token for tests';

/** Only what is looked at; the API's own tests check the rest. */
const alertDoc = z.object({
  id: z.string(),
  title: z.string(),
  state: z.string(),
  labels: z.record(z.string(), z.string()),
  episode: z.int(),
  count: z.int(),
});
const runDoc = z.object({
  id: z.string(),
  runbook: z.string(),
  state: z.string(),
  startedAt: z.unknown(),
  decision: z.object({ verdict: z.string(), rule: z.string() }),
  steps: z.array(z.object({ id: z.string(), state: z.string() })),
});

function filesOf(parts: { alertmanager: string; marker: string }) {
  const runbook = (job: string, steps: object[]) => ({
    title: `Bring ${job} back`,
    risk: 'low',
    on: [{ source: 'alertmanager', match: { alertname: 'TargetDown', job } }],
    params: { instance: { type: 'string', pattern: '[a-z0-9.:-]{1,100}', from: 'labels.instance' } },
    target: 'params.instance',
    steps: [...steps, { id: 'gone', verify: { resolved: true, within: job === 'helped' ? '60s' : '6s' } }],
  });
  return {
    'tocsin.yaml': {
      sources: {
        alertmanager: { token: '${ALERTMANAGER_TOKEN}', url: parts.alertmanager, settle: '1ms', groupInterval: '1s' },
      },
      people: { you: {}, sam: {} },
      groups: { sre: ['you', 'sam'] },
      operators: ['sre'],
    },
    'policy.yaml': {
      rules: [
        { name: 'looking is free', when: 'runbook.risk == "none"', decide: 'auto' },
        { name: 'ask sre', decide: 'approve', by: 'sre', expires: '10m' },
      ],
    },
    'runbooks/bring-helped-back.yaml': runbook('helped', [
      { id: 'say', exec: ['echo', 'bringing ${{ params.instance }} back'] },
      { id: 'up', exec: ['touch', parts.marker] },
    ]),
    'runbooks/bring-stuck-back.yaml': runbook('stuck', [{ id: 'say', exec: ['echo', 'this does not help'] }]),
    'runbooks/look.yaml': {
      title: 'Look at it',
      risk: 'none',
      on: [{ source: 'alertmanager', match: { alertname: 'Again' } }],
      steps: [{ id: 'say', exec: ['echo', 'looked'] }],
    },
  };
}

const rule = {
  alert: 'TargetDown',
  expr: 'up == 0',
  labels: { severity: 'critical' },
  annotations: { summary: '{{ $labels.job }} does not answer' },
};

describe.skipIf(missing !== null)('from a real alert to a remediated thread', () => {
  const cleanUp = new AsyncDisposableStack();
  let tocsin: Tocsin;
  let alertmanager: Alertmanager;
  let page: Page;
  let helped: Awaited<ReturnType<typeof startTarget>>;

  beforeAll(async () => {
    if (programs === null) return;
    const { folder, remove } = await makeFolder();
    cleanUp.defer(remove);
    const [tocsinPort, alertmanagerPort] = [await freePort(), await freePort()];
    helped = await startTarget(folder);
    cleanUp.defer(async () => void (await helped.program.stop()));
    await writeFile(helped.file, '');

    await writeFiles(folder, filesOf({ alertmanager: `http://127.0.0.1:${alertmanagerPort}`, marker: helped.file }));
    tocsin = await startTocsin(folder, tocsinPort, { ALERTMANAGER_TOKEN: token });
    cleanUp.defer(async () => void (await tocsin.program.stop()));
    const webhook = { url: `${tocsin.url}/events/alertmanager`, token };
    alertmanager = await startAlertmanager(programs.alertmanager, folder, webhook, alertmanagerPort);
    cleanUp.defer(async () => void (await alertmanager.program.stop()));
    const targets = [
      { job: 'helped', address: helped.address },
      // Nobody listens there, and nothing changes that.
      { job: 'stuck', address: `127.0.0.1:${await freePort()}` },
    ];
    const prometheus = await startPrometheus(programs.prometheus, folder, {
      alertmanager: alertmanager.url,
      targets,
      rules: [rule],
    });
    cleanUp.defer(async () => void (await prometheus.stop()));
    const browser = await startBrowser(programs.chromium, folder);
    cleanUp.defer(() => browser.close());
    page = browser.pages()[0] ?? (await browser.newPage());
    page.setDefaultTimeout(60_000);
    // The key in the link becomes a cookie, so that every later page knows who looks.
    await page.goto(tocsin.link);
  }, 120_000);
  afterAll(() => cleanUp.disposeAsync());

  const alertWhere = (
    what: string,
    labels: Record<string, string>,
    holds: (alert: z.infer<typeof alertDoc>) => boolean,
  ) =>
    eventually(what, async () => {
      const alerts = z.array(alertDoc).parse(await tocsin.get('/api/v1/alerts'));
      const found = alerts.find(alert => Object.entries(labels).every(([name, value]) => alert.labels[name] === value));
      return found !== undefined && holds(found) ? found : null;
    });
  const runsOf = async (alert: string) => z.array(runDoc).parse(await tocsin.get(`/api/v1/runs?alert=${alert}`));

  /** Opens the thread of the alert from the channel, as a person does. */
  async function openThread(title: string): Promise<void> {
    await page.goto(tocsin.url);
    await card(title).getByRole('link', { name: title }).first().click();
    await page.getByRole('log').waitFor();
    // A page whose stream never opens shows nothing that happens later.
    await page.getByRole('status').getByText('live', { exact: true }).waitFor();
  }
  const card = (text: string | RegExp): Locator => page.getByRole('article').filter({ hasText: text });

  /** What the process said and what the person sees, when something is not as it should be. */
  function showOnFailure(): void {
    onTestFailed(async () => {
      console.error(tocsin.program.output().slice(-20_000));
      console.error(page.url(), await page.locator('main').textContent({ timeout: 1000 }));
      console.error(JSON.stringify(await tocsin.get('/api/v1/runs')));
    });
  }

  test('a target goes down, a person approves in a browser, the runbook brings it back, and the alert is gone', async () => {
    showOnFailure();
    await rm(helped.file);
    const alert = await alertWhere('helped fires', { job: 'helped' }, found => found.state === 'firing');
    expect(alert.title).toBe('helped does not answer');
    const [waiting] = await eventually('a run waits', async () => {
      const runs = await runsOf(alert.id);
      return runs.length > 0 ? runs : null;
    });
    expect(waiting).toMatchObject({ runbook: 'bring-helped-back', state: 'waiting', startedAt: null });
    expect(waiting?.decision).toEqual(expect.objectContaining({ verdict: 'approve', rule: 'ask sre' }));

    await openThread('helped does not answer');
    const approve = page.getByRole('button', { name: 'Approve' });
    // What will run stands on the card that asks.
    expect(await card('May vote').textContent()).toContain(helped.file);
    expect(existsSync(helped.file)).toBe(false);
    await approve.click();
    // The page is not loaded again: what follows comes by itself.
    await card(`bringing ${helped.address} back`).waitFor();
    await card('Bring helped back').getByText('succeeded', { exact: true }).first().waitFor();

    const [run] = await runsOf(alert.id);
    expect(run?.state).toBe('succeeded');
    expect(run?.steps.map(step => [step.id, step.state])).toEqual([
      ['say', 'done'],
      ['up', 'done'],
      ['gone', 'done'],
    ]);
    expect((await fetch(`http://${helped.address}/metrics`)).status).toBe(200);
    await alertWhere('helped is resolved', { job: 'helped' }, found => found.state === 'resolved');
    await card('helped does not answer').getByText('resolved', { exact: true }).first().waitFor();
  }, 180_000);

  test('a runbook that does not help ends ineffective and calls people in the thread', async () => {
    showOnFailure();
    const alert = await alertWhere('stuck fires', { job: 'stuck' }, found => found.state === 'firing');
    await openThread('stuck does not answer');
    await page.getByRole('button', { name: 'Approve' }).click();
    await card('this does not help').waitFor();
    const note = card('the alert still fires').filter({ hasText: 'Calls @sre' });
    await note.first().waitFor();
    const [run] = await runsOf(alert.id);
    expect(run?.state).toBe('ineffective');
    expect(run?.steps.map(step => [step.id, step.state])).toEqual([
      ['say', 'done'],
      ['gone', 'failed'],
    ]);
    await alertWhere('stuck still fires', { job: 'stuck' }, found => found.state === 'firing');
  }, 180_000);

  test('an alert that comes back with the same bytes after its resolve reopens its episode, and starts nothing', async () => {
    showOnFailure();
    const labels = { alertname: 'Again', instance: 'web-1' };
    const annotations = { summary: 'It comes and goes' };
    const startsAt = new Date(Date.now() - 60_000).toISOString();
    const later = () => new Date(Date.now() + 3_600_000).toISOString();
    await alertmanager.post([{ labels, annotations, startsAt, endsAt: later() }]);
    const first = await alertWhere('it fires', { alertname: 'Again' }, found => found.state === 'firing');
    await eventually('what is free ran by itself', async () =>
      (await runsOf(first.id)).every(run => run.state === 'succeeded') && (await runsOf(first.id)).length === 1
        ? true
        : null,
    );
    await alertmanager.post([{ labels, annotations, startsAt, endsAt: new Date().toISOString() }]);
    await alertWhere('it is resolved', { alertname: 'Again' }, found => found.state === 'resolved');
    await alertmanager.post([{ labels, annotations, startsAt, endsAt: later() }]);
    const again = await alertWhere('it fires again', { alertname: 'Again' }, found => found.state === 'firing');
    expect(again).toMatchObject({ id: first.id, episode: 1, count: 2 });

    await openThread('It comes and goes');
    await card('It fires again after its resolve').waitFor();
    const started = (await runsOf(first.id)).filter(run => run.startedAt !== null);
    expect(started).toHaveLength(1);
  }, 120_000);

  test('the process ends in order when it is told to stop', async () => {
    showOnFailure();
    expect(await tocsin.program.stop()).toBe(0);
  });
});
