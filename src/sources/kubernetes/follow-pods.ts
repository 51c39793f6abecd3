import type { IncomingAlert } from '../../model/event.ts';
import { type Desk, goneText, inScope } from './desk.ts';
import { isCured, type PodState, podStateOf } from './pods.ts';
import { rulesOf } from './problems.ts';
import type { Change, StateFollower } from './reflect.ts';
import { kubePod } from './shapes.ts';
import type { Open } from './tracker.ts';

/** How long a pod must be missing before that is believed: its Event may come before the pod does, milliseconds. */
const believed = 60_000;

/** Follows the pods of one namespace, or of all: they open no alert, and end those of their Events. `well` is for how long they are watched. */
export function followPods(
  scope: string | null,
  pods: Map<string, PodState>,
  desk: Desk,
  well: () => number | null,
): StateFollower {
  const { tracker, clock, options } = desk;
  /** Since when the pods of live problems are missing, by fingerprint and the monotonic clock. */
  const missing = new Map<string, number>();

  /** The ends that follow. `isGone` says which pods are known to be gone; those of others are waited for. */
  function ends(only: string | null, isGone: (open: Open, pod: PodState | undefined) => boolean): IncomingAlert[] {
    const now = clock.now();
    return opensIn(scope, only, desk).flatMap(open => {
      const pod = pods.get(keyOf(open));
      const own = pod !== undefined && (open.uid === '' || pod.uid === open.uid);
      if (own) missing.delete(open.fingerprint);
      else if (isGone(open, pod)) return [tracker.end(open, { at: now, noCure: goneText('Pod') })];
      if (!own || !isOver(pod, open)) return [];
      return [tracker.end(open, { at: now })];
    });
  }

  function isOver(pod: PodState, open: Open): boolean {
    return isCured(pod, { ...open, cure: rulesOf(open.reason).cure }, { now: clock.now(), steady: options.steady });
  }

  /** True for one that is missing for so long that it would have come. */
  function isMissed({ fingerprint }: Open): boolean {
    const since = missing.get(fingerprint) ?? clock.monotonic();
    missing.set(fingerprint, since);
    return clock.monotonic() - since >= believed && (well() ?? 0) >= believed;
  }

  async function change({ type, object }: Change): Promise<IncomingAlert[]> {
    const parsed = kubePod.safeParse(object);
    if (!parsed.success) return [];
    const [key, pod] = [keyOf(parsed.data.metadata), podStateOf(parsed.data)];
    if (type !== 'DELETED') pods.set(key, pod);
    else if (pods.get(key)?.uid === pod.uid) pods.delete(key);
    const gone = type === 'DELETED' ? pod.uid : null;
    // Another pod of the name was created after the problem was written: the one that had it is gone.
    return ends(
      key,
      (open, now) => open.uid === gone || (open.uid === '' && gone !== null) || (now?.created ?? 0) > open.written,
    );
  }

  return {
    async listed(items, _version, begun) {
      await desk.exclusive(async () => {
        for (const key of pods.keys()) if (inScope(key.split('/', 1)[0] ?? '', scope)) pods.delete(key);
        for (const item of items) {
          const pod = kubePod.safeParse(item);
          if (pod.success) pods.set(keyOf(pod.data.metadata), podStateOf(pod.data));
        }
        await desk.commit(ends(null, open => open.heardAt < begun));
      });
    },
    async changed(changes) {
      if (changes.length === 0) return;
      await desk.exclusive(async () => {
        const told: IncomingAlert[] = [];
        for (const one of changes) told.push(...(await change(one)));
        await desk.commit(told);
      });
    },
    async sweep() {
      const told = ends(null, isMissed);
      const live = new Set(opensIn(scope, null, desk).map(open => open.fingerprint));
      for (const fingerprint of missing.keys()) if (!live.has(fingerprint)) missing.delete(fingerprint);
      return told;
    },
  };
}

function keyOf({ namespace, name }: { namespace: string; name: string }): string {
  return `${namespace}/${name}`;
}

/** The live problems of pods in the scope, or of one pod. */
function opensIn(scope: string | null, only: string | null, { tracker }: Desk): Open[] {
  return [...tracker.open()].filter(
    open => open.kind === 'Pod' && inScope(open.namespace, scope) && (only === null || keyOf(open) === only),
  );
}
