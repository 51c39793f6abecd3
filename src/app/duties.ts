import { startLapses } from '../flow/acts/lapse.ts';
import { startChanges } from '../flow/changes/changes.ts';
import { startGlassSweep } from '../flow/changes/glass/sweep.ts';
import { startUndo } from '../flow/changes/undo/undo.ts';
import { startDelivery } from '../flow/deliver/deliver.ts';
import { startPolling } from '../flow/doors/poll.ts';
import { startTeller } from '../flow/doors/teller.ts';
import { type Duty, fencedFeed } from '../flow/fleet/duty.ts';
import { startFeeds } from '../flow/gates/known/feeds/poll.ts';
import { startStanding } from '../flow/gates/known/standing.ts';
import { createStreams } from '../flow/journal/streams.ts';
import { createLooks } from '../flow/origin/looks.ts';
import { startOrigins } from '../flow/origin/origin.ts';
import { startReconcile } from '../flow/origin/reconcile.ts';
import { startWatch } from '../flow/origin/watch.ts';
import { startPictures } from '../flow/pictures/pictures.ts';
import { startPipeline } from '../flow/pipeline/alert.ts';
import { startExpectations } from '../flow/pipeline/expect.ts';
import { startFindAgain } from '../flow/pipeline/find-again.ts';
import { createIntake } from '../flow/pipeline/intake.ts';
import { startRecordingSweep } from '../flow/pipeline/recorder.ts';
import { startTickers } from '../flow/pipeline/tick.ts';
import { startRecordsWatch } from '../flow/records/watch.ts';
import { recoverAll, startSweeper } from '../flow/run/recover.ts';
import { startStatistics } from '../flow/statistics/statistics.ts';
import { startThreads } from '../flow/thread/thread.ts';
import { startTraces } from '../flow/trace/follow.ts';
import { createLazyEgress } from '../kernel/egress/lazy.ts';
import type { Alert } from '../model/alert.ts';
import { takesOn } from '../model/node.ts';
import type { Run } from '../model/run.ts';
import type { Base } from './base.ts';
import { linksTo } from './links.ts';
import type { Platforms } from './platforms.ts';

/** From events to decisions and runs. */
export function pipelineDuty(base: Base): Duty {
  return { name: 'road', start: fence => startPipeline({ ...base, feed: fencedFeed(base.feed, fence) }) };
}

/** What becomes known to be bad ends the questions and allows of it. */
export function standingDuty(base: Base): Duty {
  return { name: 'known-bad', start: () => startStanding(base) };
}

/** The largest answer of a feed, bytes, unpacked. */
const largestFeed = 16 * 1024 * 1024;

/** The feeds of what is known to be bad, which all nodes read from the store. */
export function feedsDuty(base: Base): Duty {
  return {
    name: 'feeds',
    async start(fence) {
      const rules = () => ({ ...base.catalogue.current().config.egress, maxBody: largestFeed });
      const egress = createLazyEgress(rules);
      const polling = startFeeds({ ...base, feed: fencedFeed(base.feed, fence), fetch: egress.fetch });
      return {
        async stop() {
          await polling.stop();
          await egress.close();
        },
      };
    },
  };
}

/** The dead man's switch: what must keep coming, and does not. */
export function expectDuty(base: Base): Duty {
  const nodes = () => base.fleet.nodes?.list() ?? [];
  return {
    name: 'expect',
    start(fence) {
      const feed = fencedFeed(base.feed, fence);
      const listening = () => !base.state.draining && nodes().some(node => takesOn(node.role, 'intake'));
      return startExpectations({ ...base, feed, intake: createIntake({ ...base, feed }), listening });
    },
  };
}

/** The change ledger: what was done, held against what was approved. */
export function changesDuty(base: Base): Duty {
  return {
    name: 'changes',
    start(fence) {
      const feed = fencedFeed(base.feed, fence);
      return startChanges({ ...base, feed, intake: createIntake({ ...base, feed }) });
    },
  };
}

/** What becomes of the counts of raw records with time. */
export function recordsDuty(base: Base): Duty {
  return {
    name: 'records',
    start(fence) {
      const feed = fencedFeed(base.feed, fence);
      return startRecordsWatch({ ...base, feed, intake: createIntake({ ...base, feed }) });
    },
  };
}

/** What is done about unpermitted changes: runbooks that undo them, and claims. */
export function undoDuty(base: Base): Duty {
  return {
    name: 'undo',
    start(fence) {
      const feed = fencedFeed(base.feed, fence);
      return startUndo({ ...base, feed, intake: createIntake({ ...base, feed }) });
    },
  };
}

/** The singleton task that finds work without a wake-up, and silences that are over. A node that takes it over looks at everything first. */
export function sweeperDuty(base: Base): Duty {
  return {
    name: 'sweeper',
    async start() {
      await recoverAll(base);
      const lapses = await startLapses(base);
      const glass = await startGlassSweep(base);
      const sweeper = startSweeper(base);
      const recordings = startRecordingSweep(base);
      const findAgain = await startFindAgain(base);
      return {
        async stop() {
          await findAgain.stop();
          await recordings.stop();
          await sweeper.stop();
          await glass.stop();
          await lapses.stop();
        },
      };
    },
  };
}

