import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import type { Alert } from '../../../src/model/alert.ts';
import source from '../../../src/sources/kubernetes/index.ts';
import { options as schema } from '../../../src/sources/kubernetes/options.ts';
import { type KubernetesDouble, startKubernetes } from '../../doubles/kubernetes/server.ts';
import { event, pod, withConditions } from './cluster.ts';

let cluster: KubernetesDouble;
beforeEach(async () => {
  cluster = await startKubernetes();
});
afterEach(() => cluster.close());

/** What a look at an alert with these labels finds. */
async function lookAt(labels: Record<string, string>, over: object = {}) {
  const access = { server: cluster.url, ca: cluster.ca, token: cluster.token };
  const alert = { labels: { namespace: 'shop', ...labels } } as unknown as Alert;
  const tools = { fetch, signal: AbortSignal.timeout(20_000), clock: systemClock };
  return (await source.look?.(alert, schema.parse({ access, ...over }), tools))?.state;
}

describe('a look at the cluster', () => {
  test('at a pod goes by its events and by its state', async () => {
    const mount = { kind: 'Pod', name: 'checkout-1', reason: 'FailedMount' };
    cluster.put('pods', pod('checkout-1'));
    expect(await lookAt(mount)).toBe('unknown');
    cluster.put('events', event('x', 'FailedMount'));
    cluster.put('events', event('other', 'Started', { object: 'checkout-2', type: 'Normal', at: Date.now() + 2000 }));
    expect(await lookAt(mount)).toBe('firing');
    cluster.put('pods', pod('checkout-1', { runningSince: Date.now() + 2000 }));
    expect(await lookAt(mount)).toBe('gone');
    cluster.put('pods', pod('checkout-1', { uid: 'another' }));
    expect(await lookAt(mount)).toBe('unknown');
    cluster.remove('pods', 'shop', 'checkout-1');
    expect(await lookAt(mount)).toBe('unknown');
  });

  test('at what is not watched goes by its events alone', async () => {
    const create = { kind: 'ReplicaSet', name: 'rs', reason: 'FailedCreate' };
    cluster.put('events', event('x', 'FailedCreate', { kind: 'ReplicaSet', object: 'rs' }));
    expect(await lookAt(create)).toBe('firing');
    cluster.put(
      'events',
      event('y', 'SuccessfulCreate', { kind: 'ReplicaSet', object: 'rs', type: 'Normal', at: Date.now() + 2000 }),
    );
    expect(await lookAt(create)).toBe('gone');
    cluster.put('events', event('z', 'FailedMount', { object: 'p' }));
    expect(await lookAt({ kind: 'Pod', name: 'p', reason: 'FailedMount' }, { pods: false })).toBe('firing');
  });

  test('at a node or a Deployment goes by its conditions', async () => {
    const node = { kind: 'Node', namespace: '', name: 'n', reason: 'NodeNotReady' };
    cluster.put('nodes', withConditions('n', { Ready: 'Unknown' }));
    expect(await lookAt(node)).toBe('firing');
    cluster.put('nodes', withConditions('n', { Ready: 'True' }));
    expect(await lookAt(node)).toBe('gone');
    expect(await lookAt({ kind: 'Deployment', name: 'none', reason: 'Unavailable' })).toBe('unknown');
  });

  test('asks for nothing by a name that a selector would understand, and rejects when it may not ask', async () => {
    cluster.put('events', event('x', 'FailedCreate', { kind: 'ReplicaSet', object: 'rs' }));
    expect(await lookAt({ kind: 'ReplicaSet', name: 'rs,reason=FailedCreate', reason: 'FailedCreate' })).toBe(
      'unknown',
    );
    cluster.rules = [];
    await expect(lookAt({ kind: 'ReplicaSet', name: 'rs', reason: 'FailedCreate' })).rejects.toMatchObject({
      status: 403,
    });
  });
});
