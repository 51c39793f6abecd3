import { showDuration } from '../../kernel/duration.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { EmitTools } from '../../ports/emit.ts';
import { type Client, openClient } from './client.ts';
import { createDesk, type Desk } from './desk.ts';
import { followEvents } from './follow-events.ts';
import { followLevels } from './follow-levels.ts';
import { followPods } from './follow-pods.ts';
import { createHealth, type Health } from './health.ts';
import type { Options } from './options.ts';
import { isCured, type PodState } from './pods.ts';
import { levels, rulesOf } from './problems.ts';
import { reflect, type StateFollower } from './reflect.ts';
import { isOfWatch, tellWatches } from './watchdog.ts';

/** How often what only time decides is looked at, milliseconds. */
const sweepEvery = 2000;

/** How long after a start silence says nothing yet, milliseconds: what happened meanwhile is being read. */
const settling = 30_000;

/** Where the pieces are in the API. */
export function pathsOf({ namespaces, nodes, pods, deployments }: Options) {
  const scopes = namespaces ?? [null];
  const under = (scope: string | null, rest: string) => (scope === null ? rest : `namespaces/${scope}/${rest}`);
  return {
    events: scopes.map(scope => ({ scope, path: `/api/v1/${under(scope, 'events')}` })),
    nodes: nodes ? ['/api/v1/nodes'] : [],
    pods: pods ? scopes.map(scope => ({ scope, path: `/api/v1/${under(scope, 'pods')}` })) : [],
    deployments: deployments
      ? scopes.map(scope => ({ scope, path: `/apis/apps/v1/${under(scope, 'deployments')}` }))
      : [],
  };
}

/** Follows the cluster until it is stopped. It resolves at once: a cluster that cannot be reached is tried again. */
export async function start(options: Options, tools: EmitTools): Promise<() => Promise<void>> {
  const stopping = new AbortController();
  const parts = { ...tools, signal: stopping.signal };
  const ended = run(options, parts);
  return async () => {
    stopping.abort(new Error('stopped'));
    await ended;
  };
}

type Parts = EmitTools & { signal: AbortSignal };

async function run(options: Options, parts: Parts): Promise<void> {
  const { clock, log, signal } = parts;
  for (let tries = 0; !signal.aborted; tries++) {
    try {
      await follow(await openClient(options), options, parts);
    } catch (error) {
      if (signal.aborted) return;
      if (tries === 0) log.error({ because: messageOf(error) }, 'the cluster cannot be watched, and is tried again');
      await clock.sleep(10_000, signal).catch(() => {});
    }
  }
}

async function follow(client: Client, options: Options, parts: Parts): Promise<void> {
  const { clock, log, signal } = parts;
  const pods = new Map<string, PodState>();
  const desk = createDesk(options, client.server, parts, sighting => {
    const pod =
      sighting.kind === 'Pod' && options.pods ? pods.get(`${sighting.namespace}/${sighting.name}`) : undefined;
    // It was listed just before: what is not there is gone, unless it is newer than the list.
    if (pod === undefined) return sighting.kind === 'Pod' && options.pods && clock.now() - sighting.last > 60_000;
    const ailment = { ...sighting, cure: rulesOf(sighting.reason).cure, heardAt: sighting.last };
    return pod.uid !== sighting.uid || isCured(pod, ailment, { now: clock.now(), steady: options.steady });
  });
  await desk.tracker.load();
  const health = createHealth({ clock, log, shown: parts.trouble });
  const paths = pathsOf(options);
  const reflecting = { client, clock, log, signal, health: health.tell };
  const states: StateFollower[] = [];
  const running: Promise<void>[] = [];
  const watch = (path: string, follower: StateFollower) => {
    states.push(follower);
    running.push(reflect(path, null, follower, reflecting));
  };
  for (const { scope, path } of paths.pods)
    watch(
      path,
      followPods(scope, pods, desk, () => health.wellFor(path)),
    );
  for (const path of paths.nodes) watch(path, followLevels('Node', null, desk));
  for (const { scope, path } of paths.deployments) watch(path, followLevels('Deployment', scope, desk));
  // An Event is held against its pod, so the pods are read first, if they can be.
  await health.first(
    paths.pods.map(({ path }) => path),
    signal,
  );
  for (const { scope, path } of paths.events) {
    const saved = await desk.savedVersion(scope);
    running.push(reflect(path, saved, followEvents(scope, saved === null, desk), reflecting));
  }
  const all = [paths.pods, paths.deployments, paths.events].flat().map(({ path }) => path);
  const watched = [...all, ...paths.nodes];
  running.push(sweep(states, desk, { health, watched, paths: paths.events, clock, signal }));
  await Promise.all(running);
  parts.trouble(null);
  await desk
    .save()
    .catch(error => log.warn({ because: messageOf(error) }, 'how far the Events were read could not be kept'));
}

async function sweep(
  states: readonly StateFollower[],
  desk: Desk,
  {
    health,
    watched,
    paths,
    clock,
    signal,
  }: {
    health: Health;
    watched: readonly string[];
    paths: readonly { scope: string | null; path: string }[];
    clock: Parts['clock'];
    signal: AbortSignal;
  },
): Promise<void> {
  const begun = clock.monotonic();
  while (!signal.aborted) {
    await clock.sleep(sweepEvery, signal).catch(() => {});
    if (signal.aborted) return;
    await desk
      .exclusive(async () => {
        for (const state of states) await desk.commit(await state.sweep());
        if (clock.monotonic() - begun >= settling) await desk.commit(silent(desk, paths, health));
        await desk.commit(await tellWatches(watched, health, desk));
      })
      .catch(() => {});
  }
}

/** The ends of what was not heard of for too long, while its Events could be heard all the time. */
function silent(desk: Desk, paths: readonly { scope: string | null; path: string }[], health: Health) {
  const { tracker, options, clock } = desk;
  const noCure = `no event came for ${showDuration(options.silence)}, which is no cure`;
  const now = clock.now();
  return [...tracker.open()]
    .filter(open => !isOfWatch(open) && !levels.some(level => level.kind === open.kind && level.reason === open.reason))
    .filter(open => {
      const path = paths.find(({ scope }) => scope === null || scope === open.namespace)?.path;
      const since = path === undefined ? 0 : health.wellFor(path);
      return (
        since !== null &&
        Math.min(now - open.heardAt, path === undefined ? Number.POSITIVE_INFINITY : since) >= options.silence
      );
    })
    .map(open => tracker.end(open, { at: now, noCure }));
}
