import { type Duty, type Turn, takeTurns } from '../flow/fleet/duty.ts';
import { digestOfSet, startNodes } from '../flow/fleet/nodes.ts';
import { startTickers, type Tickers } from '../flow/pipeline/tick.ts';
import { voidEdited } from '../flow/run/recover.ts';
import { entryVersion } from '../model/journal.ts';
import { takesOn } from '../model/node.ts';
import type { Base } from './base.ts';
import {
  changesDuty,
  doorsDuty,
  expectDuty,
  feedsDuty,
  originsDuty,
  picturesDuty,
  pipelineDuty,
  postsDuty,
  reconcileDuty,
  recordsDuty,
  sourcesDuty,
  standingDuty,
  statisticsDuty,
  sweeperDuty,
  threadsDuty,
  tracesDuties,
  undoDuty,
  watchDuty,
} from './duties.ts';
import type { Platforms } from './platforms.ts';

export interface Running {
  stopAll(): Promise<void>;
  tickers: Tickers;
}

/**
 * Starts the work of this node's role. A worker answers wake-ups; a chat node writes threads and posts. The pipeline and the sweeper run on
 * one node of any role. Schedules tick on every node, so that none is missed while a node is replaced; a claim lets one node win.
 */
export async function startRunning(base: Base, platforms: Platforms): Promise<Running> {
  const take = (duty: Duty) => takeTurns(duty, base);
  base.fleet.nodes = await startNodes({ ...base, self: () => selfOf(base) });
  if (takesOn(base.role, 'worker')) base.dispatcher.start(run => base.engine.work(run));
  const chat = takesOn(base.role, 'chat') ? [threadsDuty(base, platforms), ...postsDuties(base, platforms)] : [];
  const posting: Turn[] = [];
  for (const duty of chat) posting.push(await take(duty));
  const sweeping = await take(sweeperDuty(base));
  const road = await take(pipelineDuty(base));
  const watching: Turn[] = [];
  for (const duty of [
    expectDuty(base),
    recordsDuty(base),
    changesDuty(base),
    undoDuty(base),
    watchDuty(base),
    reconcileDuty(base),
    sourcesDuty(base),
    standingDuty(base),
    feedsDuty(base),
    statisticsDuty(base),
  ])
    watching.push(await take(duty));
  // Write-back is for chat nodes: they know the threads that its notes link to, and they are the ones with outgoing connections.
  const writeBack = takesOn(base.role, 'chat') ? await take(originsDuty(base, platforms)) : null;
  const pictures = takesOn(base.role, 'chat') ? await take(picturesDuty(base)) : null;
  const doors = takesOn(base.role, 'chat') ? await take(doorsDuty(base)) : null;
  const tracing: Turn[] = [];
  for (const duty of tracesDuties(base)) tracing.push(await take(duty));
  const tickers = await startTickers(base, driver => driver.oneNode !== true);
  const off = base.catalogue.onChange(() => {
    if (sweeping.held()) voidOld(base);
    void tickers.reload();
  });
  return {
    tickers,
    async stopAll() {
      off();
      await sweeping.stop();
      await road.stop();
      for (const turn of watching) await turn.stop();
      await stopTelling([writeBack, pictures], base);
      await stopDoors(doors, base);
      for (const turn of [...posting, ...tracing]) await turn.stop();
      await base.fleet.nodes?.stop();
    },
  };
}

/** Waits for a moment for write-backs under way. One that hangs is repeated after the next start. */
async function stopTelling(turns: readonly (Turn | null)[], { clock, origins }: Base): Promise<void> {
  const stopping = Promise.all(turns.map(turn => turn?.stop()));
  await Promise.race([stopping, clock.sleep(3000)]);
  await origins.close();
  await stopping;
}

/** The same for doors: an answer under way is told again after the next start, where that is of use. */
async function stopDoors(turn: Turn | null, { clock, doors }: Base): Promise<void> {
  const stopping = turn?.stop() ?? Promise.resolve();
  await Promise.race([stopping, clock.sleep(3000)]);
  await doors.close();
  await stopping;
}

function postsDuties(base: Base, platforms: Platforms): Duty[] {
  const posted = [...platforms.on].filter(([, capabilities]) => capabilities.immediate !== true);
  return posted.map(([id]) => postsDuty(base, platforms, id));
}

function voidOld(base: Base): void {
  voidEdited(base).catch(error =>
    base.log.error(
      { err: error },
      'approvals of edited runbooks could not be voided; votes on them are refused all the same',
    ),
  );
}

const digests = new WeakMap<object, string>();

function selfOf({ catalogue, holder, role, options, fleet }: Base) {
  const set = catalogue.current();
  const digest = digests.get(set) ?? digestOfSet(set);
  digests.set(set, digest);
  return {
    id: holder,
    at: options.at ?? '',
    role,
    version: options.version,
    entries: entryVersion,
    set: digest,
    since: fleet.since,
  };
}
