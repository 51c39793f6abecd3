/** The picture of an alert that a real Prometheus fires: rule, threshold and series are read from it. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readChart } from '../../src/kernel/chart/chart.ts';
import { eventually, findPrograms, freePort } from './programs.ts';
import { type Prometheus, startPrometheus } from './real.ts';
import { openScene, type Scene, startGauges } from './scene.ts';

const { programs, missing } = findPrograms();

describe.skipIf(missing !== null)('the picture of an alert', () => {
  const cleanUp = new AsyncDisposableStack();
  let scene: Scene;
  let gauges: Awaited<ReturnType<typeof startGauges>>;
  let prometheus: Prometheus;

  beforeAll(async () => {
    if (programs === null) return;
    const port = await freePort();
    const source = { settle: '1ms', prometheus: { url: `http://127.0.0.1:${port}`, before: '2m' } };
    scene = await openScene(cleanUp, programs, { source });
    gauges = await startGauges();
    cleanUp.defer(() => gauges.close());
    gauges.set('heat{room="<b>attic</b>"}', 20);
    gauges.set('heat{room="cellar"}', 12);
    const started = await startPrometheus(programs.prometheus, join(scene.folder, 'prometheus'), {
      alertmanager: scene.alertmanagers[0]?.url ?? '',
      targets: [{ job: 'sample', address: gauges.address }],
      rules: [{ alert: 'SampleHeat', expr: 'heat > 30', labels: { severity: 'critical' } }],
      port,
    });
    prometheus = started;
    cleanUp.defer(async () => void (await prometheus.stop()));
  }, 120_000);
  afterAll(() => cleanUp.disposeAsync());

  test('shows the series that fired and its threshold, in the thread, once', async () => {
    await eventually('it is looked at', async () => {
      const answer = await fetch(`${prometheus.url}/api/v1/query?query=heat`);
      const { data } = (await answer.json()) as { data: { result: unknown[] } };
      return data.result.length === 2 ? true : null;
    });
    gauges.set('heat{room="<b>attic</b>"}', 45);
    const alert = await scene.alert('it fires', { alertname: 'SampleHeat' }, one => one.state === 'firing');
    const block = await eventually('the picture is in the thread', async () => {
      const cards = await scene.thread(alert, 1);
      return cards.flatMap(card => card.blocks).find(one => one.kind === 'picture') ?? null;
    });
    expect(block).toMatchObject({ more: 0, rows: [{ name: expect.stringContaining('127.0.0.1'), last: 45 }] });
    expect(block.alt).toMatch(/^heat of .*; above 30 since \d\d:\d\d$/);
    const bytes = await scene.app.app.store.blob(block.id);
    expect(bytes === null ? null : readChart(bytes)).toMatchObject({
      query: 'heat',
      threshold: { is: '>', value: 30 },
      firedAt: alert.startsAt,
    });
    expect(await scene.app.app.host.picture(block.id, 'light')).toContain('<svg');
    expect(await scene.app.app.host.picture('no-such-blob', 'light')).toBeNull();
    expect((await scene.thread(alert, 1)).filter(card => card.blocks.some(one => one.kind === 'picture'))).toHaveLength(
      1,
    );
  }, 120_000);
});
