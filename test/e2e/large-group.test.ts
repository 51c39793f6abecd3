/** A group of 2,000 alerts, which a real Alertmanager posts in one body and never splits. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { everyOf } from '../../src/flow/journal/pages.ts';
import { eventually, findPrograms } from './programs.ts';
import { counted, openScene, type Scene } from './scene.ts';

const { programs, missing } = findPrograms();
const size = 2000;

describe.skipIf(missing !== null)('one group of 2,000 alerts', () => {
  const cleanUp = new AsyncDisposableStack();
  let scene: Scene;

  beforeAll(async () => {
    if (programs === null) return;
    const route = { group_by: ['cluster'], group_wait: '3s', group_interval: '3s' };
    scene = await openScene(cleanUp, programs, { source: { settle: '1ms' }, route });
  }, 120_000);
  afterAll(() => cleanUp.disposeAsync());

  async function inState(state: 'firing' | 'resolved'): Promise<number> {
    const seen = new Set<string>();
    for await (const alert of everyOf(page => scene.app.app.store.alerts({ ...page, state }))) {
      expect(alert.episode).toBe(1);
      seen.add(alert.fingerprint);
    }
    return seen.size;
  }
  const whenAll = (state: 'firing' | 'resolved') =>
    eventually(`all are ${state}`, async () => ((await inState(state)) === size ? true : null), 120_000);

  async function effectsOf(id: string | null): Promise<string> {
    const alert = await scene.app.app.store.alert(id ?? '');
    return alert === null ? 'no alert' : (await scene.effects(alert)).join(' ');
  }

  test('all come in, those of a runbook run, and all of them end', async () => {
    const startsAt = new Date().toISOString();
    // Two of them concern runbooks; they are the last in the order of labels, in which a limit would cut.
    const alerts = Array.from({ length: size }, (_, index) => ({
      labels: {
        alertname: index === 0 || index === size - 1 ? `Sample${index}` : 'Bulk',
        cluster: 'one',
        instance: `web-${index}.example.com:9100`,
        job: 'node',
        severity: 'critical',
      },
      annotations: { summary: `web-${index} does not answer`, description: 'It has not answered for 5 minutes.' },
      startsAt,
    }));
    const [alertmanager] = scene.alertmanagers;
    await alertmanager?.post(alerts.map(one => ({ ...one, endsAt: new Date(Date.now() + 3_600_000).toISOString() })));
    await whenAll('firing');
    const runs = await eventually('both runbooks wait for both', async () => {
      const found = await scene.app.runs();
      return found.filter(run => run.state === 'waiting').length === 4 ? found : null;
    });
    expect(runs.map(run => run.runbook).toSorted()).toEqual(['look', 'look', 'mend', 'mend']);

    await alertmanager?.post(alerts.map(one => ({ ...one, endsAt: new Date().toISOString() })));
    await whenAll('resolved');
    await eventually('what waited for the ends has succeeded', async () => {
      const looks = (await scene.app.runs()).filter(run => run.runbook === 'look');
      return looks.length === 2 && looks.every(run => run.state === 'succeeded') ? true : null;
    });
    expect(await scene.app.runs()).toHaveLength(4);
    for (const { alert } of runs) expect(await effectsOf(alert)).toMatch(/^opened( refreshed)* resolved( stale)*$/);
    // A refused body would come again each group_interval.
    const failed = 'alertmanager_notifications_failed_total';
    expect(await counted(alertmanager?.url ?? '', failed, 'integration="webhook"')).toBe(0);
  }, 300_000);
});
