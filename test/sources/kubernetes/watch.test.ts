import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TestApp } from '../../doubles/app.ts';
import { type KubernetesDouble, startKubernetes } from '../../doubles/kubernetes/server.ts';
import { alertsOf, brief, event, pod, watching, withConditions } from './cluster.ts';

let cluster: KubernetesDouble;
let app: TestApp | undefined;
beforeEach(async () => {
  cluster = await startKubernetes();
});
afterEach(async () => {
  await app?.stop();
  app = undefined;
  await cluster.close();
});

const events = '/api/v1/events';

/** Waits until the alerts are these. */
async function expectAlerts(...wanted: string[]): Promise<void> {
  let seen: string[] = [];
  for (let tries = 0; tries < 1000; tries++) {
    seen = brief(await alertsOf(app as TestApp));
    if (seen.join('\n') === wanted.join('\n')) return;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  expect(seen).toEqual(wanted);
}

async function until(look: () => boolean): Promise<void> {
  for (let tries = 0; !look(); tries++) {
    if (tries > 1000) throw new Error(`nothing came of it; the requests were ${cluster.requests.join(', ')}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

describe('an event of a cluster', () => {
  test('opens one alert with a thread, however often it is counted, and the pod that runs again ends it', async () => {
    cluster.put('pods', pod('checkout-1'));
    app = await watching(cluster, { steady: '0s' });
    await until(() => cluster.watching(events) === 1);
    cluster.put('events', event('checkout-1.a', 'BackOff', { container: 'checkout', message: 'Back-off restarting' }));
    await expectAlerts('BackOff checkout-1: firing x1');
    for (const count of [2, 3])
      cluster.put('events', event('checkout-1.a', 'BackOff', { container: 'checkout', count }));
    await expectAlerts('BackOff checkout-1: firing x3');
    const [alert] = await alertsOf(app);
    expect(alert).toMatchObject({
      fingerprint: 'Pod/shop/checkout-1/BackOff/checkout',
      title: 'BackOff: Pod shop/checkout-1 (checkout)',
      severity: 'error',
      labels: { kind: 'Pod', namespace: 'shop', name: 'checkout-1', reason: 'BackOff', container: 'checkout' },
      annotations: { count: '3', reporter: 'kubelet' },
      trusted: true,
    });
    const posts = await app.until(async () => {
      const found = await app?.app.store.posts({ platform: 'console' });
      return found !== undefined && found.length > 0 && found;
    });
    expect(JSON.stringify(posts[0]?.card)).toContain('BackOff: Pod shop/checkout-1');
    cluster.put('pods', pod('checkout-1', { runningSince: Date.now() + 1000, ready: Date.now() + 1000 }));
    await expectAlerts('BackOff checkout-1: resolved x3 told');
  });

  test('is ended by the opposite event, by its pod, by a condition, and by the end of the object', async () => {
    for (const name of ['a', 'b', 'c']) cluster.put('pods', pod(name, { scheduled: name !== 'a' }));
    app = await watching(cluster);
    await until(() => cluster.watching(events) === 1);
    cluster.put('events', event('rs', 'FailedCreate', { kind: 'ReplicaSet', object: 'rs' }));
    cluster.put('events', event('a', 'FailedScheduling', { object: 'a' }));
    cluster.put('events', event('b', 'Unhealthy', { object: 'b' }));
    cluster.put('events', event('c', 'Evicted', { object: 'c' }));
    cluster.put('nodes', withConditions('node-1', { Ready: 'Unknown', DiskPressure: 'False' }));
    cluster.put('deployments', withConditions('checkout', { Progressing: 'False', Available: 'False' }, 'shop'));
    await expectAlerts(
      'Evicted c: firing x1',
      'FailedCreate rs: firing x1',
      'FailedScheduling a: firing x1',
      'NodeNotReady node-1: firing x1',
      'ProgressDeadlineExceeded checkout: firing x1',
      'Unhealthy b: firing x1',
    );
    const later = Date.now() + 2000;
    cluster.put(
      'events',
      event('rs2', 'SuccessfulCreate', { kind: 'ReplicaSet', object: 'rs', type: 'Normal', at: later }),
    );
    cluster.put('pods', pod('a', { scheduled: true }));
    cluster.put('pods', pod('b', { ready: later }));
    cluster.remove('pods', 'shop', 'c');
    cluster.put('nodes', withConditions('node-1', { Ready: 'True', DiskPressure: 'False' }));
    cluster.remove('deployments', 'shop', 'checkout');
    await expectAlerts(
      'Evicted c: resolved x1 expired',
      'FailedCreate rs: resolved x1 told',
      'FailedScheduling a: resolved x1 told',
      'NodeNotReady node-1: resolved x1 told',
      'ProgressDeadlineExceeded checkout: resolved x1 expired',
      'Unhealthy b: resolved x1 told',
    );
    cluster.put('events', event('a', 'FailedScheduling', { object: 'a', count: 2, at: later }));
    cluster.put('events', event('ok', 'Pulled', { object: 'a', type: 'Normal' }));
  });
});

describe('after a break', () => {
  const down = async () => {
    await app?.app.stop('for a restart');
    const folder = app?.folder as string;
    app = undefined;
    return folder;
  };

  test('nothing is told twice, and what happened meanwhile is told', async () => {
    app = await watching(cluster, { pods: false }, { keep: true });
    await until(() => cluster.watching(events) === 1);
    cluster.put('events', event('x', 'FailedMount'));
    await expectAlerts('FailedMount checkout-1: firing x1');
    const folder = await down();
    const version = cluster.version();
    app = await watching(cluster, { pods: false }, { folder, keep: true });
    await until(() => cluster.requests.includes(`watch ${events} ${version}`));
    cluster.put('events', event('other', 'FailedMount', { object: 'checkout-2' }));
    await expectAlerts('FailedMount checkout-1: firing x1', 'FailedMount checkout-2: firing x1');
    await down();
    cluster.put('events', event('y', 'Started', { type: 'Normal', at: Date.now() + 2000 }));
    cluster.put('events', event('z', 'FailedScheduling', { object: 'checkout-3' }));
    app = await watching(cluster, { pods: false }, { folder });
    await expectAlerts(
      'FailedMount checkout-1: resolved x1 told',
      'FailedMount checkout-2: firing x1',
      'FailedScheduling checkout-3: firing x1',
    );
    expect(cluster.requests.filter(one => one === `list ${events}`)).toHaveLength(1);
  });

  test.each(['status', 'stream'] as const)(
    'a version that is gone (%s) is a new list, and the difference is told',
    async gone => {
      cluster.gone = gone;
      cluster.put('pods', pod('checkout-1'));
      cluster.put('pods', pod('checkout-2'));
      app = await watching(cluster, {}, { keep: true });
      await until(() => cluster.watching(events) === 1);
      cluster.put('events', event('x', 'FailedMount'));
      cluster.put('events', event('w', 'FailedMount', { object: 'checkout-2' }));
      await expectAlerts('FailedMount checkout-1: firing x1', 'FailedMount checkout-2: firing x1');
      const folder = await down();
      const later = Date.now() + 2000;
      cluster.remove('pods', 'shop', 'checkout-2');
      cluster.put('pods', pod('checkout-3'));
      cluster.put('events', event('blip', 'FailedCreate', { kind: 'ReplicaSet', object: 'rs' }));
      cluster.put(
        'events',
        event('blop', 'SuccessfulCreate', { kind: 'ReplicaSet', object: 'rs', type: 'Normal', at: later }),
      );
      cluster.put('events', event('new', 'FailedMount', { object: 'checkout-3' }));
      cluster.compact();
      cluster.put('nodes', withConditions('node-1', { Ready: 'True' }));
      app = await watching(cluster, {}, { folder });
      await expectAlerts(
        'FailedCreate rs: resolved x1 told',
        'FailedMount checkout-1: firing x1',
        'FailedMount checkout-2: resolved x1 expired',
        'FailedMount checkout-3: firing x1',
      );
      expect(cluster.requests.filter(one => one === `list ${events}`)).toHaveLength(2);
    },
  );

  test('a stream that is cut goes on from what was handled', async () => {
    app = await watching(cluster, { pods: false });
    await until(() => cluster.watching(events) === 1);
    for (let round = 1; round <= 3; round++) {
      cluster.put('events', event('x', 'FailedMount', { count: round }));
      cluster.cut();
      await expectAlerts(`FailedMount checkout-1: firing x${round}`);
      await until(() => cluster.watching(events) === 1);
    }
    expect(cluster.requests.filter(one => one === `list ${events}`)).toHaveLength(1);
  });

  test('bookmarks are asked for, and move on where nothing happens', async () => {
    app = await watching(cluster);
    await until(() => cluster.watching('/api/v1/nodes') === 1 && cluster.watching(events) === 1);
    cluster.put('events', event('x', 'FailedMount', { object: 'gone' }));
    const version = cluster.version();
    cluster.bookmark('/api/v1/nodes');
    // Without the bookmark its version would be from before the event, which is gone.
    await until(() => cluster.watching('/api/v1/nodes') === 1);
    cluster.compact();
    await new Promise(resolve => setTimeout(resolve, 50));
    cluster.cut();
    await until(() => cluster.requests.includes(`watch /api/v1/nodes ${version}`));
    expect(cluster.requests.filter(one => one === 'list /api/v1/nodes')).toHaveLength(1);
  });
});
