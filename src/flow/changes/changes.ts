/** The change ledger: what was done in the environment, held against what was approved. */

import { isCode, type TocsinError } from '../../kernel/errors.ts';
import { system } from '../../model/actor.ts';
import type { Entry } from '../../model/journal.ts';
import type { Held } from '../../model/ledger/held.ts';
import { changesSource } from '../../ports/catalogue.ts';
import type { Guard } from '../../ports/store.ts';
import { createOnceLogger } from '../journal/log-once.ts';
import { failedGuard } from '../journal/streams.ts';
import { rememberIds } from '../pipeline/once.ts';
import type { ChangeEvent } from './before.ts';
import { isElsewhere, misfitsOf } from './fit.ts';
import { holdChange } from './hold.ts';
import { judgeChange, type Verdict } from './judge.ts';
import type { ChangesParts } from './parts.ts';
import { endRestored, endWhenRestored, takenBack } from './restored.ts';
import { type ChangeRules, rulesOf } from './rules.ts';
import { endRunPermit, noteUse } from './run-permits.ts';
import { settleClosed } from './settle.ts';
import { takePermits } from './told-permits.ts';
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
 *   `change.held`, `change.judged` -> restored.ts     a later change set it back            `change.settled`
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
    kinds: ['event.accepted', 'change.held', 'change.judged', 'alert.closed', 'run.finished'],
    async handle(entries, upTo) {
      await takeNews(entries, parts);
      if (upTo - saved < stride) return;
      await feed.commit({ rows: [{ table: 'cursor', name: cursorName, value: upTo }] });
      saved = upTo;
    },
  });
  const logger = createOnceLogger(log, {}, 'changes could not be judged, and will be again');
  const stopped = new Promise<void>(resolve => end.signal.addEventListener('abort', () => resolve()));
  // A permit that was accepted counts, also where it was not yet read.
  const look = async () => {
    await Promise.race([following.caughtUp(), stopped]);
    if (!end.signal.aborted) await judgeDue(parts);
  };
  await takeMissed(saved, parts);
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

/** Takes the permits that were accepted while nobody followed, before anything is judged. */
async function takeMissed(cursor: number, parts: ChangesParts): Promise<void> {
  for (let after = cursor; ; ) {
    const entries = await parts.store.journal({ after, limit: stride, kinds: ['event.accepted'] });
    await takePermits(entries, parts);
    const last = entries.at(-1);
    if (last === undefined || entries.length < stride) return;
    after = last.seq;
  }
}

/** Commits of changes share transactions, so they are held together. */
async function takeNews(entries: readonly Entry[], parts: ChangesParts): Promise<void> {
  const spec = rulesOf(parts.catalogue.current());
  await takePermits(entries, parts);
  await Promise.all(
    entries.map(async ({ fact, at }) => {
      if (fact.kind === 'run.finished') return await endRunPermit(fact.run, at, parts);
      if (fact.kind === 'alert.closed') return await settleClosed(fact.alert, fact.reason, parts);
      if (spec === null) return;
      if (fact.kind === 'change.held') return await endRestored(fact.held.id, spec, parts);
      if (fact.kind === 'change.judged') return await endWhenRestored(fact.held, spec, parts);
      if (fact.kind !== 'event.accepted') return;
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
  const found = await judgeAsUser(held, spec, parts);
  const verdict = (await commitGood(held, found, parts)) ?? found;
  if (verdict.state !== 'unpermitted') return;
  const back = await takenBack(held, spec, parts);
  const told =
    back === null
      ? verdict
      : { ...verdict, asks: true, because: `${verdict.because}; it takes back ${back.id}, which nobody permitted` };
  await commitVerdict(held, told, await alertOfChange(held, told, spec, parts), parts);
}

/** The verdict, noting who uses the mark of a run. Another node may have noted somebody else since it was read; then it is judged again. */
async function judgeAsUser(held: Held, spec: ChangeRules, parts: ChangesParts): Promise<Verdict> {
  for (;;) {
    const found = await judgeChange(held, spec, parts.store);
    if (found.state !== 'permitted' || found.permit === null || !held.trusted) return found;
    // Only marks of runs are used by somebody.
    if (found.permit.nonce === '') return found;
    const noted = await noteUse(found.permit, held, parts);
    if (misfitsOf(noted, held, spec).length === 0 && !isElsewhere(noted, held)) return found;
  }
}

/**
 * Commits a verdict that needs nobody, in place of the alert: of two nodes that judge at once one has its way. Resolves to another verdict
 * when people were told already (a process died, or a node was slow): a permit that came meanwhile does not take that back.
 */
async function commitGood(held: Held, found: Verdict, parts: ChangesParts): Promise<Verdict | null> {
  if (found.state === 'unpermitted') return null;
  const space = `emission/${changesSource}`;
  const noAlert: Guard = { kind: 'claim', space, key: held.id, at: parts.clock.now(), keep: rememberIds };
  try {
    await commitVerdict(held, found, null, parts, [noAlert]);
    return null;
  } catch (error) {
    if (!isCode(error, 'guard-failed') || failedGuard(error as TocsinError) !== 'claim') throw error;
    return { ...found, state: 'unpermitted', because: `its alert was sent before it turned out that ${found.because}` };
  }
}

async function commitVerdict(
  held: Held,
  { state, because, permit, asks, bypassed }: Verdict,
  alert: string | null,
  { streams, metrics }: ChangesParts,
  guards: readonly Guard[] = [],
): Promise<void> {
  let judged = false;
  await streams.document('held', held.id, system, now => {
    judged = now.state === 'open';
    if (!judged) return null;
    return {
      facts: [
        {
          kind: 'change.judged',
          held: now.id,
          ...{ state, because, permit: permit?.id ?? null, alert, asks, bypassed: bypassed ?? null },
        },
      ],
      with: { guards },
    };
  });
  if (judged) metrics.count('tocsin_changes_judged_total', { source: held.source, state });
}
