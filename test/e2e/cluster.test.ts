/** Two real Alertmanagers that know of each other and post to one Tocsin. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Alert } from '../../src/model/alert.ts';
import { eventually, findPrograms } from './programs.ts';
import { counted, openScene, type Scene } from './scene.ts';

const { programs, missing } = findPrograms();

describe.skipIf(missing !== null)('a cluster of two Alertmanagers', () => {
  const cleanUp = new AsyncDisposableStack();
  let scene: Scene;

  beforeAll(async () => {
    if (programs === null) return;
    // Stale news is stale however slow the machine is.
    scene = await openScene(cleanUp, programs, { source: { settle: '1ms', reopenAfter: '1h' }, cluster: true });
  }, 120_000);
  afterAll(() => cleanUp.disposeAsync());

  const minutes = (count: number) => new Date(Date.now() + count * 60_000).toISOString();
  /** Prometheus posts to each of them. */
  const post = (alerts: object[]) => Promise.all(scene.alertmanagers.map(one => one.post(alerts)));

  /** Fires so many alerts at once, each in a group of its own, and ends them when all are known. */
  async function driveStretches(names: readonly string[]): Promise<Alert[]> {
    const startsAt = minutes(0);
    const facts = names.map(alertname => ({ labels: { alertname, severity: 'critical' }, startsAt }));
    await post(facts.map(one => ({ ...one, endsAt: minutes(5) })));
    const alerts = await Promise.all(
      names.map(alertname => scene.alert(`${alertname} fires`, { alertname }, alert => alert.state === 'firing')),
    );
    for (const alert of alerts) {
      await scene.run(alert, { episode: 1, runbook: 'look', state: 'waiting' });
      await scene.run(alert, { episode: 1, runbook: 'mend', state: 'waiting' });
    }
    const endsAt = minutes(0);
    await post(facts.map(one => ({ ...one, endsAt })));
    return alerts;
  }

  /** Neither has a group left about which it could post. */
  async function whenIdle(): Promise<void> {
    await eventually(
      'both Alertmanagers are done',
      async () => {
        const groups = scene.alertmanagers.map(one => counted(one.url, 'alertmanager_dispatcher_aggregation_groups'));
        return (await Promise.all(groups)).every(count => count === 0) ? true : null;
      },
      120_000,
    );
  }

  test('a stale firing between two resolves is one episode, asks nobody and runs nothing a second time', async () => {
    const all: Alert[] = [];
    let stale = 0;
    // The second one posts what it knew before it began to wait for the first. That is nearly always old news at a resolve.
    for (let round = 1; stale === 0 && round <= 5; round++) {
      all.push(...(await driveStretches([1, 2, 3, 4, 5, 6].map(number => `Sample${round}x${number}`))));
      await whenIdle();
      const effects = await Promise.all(all.map(alert => scene.effects(alert)));
      stale = effects.filter(some => /resolved .*opened/.test(some.join(' '))).length;
    }
    expect(stale).toBeGreaterThan(0);

    for (const { id, labels } of all) {
      const alert = await scene.alert(`${labels['alertname']} is over`, labels, one => one.state === 'resolved');
      expect(alert).toMatchObject({ id, episode: 1, reopenedAt: null, end: { how: 'told' } });
      expect((await scene.effects(alert)).join(' ')).toMatch(
        /^opened( refreshed)* resolved( stale)*( reopened( refreshed)* resolved( stale)*)*$/,
      );
      await scene.run(alert, { episode: 1, runbook: 'look', state: 'succeeded' });
      await scene.run(alert, { episode: 1, runbook: 'mend', state: 'cancelled' });
      expect(await scene.runsOf(alert)).toHaveLength(2);
      const thread = JSON.stringify(await scene.thread(alert, 1));
      expect(thread).not.toContain('fires again');
      expect(await scene.thread(alert, 2)).toEqual([]);
    }
    const approvals = await scene.app.app.store.approvals({ limit: 1000 });
    expect(approvals.map(one => one.state)).toEqual(all.map(() => 'void'));
  }, 600_000);
});
