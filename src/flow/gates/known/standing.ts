import type { Clock } from '../../../kernel/clock.ts';
import type { Log } from '../../../kernel/log.ts';
import type { Entry, FactKind } from '../../../model/journal.ts';
import type { Catalogue } from '../../../ports/catalogue.ts';
import type { Feed } from '../../journal/feed.ts';
import { createOnceLogger } from '../../journal/log-once.ts';
import { everyOf } from '../../journal/pages.ts';
import type { KnownBad } from '../known-bad.ts';
import type { GateParts } from '../parts.ts';
import { endIfBad } from '../void.ts';

export interface StandingParts extends Omit<GateParts, 'catalogue'> {
  knownBad: KnownBad;
  catalogue: Catalogue;
  feed: Feed;
  clock: Clock;
  log: Log;
}

const cursorName = 'known-bad';
const kinds: readonly FactKind[] = ['known-bad.added', 'known-bad.read', 'gate.asked', 'gate.closed'];
/** Milliseconds between two tries of a look at everything that failed. */
const pause = 2000;

/**
 * Ends what became known to be bad: open questions are void, and so are allows, with their permits. It follows the journal, so that an
 * entry counts also for a question that was decided in the same moment; what happened while nobody followed is looked at at the start,
 * and after each reading of the files.
 */
export async function startStanding(parts: StandingParts): Promise<{ stop(): Promise<void> }> {
  const { store, feed, catalogue, knownBad, clock, log } = parts;
  const end = new AbortController();
  const logger = createOnceLogger(log, {}, 'what is known to be bad was not held against all gates, and will be');
  let file = catalogue.current().knownBad;
  let sweeping = Promise.resolve();

  /** Until it is done, or this node stops. */
  async function persistently(): Promise<void> {
    while (!end.signal.aborted) {
      const done = await sweepStanding(parts).then(
        () => true,
        error => {
          logger.failed(error);
          return false;
        },
      );
      if (done) return logger.well();
      await clock.sleep(pause, end.signal).catch(() => {});
    }
  }

  const { seq } = await store.head();
  await knownBad.refresh();
  await sweepStanding(parts);
  const following = feed.follow({
    name: cursorName,
    after: seq,
    kinds,
    batch: 256,
    handle: entries => handle(entries, parts),
  });
  const off = catalogue.onChange(() => {
    const next = catalogue.current().knownBad;
    if (next === file) return;
    file = next;
    sweeping = sweeping.then(persistently);
  });
  return {
    async stop() {
      off();
      end.abort(new Error('stopped'));
      await following.stop();
      await sweeping;
    },
  };
}

async function handle(entries: readonly Entry[], parts: StandingParts): Promise<void> {
  const facts = entries.map(entry => entry.fact);
  if (facts.some(fact => fact.kind === 'known-bad.added' || fact.kind === 'known-bad.read')) {
    await parts.knownBad.refresh();
    return await sweepStanding(parts);
  }
  const asked = facts.flatMap(fact => (fact.kind === 'gate.asked' || fact.kind === 'gate.closed' ? [fact.gate] : []));
  for (const id of new Set(asked.map(one => (typeof one === 'string' ? one : one.id)))) {
    const gate = await parts.store.document('gate', id);
    if (gate !== null) await endIfBad(gate, parts);
  }
}

/** Holds the list against every open question and every allow that holds. */
export async function sweepStanding(parts: StandingParts): Promise<void> {
  const dueFrom = parts.clock.now();
  for (const state of ['pending', 'allowed'] as const)
    for await (const gate of everyOf(page => parts.store.documents('gate', { ...page, state, dueFrom })))
      await endIfBad(gate, parts);
}
