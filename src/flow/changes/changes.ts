/** The change ledger: what was done in the environment, held against what was approved. */

import { system } from '../../model/actor.ts';
import type { Entry } from '../../model/journal.ts';
import type { Held } from '../../model/ledger/held.ts';
import { changesSource } from '../../ports/catalogue.ts';
import { createOnceLogger } from '../journal/log-once.ts';
import { type ChangeEvent, holdChange } from './hold.ts';
import { judgeChange, type Verdict } from './judge.ts';
import type { ChangesParts } from './parts.ts';
import { type ChangeRules, rulesOf } from './rules.ts';
import { endRunPermit, noteUse } from './run-permits.ts';
import { settleClosed } from './settle.ts';
import { alertOfChange } from './unpermitted.ts';

export interface Ledger {
  /** Judges what is due now. Rejects when the store fails; the next look makes up for it. */
  look(): Promise<void>;
  /** Resolves when all that was committed before is held. */
  caughtUp(): Promise<void>;
  stop(): Promise<void>;
}

const cursorName = 'changes';
/** The cursor is saved after so many entries: holding again is harmless. */
const stride = 512;
/** The time between two looks, milliseconds, and how many changes are read in one. */
const pause = 500;
const perLook = 200;

/**
 *   `event.accepted` of a change  -> hold.ts         held once, due after matchAfter      `change.held`
 *                                 -> judge.ts        against permits, automation, windows  `change.judged`
 *                                 -> unpermitted.ts  an alert of the source `changes`
 *                                 -> settle.ts       the end of its window of exposure     `change.settled`
 *
 * One node of the fleet does it; all that it knows is in the store.
 */
export async function startChanges(parts: ChangesParts): Promise<Ledger> {
  const { clock, feed, store, log } = parts;
  const end = new AbortController();
  let saved = await store.cursor(cursorName);
  const following = feed.follow({
    name: cursorName,
    after: saved,
    batch: 256,
    kinds: ['event.accepted', 'alert.closed', 'run.finished'],
    async handle(entries, upTo) {
      await takeNews(entries, parts);
      if (upTo - saved < stride) return;
      await feed.commit({ rows: [{ table: 'cursor', name: cursorName, value: upTo }] });
      saved = upTo;
    },
  });
  const logger = createOnceLogger(log, {}, 'changes could not be judged, and will be again');
  const look = () => judgeDue(parts);
  async function loop(): Promise<void> {
    while (!end.signal.aborted) {
      await look().then(logger.well, logger.failed);
      await clock.sleep(pause, end.signal).catch(() => {});
    }
  }
  const ended = loop();
  return {
    look,
    caughtUp: following.caughtUp,
    async stop() {
      end.abort(new Error('stopped'));
      await ended;
      await following.stop();
    },
  };
}

/** Commits of changes share transactions, so they are held together. */
async function takeNews(entries: readonly Entry[], parts: ChangesParts): Promise<void> {
  const spec = rulesOf(parts.catalogue.current());
  await Promise.all(
    entries.map(async ({ fact, at }) => {
      if (fact.kind === 'run.finished') return await endRunPermit(fact.run, at, parts);
      if (fact.kind === 'alert.closed') return await settleClosed(fact.alert, fact.reason, parts);
      if (spec === null || fact.kind !== 'event.accepted') return;
      const { event } = fact;
      if (event.body.kind === 'change')
        await holdChange({ ...event, body: event.body } satisfies ChangeEvent, spec, parts);
    }),
  );
}

/** Judges all that is due, in the order in which it is due. One that fails does not hold up the others; it is judged at the next look. */
async function judgeDue(parts: ChangesParts): Promise<void> {
  const { store, clock, catalogue } = parts;
  for (;;) {
    const spec = rulesOf(catalogue.current());
    if (spec === null) return;
    const due = await store.documents('held', { state: 'open', dueBy: clock.now(), limit: perLook });
    const failed: unknown[] = [];
    for (const held of due) await judgeOne(held, spec, parts).catch(error => failed.push(error));
    if (failed.length > 0) throw failed[0];
    if (due.length < perLook) return;
  }
}

async function judgeOne(held: Held, spec: ChangeRules, parts: ChangesParts): Promise<void> {
  const found = await judgeChange(held, spec, parts.store);
  const verdict = await notBackwards(found, held, parts);
  if (found.state === 'permitted' && found.permit !== null && held.trusted) await noteUse(found.permit, held, parts);
  const alert = verdict.state === 'unpermitted' ? await alertOfChange(held, verdict, spec, parts) : null;
  await commitVerdict(held, verdict, alert, parts);
}

/** A process that died between the alert and the verdict has told people: a permit that came meanwhile does not take that back. */
async function notBackwards(found: Verdict, held: Held, { store }: ChangesParts): Promise<Verdict> {
  if (found.state === 'unpermitted' || !(await store.claimed({ space: `emission/${changesSource}`, key: held.id })))
    return found;
  return { ...found, state: 'unpermitted', because: `its alert was sent before it turned out that ${found.because}` };
}

async function commitVerdict(
  held: Held,
  { state, because, permit, asks }: Verdict,
  alert: string | null,
  { streams, metrics }: ChangesParts,
): Promise<Held> {
  let judged = false;
  const after = await streams.document('held', held.id, system, now => {
    judged = now.state === 'open';
    if (!judged) return null;
    return {
      facts: [{ kind: 'change.judged', held: now.id, state, because, permit: permit?.id ?? null, alert, asks }],
    };
  });
  if (judged) metrics.count('tocsin_changes_judged_total', { source: held.source, state });
  return after;
}
