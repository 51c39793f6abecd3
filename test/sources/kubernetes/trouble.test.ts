import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../../src/kernel/clock.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import type { TestApp } from '../../doubles/app.ts';
import { type KubernetesDouble, startKubernetes } from '../../doubles/kubernetes/server.ts';
import { alertsOf, brief, event, pod, watching, withConditions } from './cluster.ts';

let cluster: KubernetesDouble;
let app: TestApp | undefined;
let warnings: string[];
beforeEach(async () => {
  cluster = await startKubernetes();
  warnings = [];
});
afterEach(async () => {
  await app?.stop();
  app = undefined;
  await cluster.close();
});

const log = {
  ...silentLog,
  child: () => log,
  warn: (facts: object, message?: string) => void warnings.push(`${JSON.stringify(facts)} ${message}`),
};
const events = '/api/v1/events';

async function until(look: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await look()); tries++) {
    if (tries > 1200) throw new Error(`nothing came of it: ${cluster.requests.join(', ')}; ${warnings.join('; ')}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

const shows = (...wanted: string[]) =>
  until(async () => brief(await alertsOf(app as TestApp)).join('\n') === wanted.join('\n'));

/** A clock that a test sets forward. */
function movable(): Clock & { ahead: number } {
  const clock = {
    ...systemClock,
    ahead: 0,
    now: () => systemClock.now() + clock.ahead,
    monotonic: () => systemClock.monotonic() + clock.ahead,
  };
  return clock;
}

describe('a cluster that refuses', () => {
  test('a token that is refused is told once, and the watch goes on when it holds again', async () => {
    const { token } = cluster;
    cluster.token = 'another';
    app = await watching(
      { ...cluster, token } as KubernetesDouble,
      { pods: false, nodes: false, deployments: false },
      { log },
    );
    await until(() => warnings.some(one => one.includes('401')));
    cluster.put('events', event('x', 'FailedMount'));
    cluster.token = token;
    await shows('FailedMount checkout-1: firing x1');
    expect(warnings.filter(one => one.includes('cannot be watched here'))).toHaveLength(1);
    expect(warnings.join()).not.toContain(token);
  });

  test('what RBAC does not allow is named, and the rest is watched', async () => {
    cluster.rules = [{ verbs: ['list', 'watch'], resources: ['events'], namespaces: ['shop'] }];
    app = await watching(cluster, { namespaces: ['shop'] }, { log });
    await until(() => cluster.watching('/api/v1/namespaces/shop/events') === 1);
    cluster.put('events', event('x', 'FailedMount'));
    cluster.put('events', event('y', 'FailedMount', { namespace: 'secret', object: 'other' }));
    await shows('FailedMount checkout-1: firing x1');
    for (const resource of ['pods', 'nodes', 'deployments'])
      await until(() => warnings.some(one => one.includes(`${resource} is forbidden`)));
  });

  test('a server with a certificate of another authority is not asked for anything', async () => {
    const other = await startKubernetes();
    app = await watching({ ...cluster, ca: other.ca } as KubernetesDouble, {}, { log });
    await until(() => warnings.some(one => one.includes('cannot be watched here')));
    expect(cluster.requests).toEqual([]);
    await other.close();
  });

  test('an outage loses nothing', async () => {
    app = await watching(cluster, { pods: false }, { log });
    await until(() => cluster.watching(events) === 1);
    cluster.down = 500;
    cluster.cut();
    cluster.put('events', event('x', 'FailedMount'));
    await until(() => warnings.some(one => one.includes(events)));
    cluster.down = null;
    await shows('FailedMount checkout-1: firing x1');
    expect(cluster.requests.filter(one => one === `list ${events}`)).toHaveLength(1);
  });
});

describe('a watch that fails', () => {
  test('for five minutes is an alert, and its end is told', async () => {
    const clock = movable();
    const rules = cluster.rules;
    cluster.rules = rules.map(rule => ({ ...rule, resources: ['events', 'pods', 'deployments'] }));
    app = await watching(cluster, {}, { clock, log });
    await until(() => warnings.some(one => one.includes('/api/v1/nodes')) && cluster.watching(events) === 1);
    cluster.put('events', event('x', 'OddThing', { kind: 'Job' }));
    await shows('OddThing checkout-1: firing x1');
    clock.ahead = 301_000;
    await shows('OddThing checkout-1: firing x1', 'WatchFailed /api/v1/nodes: firing x1');
    const alert = (await alertsOf(app)).find(({ labels }) => labels['reason'] === 'WatchFailed');
    expect(alert?.annotations['message']).toContain('nodes is forbidden');
    cluster.rules = rules;
    await until(() => cluster.watching('/api/v1/nodes') === 1);
    cluster.put('nodes', withConditions('n', { Ready: 'True' }));
    await shows('OddThing checkout-1: firing x1', 'WatchFailed /api/v1/nodes: resolved x1 told');
  });
});

describe('what only time tells', () => {
  test('an alert of which nothing tells the end is over after the silence, which is no cure; what comes later is new', async () => {
    const clock = movable();
    app = await watching(cluster, { pods: false, silence: '30m' }, { clock });
    await until(() => cluster.watching(events) === 1);
    cluster.put('events', event('x', 'OddThing'));
    cluster.put('events', event('z', 'OddThing', { object: 'quiet' }));
    cluster.put('events', event('n', 'OddThing', { type: 'Normal', object: 'well' }));
    await shows('OddThing checkout-1: firing x1', 'OddThing quiet: firing x1');
    clock.ahead = 29 * 60_000;
    cluster.put('events', event('x', 'OddThing', { count: 2, at: clock.now() }));
    await shows('OddThing checkout-1: firing x2', 'OddThing quiet: firing x1');
    clock.ahead = 31 * 60_000;
    await shows('OddThing checkout-1: firing x2', 'OddThing quiet: resolved x1 expired');
    clock.ahead = 60 * 60_000;
    await shows('OddThing checkout-1: resolved x2 expired', 'OddThing quiet: resolved x1 expired');
    const [alert] = await alertsOf(app);
    expect(alert?.end?.because).toBe('no event came for 30m, which is no cure');
    cluster.put('events', event('x', 'OddThing', { count: 3, at: clock.now() }));
    await shows('OddThing checkout-1: firing x1 episode 2', 'OddThing quiet: resolved x1 expired');
  });

  test('a crash loop is not cured by each start, but by running steadily', async () => {
    const clock = movable();
    cluster.put('pods', pod('checkout-1'));
    app = await watching(cluster, { steady: '5m' }, { clock });
    await until(() => cluster.watching(events) === 1 && cluster.watching('/api/v1/pods') === 1);
    cluster.put('events', event('x', 'BackOff', { container: 'checkout' }));
    await shows('BackOff checkout-1: firing x1');
    cluster.put('events', event('s', 'Started', { container: 'checkout', type: 'Normal', at: Date.now() + 1000 }));
    cluster.put('pods', pod('checkout-1', { runningSince: Date.now() + 1000, ready: Date.now() + 1000 }));
    cluster.put('events', event('y', 'BackOff', { container: 'checkout', count: 2, at: Date.now() + 60_000 }));
    await shows('BackOff checkout-1: firing x2');
    clock.ahead = 120_000;
    cluster.put('pods', pod('checkout-1', { runningSince: clock.now(), ready: clock.now() }));
    cluster.put('nodes', withConditions('n', { Ready: 'False' }));
    await shows('BackOff checkout-1: firing x2', 'NodeNotReady n: firing x1');
    clock.ahead = 120_000 + 301_000;
    await shows('BackOff checkout-1: resolved x2 told', 'NodeNotReady n: firing x1');
  });

  test('a rollout is unavailable for a while before that is an alert', async () => {
    const clock = movable();
    app = await watching(cluster, {}, { clock });
    await until(() => cluster.watching('/apis/apps/v1/deployments') === 1);
    cluster.put('deployments', withConditions('checkout', { Available: 'False' }, 'shop'));
    cluster.put('deployments', withConditions('cart', { Available: 'False' }, 'shop'));
    cluster.put('nodes', withConditions('n', { MemoryPressure: 'True' }));
    cluster.put('deployments', withConditions('cart', { Available: 'True' }, 'shop'));
    await shows('MemoryPressure n: firing x1');
    clock.ahead = 121_000;
    await shows('MemoryPressure n: firing x1', 'Unavailable checkout: firing x1');
  });

  test('what was over before the first start is no news', async () => {
    const at = Date.now() - 600_000;
    cluster.put('pods', pod('ok', { runningSince: at + 5000, ready: at + 5000 }));
    cluster.put('pods', pod('bad'));
    cluster.put('events', event('1', 'FailedMount', { object: 'ok', at }));
    cluster.put('events', event('2', 'FailedMount', { object: 'bad', at }));
    cluster.put('events', event('3', 'FailedMount', { object: 'gone', at }));
    cluster.put('events', event('4', 'FailedCreate', { kind: 'Job', object: 'job', at }));
    cluster.put(
      'events',
      event('5', 'SuccessfulCreate', { kind: 'Job', object: 'job', type: 'Normal', at: at + 1000 }),
    );
    cluster.put('events', event('6', 'OddThing', { kind: 'Job', object: 'old', at: at - 7_200_000 }));
    app = await watching(cluster);
    await shows('FailedMount bad: firing x1');
  });
});
