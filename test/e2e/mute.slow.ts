/** The seventeen minutes of a real mute: Prometheus repeats an end for 15 minutes, and then nobody will ever tell of it. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, findPrograms } from './programs.ts';
import { type Prometheus, startPrometheus } from './real.ts';
import { counted, openScene, type Scene, startGauges, whenPrometheusEnds } from './scene.ts';

const { programs, missing } = findPrograms();
const minute = 60_000;
/** How long a silence lasts here, and how much longer one looks for what should not come. */
const mute = 17 * minute;
const after = 2 * minute;

describe.skipIf(missing !== null)('a mute that lasts longer than Prometheus repeats the end', () => {
  const cleanUp = new AsyncDisposableStack();
  let scene: Scene;
  let prometheus: Prometheus;
  let gauges: Awaited<ReturnType<typeof startGauges>>;

  beforeAll(async () => {
    if (programs === null) return;
    scene = await openScene(cleanUp, programs, { source: { settle: '1ms' } });
    gauges = await startGauges();
    cleanUp.defer(() => gauges.close());
    prometheus = await startPrometheus(programs.prometheus, join(scene.folder, 'prometheus'), {
      alertmanager: scene.alertmanagers[0]?.url ?? '',
      targets: [{ job: 'sample', address: gauges.address }],
      rules: [{ alert: 'SampleMuted', expr: 'sample_muted == 1', labels: { severity: 'critical' } }],
    });
    cleanUp.defer(async () => void (await prometheus.stop()));
  }, 120_000);
  afterAll(() => cleanUp.disposeAsync());

  test(
    'no resolve is ever sent, and the alert is over here all the same',
    async () => {
      const [alertmanager] = scene.alertmanagers;
      gauges.set('sample_muted', 1);
      const alert = await scene.alert('it fires', { alertname: 'SampleMuted' }, one => one.state === 'firing');
      await scene.run(alert, { episode: 1, runbook: 'mend', state: 'waiting' });
      const until = Date.now() + mute;
      await alertmanager?.silence({ name: 'alertname', value: 'SampleMuted' }, until);
      gauges.set('sample_muted', 0);
      await whenPrometheusEnds(prometheus, 'SampleMuted');

      await eventually(
        'the mute is long over',
        async () => (Date.now() > until + after ? true : null),
        mute + 2 * after,
      );
      expect(await counted(alertmanager?.url ?? '', 'alertmanager_notifications_total', 'integration="webhook"')).toBe(
        1,
      );
      const over = await scene.alert('it is closed', { alertname: 'SampleMuted' }, one => one.state === 'resolved');
      expect(over).toMatchObject({ id: alert.id, episode: 1, end: { how: 'gone' } });
      expect(await scene.effects(over)).toEqual(['opened', 'resolved']);
      await scene.run(over, { episode: 1, runbook: 'look', state: 'succeeded' });
      await scene.run(over, { episode: 1, runbook: 'mend', state: 'cancelled' });
      expect(await scene.runsOf(over)).toHaveLength(2);
    },
    mute + 5 * after,
  );
});
