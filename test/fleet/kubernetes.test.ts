import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type KubernetesDouble, startKubernetes } from '../doubles/kubernetes/server.ts';
import { event } from '../sources/kubernetes/cluster.ts';
import { type Fleet, type FleetNode, missingServers, startFleet, until } from './fleet.ts';

const watched = '/api/v1/events';

describe.skipIf(missingServers() !== null)('a cluster that a fleet watches', { timeout: 90_000 }, () => {
  let cluster: KubernetesDouble;
  let fleet: Fleet;
  let [first, second] = [] as unknown as [FleetNode, FleetNode];
  beforeAll(async () => {
    cluster = await startKubernetes();
    const access = { server: cluster.url, ca: cluster.ca, token: '${K8S_TOKEN}' };
    const config = `
sources:
  kubernetes: ${JSON.stringify({ access, pods: false })}
people: { alice: {} }
operators: [alice]
tokens: [{ env: ALICE, person: alice }]
`;
    fleet = await startFleet(() => ({ 'tocsin.yaml': config }));
    first = await fleet.node('all', { K8S_TOKEN: cluster.token });
    await until(async () => cluster.watching(watched) === 1);
    second = await fleet.node('all', { K8S_TOKEN: cluster.token });
  });
  afterAll(async () => {
    await fleet.close();
    await cluster.close();
  });

  const alerts = async () => {
    const { body } = await second.call('GET', '/api/v1/alerts');
    return body
      .map((one: { labels: Record<string, string>; state: string; count: number }) => [
        one.labels['name'],
        one.state,
        one.count,
      ])
      .sort();
  };
  const expectAlerts = (...wanted: unknown[]) =>
    until(async () => JSON.stringify(await alerts()) === JSON.stringify(wanted));

  test('is watched by one node; when that dies, another goes on from where it was', async () => {
    cluster.put('events', event('one', 'FailedMount', { object: 'one' }));
    await expectAlerts(['one', 'firing', 1]);
    expect(cluster.watching(watched)).toBe(1);
    await first.kill();
    cluster.put('events', event('two', 'FailedMount', { object: 'two' }));
    cluster.put('events', event('end', 'Started', { object: 'one', type: 'Normal', at: Date.now() + 2000 }));
    await expectAlerts(['one', 'resolved', 1], ['two', 'firing', 1]);
    expect(cluster.watching(watched)).toBe(1);
    // The second read on: it listed nothing of what the first had read.
    expect(cluster.requests.filter(one => one === `list ${watched}`)).toHaveLength(1);
  });

  test('is watched by the next one at once after an orderly stop', async () => {
    const third = await fleet.node('all', { K8S_TOKEN: cluster.token });
    await second.stop();
    second = third;
    cluster.put('events', event('two', 'FailedMount', { object: 'two', count: 2 }));
    await expectAlerts(['one', 'resolved', 1], ['two', 'firing', 2]);
    expect(cluster.watching(watched)).toBe(1);
  });

  test('what a node tells that was paused and lost the duty meanwhile is refused', async () => {
    const paused = second;
    second = await fleet.node('all', { K8S_TOKEN: cluster.token });
    process.kill(paused.pid, 'SIGSTOP');
    await until(async () => cluster.watching(watched) === 2);
    cluster.put('events', event('three', 'FailedMount', { object: 'three' }));
    await expectAlerts(['one', 'resolved', 1], ['three', 'firing', 1], ['two', 'firing', 2]);
    process.kill(paused.pid, 'SIGCONT');
    // It reads the event too, and finds out that another node does the duty.
    await until(async () => cluster.watching(watched) === 1);
    cluster.put('events', event('four', 'FailedMount', { object: 'four' }));
    await expectAlerts(['four', 'firing', 1], ['one', 'resolved', 1], ['three', 'firing', 1], ['two', 'firing', 2]);
    await paused.stop();
    expect(await alerts()).toContainEqual(['three', 'firing', 1]);
  });
});
