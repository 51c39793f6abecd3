/** A resolve that Alertmanager never sends, with the real programs. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, findPrograms } from './programs.ts';
import { type Prometheus, startPrometheus } from './real.ts';
import { counted, openScene, type Scene, startGauges, whenPrometheusEnds } from './scene.ts';

const { programs, missing } = findPrograms();

describe.skipIf(missing !== null)('an Alertmanager that is killed forgets whom it told', () => {
  const cleanUp = new AsyncDisposableStack();
  let scene: Scene;
  let prometheus: Prometheus;
  let gauges: Awaited<ReturnType<typeof startGauges>>;

  beforeAll(async () => {
    if (programs === null) return;
    // Its list is empty after its start, and must not be taken for an end.
    scene = await openScene(cleanUp, programs, { source: { settle: '1h' } });
    gauges = await startGauges();
    cleanUp.defer(() => gauges.close());
    prometheus = await startPrometheus(programs.prometheus, join(scene.folder, 'prometheus'), {
      alertmanager: scene.alertmanagers[0]?.url ?? '',
      targets: [{ job: 'sample', address: gauges.address }],
      rules: [{ alert: 'SampleLost', expr: 'sample_lost == 1', labels: { severity: 'critical' } }],
      resendDelay: '10s',
    });
    cleanUp.defer(async () => void (await prometheus.stop()));
  }, 120_000);
  afterAll(() => cleanUp.disposeAsync());

  test('the next stretch is episode 2 with its own thread and run, and the run of the first ends ineffective', async () => {
    gauges.set('sample_lost', 1);
    const first = await scene.alert('it fires', { alertname: 'SampleLost' }, alert => alert.state === 'firing');
    await scene.run(first, { episode: 1, runbook: 'look', state: 'waiting' });
    const asked = await scene.run(first, { episode: 1, runbook: 'mend', state: 'waiting' });

    await scene.alertmanagers[0]?.program.kill();
    gauges.set('sample_lost', 0);
    await whenPrometheusEnds(prometheus, 'SampleLost');
    await scene.start(0);
    await eventually('Alertmanager heard of the end', async () => {
      const url = scene.alertmanagers[0]?.url ?? '';
      return (await counted(url, 'alertmanager_alerts_received_total', 'status="resolved"')) > 0 ? true : null;
    });
    // Whom it told of the start, it does not know any more. So it tells nobody of the end.
    gauges.set('sample_lost', 1);

    const second = await scene.alert('it fires anew', { alertname: 'SampleLost' }, alert => alert.episode === 2);
    expect(second).toMatchObject({ id: first.id, state: 'firing', count: 1 });
    expect(second.startsAt).toBeGreaterThan(first.startsAt);
    expect(await scene.effects(second)).toEqual(['opened', 'opened']);
    const old = await scene.run(first, { episode: 1, runbook: 'look', state: 'ineffective' });
    expect(old.because).toContain('new episode');
    await scene.run(second, { episode: 2, runbook: 'look', state: 'waiting' });
    await scene.run(second, { episode: 2, runbook: 'mend', state: 'waiting' });
    expect(await scene.run(first, { episode: 1, runbook: 'mend', state: 'cancelled' })).toMatchObject({
      id: asked.id,
      startedAt: null,
    });
    expect(await scene.runsOf(second)).toHaveLength(4);

    await eventually('the first thread says how it ended', async () =>
      JSON.stringify(await scene.thread(second, 1)).includes('It ended without a resolve') ? true : null,
    );
    expect((await scene.thread(second, 1))[0]).toMatchObject({ badge: 'ended' });
    expect((await scene.thread(second, 2))[0]).toMatchObject({ badge: 'firing' });
  }, 120_000);

  test('its end is told, and the run that waited for it has succeeded', async () => {
    gauges.set('sample_lost', 0);
    const over = await scene.alert('it is over', { alertname: 'SampleLost' }, alert => alert.state === 'resolved');
    expect(over).toMatchObject({ episode: 2, end: { how: 'told' } });
    await scene.run(over, { episode: 2, runbook: 'look', state: 'succeeded' });
    await scene.run(over, { episode: 1, runbook: 'look', state: 'ineffective' });
    expect(await scene.app.app.store.approvals({ state: 'open' })).toEqual([]);
  }, 120_000);
});
