/** What becomes of alerts when a real Prometheus is killed, started again, or gets other rules. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Alert } from '../../src/model/alert.ts';
import { eventually, findPrograms } from './programs.ts';
import { type Prometheus, startPrometheus } from './real.ts';
import { counted, openScene, type Scene, startGauges } from './scene.ts';

const { programs, missing } = findPrograms();
const noCure = 'heard nothing more of it, which is no cure';

const ruleOf = (alert: string, labels: Record<string, string> = {}) => ({
  alert,
  expr: `${alert.toLowerCase()} == 1`,
  labels: { severity: 'critical', ...labels },
});

describe.skipIf(missing !== null)('a Prometheus that falls silent', () => {
  const cleanUp = new AsyncDisposableStack();
  let scene: Scene;
  let gauges: Awaited<ReturnType<typeof startGauges>>;
  let prometheus: Prometheus;

  /** Alertmanager expires an alert 20 s after the last that it heard of it, instead of four minutes. */
  const hasty = (rules: object[]) => start('hasty', rules, '5s');

  async function start(name: string, rules: object[], resendDelay: string): Promise<Prometheus> {
    const started = await startPrometheus(programs?.prometheus ?? '', join(scene.folder, name), {
      alertmanager: scene.alertmanagers[0]?.url ?? '',
      targets: [{ job: 'sample', address: gauges.address }],
      rules,
      resendDelay,
    });
    cleanUp.defer(async () => void (await started.stop()));
    return started;
  }

  beforeAll(async () => {
    if (programs === null) return;
    scene = await openScene(cleanUp, programs, { source: { settle: '1ms' } });
    gauges = await startGauges();
    cleanUp.defer(() => gauges.close());
  }, 120_000);
  afterAll(() => cleanUp.disposeAsync());

  /** The alert once it fires and both runbooks wait: one for its end, one for people. */
  async function whenAsked(labels: Record<string, string>, episode: number): Promise<Alert> {
    const alert = await scene.alert('it fires', labels, one => one.state === 'firing' && one.episode === episode);
    await scene.run(alert, { episode, runbook: 'look', state: 'waiting' });
    await scene.run(alert, { episode, runbook: 'mend', state: 'waiting' });
    return alert;
  }

  /** The alert expired: the run that waited is unconfirmed, people may still decide, and their card says what happened. */
  async function expectExpired({ id, labels, episode }: Alert): Promise<void> {
    const alert = await scene.alert('it is resolved', labels, one => one.state === 'resolved');
    expect(alert).toMatchObject({ id, episode, end: { how: 'expired' } });
    const ended = await scene.run(alert, { episode, runbook: 'look', state: 'unconfirmed' });
    expect(ended.because).toContain(noCure);
    const asking = await scene.run(alert, { episode, runbook: 'mend', state: 'waiting' });
    expect(await scene.app.app.store.approval(asking.approval ?? '')).toMatchObject({ state: 'open' });
    await eventually('the card that asks says it', async () => {
      const cards = await scene.thread(alert, episode);
      const ask = cards.find(
        card => JSON.stringify(card.blocks).includes('calls itself') && JSON.stringify(card.blocks).includes('Mend it'),
      );
      const buttons = ask?.buttons.filter(button => button.does.kind === 'act').length ?? 0;
      return JSON.stringify(ask).includes(noCure) && buttons > 0 ? true : null;
    });
    expect(await scene.effects(alert)).toEqual([
      ...Array(episode - 1)
        .fill(['opened', 'resolved'])
        .flat(),
      'opened',
      'resolved',
    ]);
  }

  test('a label that a reload changes: the old alert expires and is not cured, the new one opens', async () => {
    prometheus = await hasty([ruleOf('SampleLabel', { team: 'a' }), ruleOf('SampleKilled')]);
    gauges.set('samplelabel', 1);
    const old = await whenAsked({ alertname: 'SampleLabel', team: 'a' }, 1);
    await prometheus.reload([ruleOf('SampleLabel', { team: 'b' }), ruleOf('SampleKilled')]);
    const renamed = await whenAsked({ alertname: 'SampleLabel', team: 'b' }, 1);
    expect(renamed.id).not.toBe(old.id);
    await expectExpired(old);
    expect(await scene.app.app.store.alert(renamed.id)).toMatchObject({ state: 'firing', episode: 1 });
  }, 180_000);

  test('killed: the alert expires, which confirms nothing and decides nothing', async () => {
    gauges.set('samplekilled', 1);
    const alert = await whenAsked({ alertname: 'SampleKilled' }, 1);
    await prometheus.kill();
    await expectExpired(alert);
  }, 180_000);

  test('started again after that: a new start, so episode 2 with its own run and question', async () => {
    await hasty([ruleOf('SampleKilled')]);
    const alert = await whenAsked({ alertname: 'SampleKilled' }, 2);
    expect(await scene.effects(alert)).toEqual(['opened', 'resolved', 'opened']);
    await scene.run(alert, { episode: 1, runbook: 'look', state: 'unconfirmed' });
    // The earlier question is about a stretch that is over now.
    await scene.run(alert, { episode: 1, runbook: 'mend', state: 'cancelled' });
    expect(await scene.runsOf(alert)).toHaveLength(4);
    expect((await scene.thread(alert, 2))[0]).toMatchObject({ badge: 'firing' });
  }, 180_000);

  test('killed and started again before the alert expires: nothing happened', async () => {
    // It expires after 40 s. What a Prometheus sends at its start is lost, until it knows its Alertmanager: the next comes 10 s later.
    const patient = () => start('patient', [ruleOf('SampleBrief')], '10s');
    const brief = await patient();
    gauges.set('samplebrief', 1);
    const alert = await whenAsked({ alertname: 'SampleBrief' }, 1);
    await brief.kill();
    const restarted = await patient();
    await eventually('it told Alertmanager of the alert again', async () =>
      (await counted(restarted.url, 'prometheus_notifications_sent_total')) > 0 ? true : null,
    );
    gauges.set('samplebrief', 0);
    const over = await scene.alert('it is over', { alertname: 'SampleBrief' }, one => one.state === 'resolved');
    expect(over).toMatchObject({ id: alert.id, episode: 1, startsAt: alert.startsAt, end: { how: 'told' } });
    expect(await scene.effects(over)).toEqual(['opened', 'resolved']);
    await scene.run(over, { episode: 1, runbook: 'look', state: 'succeeded' });
    await scene.run(over, { episode: 1, runbook: 'mend', state: 'cancelled' });
    expect(await scene.runsOf(over)).toHaveLength(2);
  }, 180_000);
});