/** From the journal to what every thread should show. */
export function threadsDuty(base: Base, platforms: Platforms): Duty {
  return {
    name: 'threads',
    async start(fence) {
      const feed = fencedFeed(base.feed, fence);
      const baseUrl = () => base.address.url;
      const threads = await startThreads({ ...base, feed, platforms: () => platforms.on, baseUrl, fence: () => fence });
      return {
        async stop(lost) {
          // After the lease was lost, another node does the work, which cannot be awaited here.
          if (!lost) await threads.caughtUp();
          await threads.stop();
        },
      };
    },
  };
}

/** The singleton task that posts to a platform. Where a platform allows one receiving connection, it belongs to this node. */
export function postsDuty(base: Base, platforms: Platforms, id: string): Duty {
  return {
    name: `posts/${id}`,
    async start(fence) {
      const entry = platforms.connections.get(id) ?? (await platforms.open(id));
      await entry.connection.hear?.(true);
      entry.delivery = startDelivery({
        ...base,
        feed: fencedFeed(base.feed, fence),
        fence: () => fence,
        platform: id,
        connection: entry.connection,
        platforms: () => platforms.on,
        baseUrl: () => base.address.url,
        ...(base.tracing === null ? {} : { delivered: base.tracing.delivered }),
      });
      return {
        async stop() {
          await entry.connection.hear?.(false);
          await entry.delivery?.stop();
          entry.delivery = null;
        },
      };
    },
  };
}

/** The singleton task of write-back to the origins of alerts, and of the pages that they send. */
export function originsDuty(base: Base, platforms: Platforms): Duty {
  return {
    name: 'origins',
    async start(fence) {
      const feed = fencedFeed(base.feed, fence);
      const links = (run: Run, alert: Alert | null) => linksTo(run, alert, base, platforms.connections);
      const service = await startOrigins({ ...base, feed, links });
      const off = base.catalogue.onChange(() => void service.reload());
      base.live.origin = () => service.trouble();
      return {
        async stop() {
          off();
          base.live.origin = () => ({});
          await service.stop();
        },
      };
    },
  };
}

/** The singleton task that tells the callers of doors what was decided, and asks what no delivery brought. */
export function doorsDuty(base: Base): Duty {
  return {
    name: 'doors',
    async start(fence) {
      const feed = fencedFeed(base.feed, fence);
      const parts = { ...base.doorParts, feed, streams: createStreams({ ...base, feed }) };
      const teller = await startTeller(parts);
      const polling = startPolling(parts);
      base.live.doors = () => ({ ...polling.trouble(), ...teller.trouble() });
      return {
        async stop() {
          base.live.doors = () => ({});
          await polling.stop();
          await teller.stop();
        },
      };
    },
  };
}

/** The singleton task that looks at the origins of alerts that runs are about. What it sees is a hint, so it needs no fence. */
export function watchDuty(base: Base): Duty {
  return { name: 'looks', start: () => startWatch(base) };
}

/** The singleton task that compares what is live here with what the origins list. */
export function reconcileDuty(base: Base): Duty {
  return {
    name: 'reconcile',
    async start(fence) {
      const parts = { ...base, feed: fencedFeed(base.feed, fence) };
      const service = startReconcile({ ...parts, looks: createLooks(parts), intake: createIntake(parts) });
      base.live.reconcile = () => service.health();
      return {
        async stop() {
          base.live.reconcile = () => ({});
          await service.stop();
        },
      };
    },
  };
}

/** The singleton task of pictures of alerts, by the metrics of their origins. */
export function picturesDuty(base: Base): Duty {
  return {
    name: 'pictures',
    async start(fence) {
      const pictures = await startPictures({ ...base, feed: fencedFeed(base.feed, fence) });
      return { stop: () => pictures.stop() };
    },
  };
}

/** The singleton task of sources that make events themselves by following their origin: two nodes would both tell the same. */
export function sourcesDuty(base: Base): Duty {
  return {
    name: 'sources',
    async start(fence) {
      const feed = fencedFeed(base.feed, fence);
      const parts = { ...base, feed, intake: createIntake({ ...base, feed }) };
      const sources = await startTickers(parts, driver => driver.oneNode === true);
      const off = base.catalogue.onChange(() => void sources.reload());
      return {
        async stop() {
          off();
          await sources.stop();
        },
      };
    },
  };
}

/** What the journal counts, week by week. */
export function statisticsDuty(base: Base): Duty {
  return { name: 'statistics', start: fence => startStatistics({ ...base, feed: fencedFeed(base.feed, fence) }) };
}

/** From the journal to the collector of traces, where one is named. */
export function tracesDuties(base: Base): Duty[] {
  const { tracing } = base;
  if (tracing === null) return [];
  const { sender } = tracing;
  return [{ name: 'traces', start: fence => startTraces({ ...base, sender, feed: fencedFeed(base.feed, fence) }) }];
}
