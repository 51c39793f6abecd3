import { timeOf } from '../../model/incoming.ts';
import type { Cure } from './problems.ts';
import type { KubePod } from './shapes.ts';

/** What is kept of a pod: whether and since when it is well, by the clock of its kubelet, milliseconds. */
export interface PodState {
  uid: string;
  /** When it was created, by the API server's clock, milliseconds. */
  created: number;
  scheduled: boolean;
  readySince: number | null;
  /** True once all its containers ended well: nothing about it fires any more. */
  succeeded: boolean;
  containers: ReadonlyMap<string, { runningSince: number | null; ready: boolean }>;
}

export function podStateOf({ metadata, status }: KubePod): PodState {
  const of = (type: string) => status?.conditions.find(condition => condition.type === type);
  const ready = of('Ready');
  const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return {
    uid: metadata.uid,
    created: timeOf(metadata.creationTimestamp) ?? 0,
    scheduled: of('PodScheduled')?.status === 'True',
    readySince: ready?.status === 'True' ? timeOf(ready.lastTransitionTime) : null,
    succeeded: status?.phase === 'Succeeded',
    containers: new Map(
      all.map(({ name, ready, state }) => [
        name,
        { runningSince: timeOf(state?.running?.startedAt), ready: ready === true },
      ]),
    ),
  };
}

/** A live problem of a pod. */
export interface Ailment {
  cure: Cure | undefined;
  container: string;
  /** When the newest event happened, by its reporter, and when it was heard of, by our clock; milliseconds. */
  last: number;
  heardAt: number;
}

/** The kubelet holds back events of one object to one in five minutes after the first ones: only later is their absence a sign. */
const heldBack = 6 * 60_000;

/** Pure: whether the pod shows that the problem is over. */
export function isCured(pod: PodState, ailment: Ailment, { now, steady }: { now: number; steady: number }): boolean {
  if (pod.succeeded) return true;
  // Times of Kubernetes have whole seconds.
  const last = Math.floor(ailment.last / 1000) * 1000;
  const those = [...pod.containers].filter(([name]) => ailment.container === '' || name === ailment.container);
  const running = those.flatMap(([, { runningSince, ready }]) =>
    runningSince === null ? [] : [{ runningSince, ready }],
  );
  switch (ailment.cure) {
    case 'scheduled':
      return pod.scheduled;
    case 'started':
      return running.some(({ runningSince }) => runningSince >= last);
    case 'running':
      return (
        running.length > 0 &&
        running.length === those.length &&
        running.every(one => one.ready && one.runningSince >= last && now - one.runningSince >= steady)
      );
    case 'ready':
      return pod.readySince !== null && (pod.readySince > ailment.last || now - ailment.heardAt > heldBack);
    case undefined:
      return false;
  }
}
