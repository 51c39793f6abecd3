import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TestApp } from '../../doubles/app.ts';
import { type KubernetesDouble, startKubernetes } from '../../doubles/kubernetes/server.ts';
import { alertsOf, brief, event, watching } from './cluster.ts';

let cluster: KubernetesDouble;
let app: TestApp;
beforeEach(async () => {
  cluster = await startKubernetes();
});
afterEach(async () => {
  await app.stop();
  await cluster.close();
});

const events = '/api/v1/events';

async function until(look: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await look()); tries++) {
    if (tries > 2000) throw new Error(`nothing came of it; the requests were ${cluster.requests.join(', ')}`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

// The client gives a stream up after 30 s without a byte, by a constant of its own.
test('a connection that died without a word is given up, and what came meanwhile is told', {
  timeout: 120_000,
}, async () => {
  app = await watching(cluster, { pods: false, nodes: false, deployments: false });
  await until(() => cluster.watching(events) === 1);
  const version = cluster.version();
  cluster.stalled = true;
  cluster.put('events', event('x', 'FailedMount'));
  await until(() => cluster.requests.filter(one => one === `watch ${events} ${version}`).length === 2);
  cluster.stalled = false;
  cluster.cut();
  await until(async () => brief(await alertsOf(app)).join() === 'FailedMount checkout-1: firing x1');
  expect(cluster.requests.filter(one => one === `list ${events}`)).toHaveLength(1);
});

test('a quiet cluster is watched on from where it was, and listed once', { timeout: 120_000 }, async () => {
  app = await watching(cluster, { pods: false, deployments: false });
  await until(() => cluster.watching(events) === 1 && cluster.watching('/api/v1/nodes') === 1);
  const version = cluster.version();
  await until(() => cluster.requests.filter(one => one === `watch ${events} ${version}`).length === 2);
  await until(() => cluster.requests.filter(one => one.startsWith('watch /api/v1/nodes')).length === 2);
  expect(cluster.requests.filter(one => one.startsWith('list'))).toHaveLength(2);
});
