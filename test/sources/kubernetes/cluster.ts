import type { Alert } from '../../../src/model/alert.ts';
import type { TestApp } from '../../doubles/app.ts';
import { basicConfig, startTestApp } from '../../doubles/app.ts';
import type { KubernetesDouble } from '../../doubles/kubernetes/server.ts';

export const stamp = (at = Date.now()) => `${new Date(at).toISOString().slice(0, 19)}Z`;

/** An Event as the kubelet writes it (core/v1, captured shape in docs of Kubernetes). */
export function event(
  name: string,
  reason: string,
  over: {
    kind?: string;
    object?: string;
    uid?: string;
    namespace?: string;
    type?: string;
    count?: number;
    at?: number;
    container?: string;
    message?: string;
  } = {},
) {
  const { kind = 'Pod', object = 'checkout-1', namespace = 'shop', count = 1, at = Date.now() } = over;
  const { type = 'Warning', message = `${reason} of ${object}`, uid = `uid-${object}` } = over;
  const fieldPath = over.container === undefined ? {} : { fieldPath: `spec.containers{${over.container}}` };
  return {
    metadata: { name, namespace, creationTimestamp: stamp(at), managedFields: [{ time: stamp(at) }] },
    involvedObject: { kind, namespace, name: object, uid, apiVersion: 'v1', ...fieldPath },
    reason,
    message,
    source: { component: 'kubelet', host: 'node-1' },
    firstTimestamp: stamp(at),
    lastTimestamp: stamp(at),
    count,
    type,
    eventTime: null,
    reportingComponent: 'kubelet',
    reportingInstance: 'node-1',
  };
}

export function pod(
  name: string,
  state: { runningSince?: number; ready?: number | null; scheduled?: boolean; phase?: string; uid?: string } = {},
) {
  const { runningSince, ready = null, scheduled = true, phase = 'Running', uid = `uid-${name}` } = state;
  const condition = (type: string, is: boolean, at: number) => ({
    type,
    status: is ? 'True' : 'False',
    lastTransitionTime: stamp(at),
  });
  return {
    metadata: { name, namespace: 'shop', uid },
    status: {
      phase,
      conditions: [
        condition('PodScheduled', scheduled, Date.now() - 60_000),
        condition('Ready', ready !== null, ready ?? Date.now() - 60_000),
      ],
      containerStatuses: [
        {
          name: 'checkout',
          ready: ready !== null,
          state:
            runningSince === undefined
              ? { waiting: { reason: 'CrashLoopBackOff' } }
              : { running: { startedAt: stamp(runningSince) } },
        },
      ],
    },
  };
}

export function withConditions(name: string, conditions: Record<string, string>, namespace?: string, at = Date.now()) {
  return {
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    status: {
      conditions: Object.entries(conditions).map(([type, status]) => ({
        type,
        status,
        reason: `${type}${status}`,
        message: `${type} is ${status}`,
        lastTransitionTime: stamp(at),
      })),
    },
  };
}

export function configOf(double: Pick<KubernetesDouble, 'url' | 'ca'>, options: object = {}): string {
  const source = { access: { server: double.url, ca: double.ca, token: '${K8S_TOKEN}' }, ...options };
  return basicConfig.replace('sources:', `sources:\n  kubernetes: ${JSON.stringify(source)}`);
}

/** An app that watches the double. */
export async function watching(
  double: KubernetesDouble,
  options: object = {},
  app: Parameters<typeof startTestApp>[1] = {},
): Promise<TestApp> {
  return await startTestApp(
    { 'tocsin.yaml': configOf(double, options) },
    { ...app, env: { K8S_TOKEN: double.token, ...app.env } },
  );
}

/** The alerts of the cluster, as `reason object: state count`. */
export async function alertsOf(app: TestApp): Promise<Alert[]> {
  return (await app.app.store.alerts({})).filter(alert => alert.source === 'kubernetes');
}

export function brief(alerts: readonly Alert[]): string[] {
  return alerts
    .map(({ labels, state, count, end, episode }) =>
      [
        `${labels['reason']} ${labels['name']}: ${state}`,
        `x${count}`,
        ...(episode === 1 ? [] : [`episode ${episode}`]),
        ...(end === null ? [] : [end.how]),
      ].join(' '),
    )
    .sort();
}
