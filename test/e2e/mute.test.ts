/** An alert that ends while a real Alertmanager is silenced: no resolve comes, and the comparison with its list makes up for it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../src/kernel/clock.ts';
import { eventually, findPrograms } from './programs.ts';
import { counted, openScene, type Scene } from './scene.ts';

const { programs, missing } = findPrograms();

/** Nothing waits longer than eleven seconds, so that the list is compared more often than once a minute. */
const brisk: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 11_000), signal) };

describe.skipIf(missing !== null)('an alert that ends unheard while it is muted', () => {
  const cleanUp = new AsyncDisposableStack();
  let scene: Scene;

  beforeAll(async () => {
    if (programs === null) return;
    scene = await openScene(cleanUp, programs, { source: { settle: '1ms' }, clock: brisk });
  }, 120_000);
  afterAll(() => cleanUp.disposeAsync());

  test('is closed by the comparison, its run ends and its question is void, and no other alert is touched', async () => {
    const [alertmanager] = scene.alertmanagers;
    const startsAt = new Date().toISOString();
    const inMinutes = (count: number) => Date.now() + count * 60_000;
    const [muted, other] = ['SampleMuted', 'SampleOther'].map(alertname => ({ alertname, severity: 'critical' }));
    const fires = (labels: object | undefined) => ({ labels, startsAt, endsAt: new Date(inMinutes(30)).toISOString() });
    await alertmanager?.post([fires(muted), fires(other)]);
    const alert = await scene.alert('it fires', { alertname: 'SampleMuted' }, one => one.state === 'firing');
    const beside = await scene.alert('so does another', { alertname: 'SampleOther' }, one => one.state === 'firing');
    // It has looked at Alertmanager once when it waits, so that an end can be told from an expiry.
    await scene.run(alert, { episode: 1, runbook: 'look', state: 'waiting' });
    await scene.run(alert, { episode: 1, runbook: 'mend', state: 'waiting' });
    await scene.run(beside, { episode: 1, runbook: 'mend', state: 'waiting' });

    const unmute = await alertmanager?.silence({ name: 'alertname', value: 'SampleMuted' }, inMinutes(30));
    // The end is told to Alertmanager once, and never again.
    await alertmanager?.post([{ labels: muted, startsAt, endsAt: new Date().toISOString() }]);
    await eventually('only the group of the other alert is left', async () => {
      const groups = await counted(alertmanager?.url ?? '', 'alertmanager_dispatcher_aggregation_groups');
      return groups === 1 ? true : null;
    });
    await unmute?.();

    const over = await eventually(
      'it is closed',
      async () => {
        const now = await scene.app.app.store.alert(alert.id);
        return now?.state === 'resolved' ? now : null;
      },
      240_000,
    );
    expect(over).toMatchObject({ episode: 1, end: { how: 'gone' } });
    expect(await scene.effects(over)).toEqual(['opened', 'resolved']);
    await scene.run(over, { episode: 1, runbook: 'look', state: 'succeeded' });
    await scene.run(over, { episode: 1, runbook: 'mend', state: 'cancelled' });
    // Alertmanager posted the two starts and nothing since.
    expect(await counted(alertmanager?.url ?? '', 'alertmanager_notifications_total', 'integration="webhook"')).toBe(2);
    expect(await scene.app.app.store.alert(beside.id)).toMatchObject({ state: 'firing', episode: 1 });
    await scene.run(beside, { episode: 1, runbook: 'mend', state: 'waiting' });
  }, 300_000);
});
