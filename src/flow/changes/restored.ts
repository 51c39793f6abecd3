import { system } from '../../model/actor.ts';
import type { Held } from '../../model/ledger/held.ts';
import { everyOf } from '../journal/pages.ts';
import type { ChangesParts } from './parts.ts';
import type { ChangeRules } from './rules.ts';
import { settleChange } from './settle.ts';

/** A change was told: it ends the windows of earlier ones that it took back. Harmless when it is done again. */
export async function endRestored(id: string, spec: ChangeRules, parts: ChangesParts): Promise<void> {
  const later = await parts.store.document('held', id);
  if (later === null || !mayRestore(later)) return;
  const query = { other: later.resource, state: 'unpermitted' };
  for await (const earlier of everyOf(page => parts.store.documents('held', { ...query, ...page })))
    if (isRestored(earlier, later, spec)) await settle(earlier, later, parts);
}

/** A change turned out to be unpermitted: what took it back may have been told before. */
export async function endWhenRestored(id: string, spec: ChangeRules, parts: ChangesParts): Promise<void> {
  const earlier = await parts.store.document('held', id);
  if (earlier === null || earlier.state !== 'unpermitted' || earlier.was === null) return;
  let first: Held | null = null;
  for await (const later of everyOf(page => parts.store.documents('held', { other: earlier.resource, ...page }))) {
    // They come the newest first, and what was done before it took nothing back.
    if (later.occurredAt <= earlier.occurredAt) break;
    if (isRestored(earlier, later, spec)) first = later;
  }
  if (first !== null) await settle(earlier, first, parts);
}

/** How many earlier changes of a resource are looked at. */
const mostEarlier = 200;
const nobodyPermitted: ReadonlySet<Held['state']> = new Set(['unpermitted', 'ended', 'undone']);

/**
 * The earlier change, which nobody permitted, that this one took back; null when there is none. Nobody permitted this one either, but to undo
 * it would bring the earlier one about again.
 */
export async function takenBack(later: Held, spec: ChangeRules, { store }: Pick<ChangesParts, 'store'>) {
  const query = { other: later.resource, upTo: later.occurredAt, limit: mostEarlier };
  const earlier = await store.documents('held', query);
  return earlier.find(one => nobodyPermitted.has(one.state) && isRestored(one, later, spec)) ?? null;
}

/** Only a source that proves itself ends a window, and only with what was done. */
function mayRestore({ trusted, outcome, became, ahead }: Held): boolean {
  return trusted && outcome === 'success' && became !== null && !ahead;
}

/**
 * True when the later change set back what the earlier one changed. It counts when each was done, not when it was told: so it must be later
 * beyond doubt, by as much as two clocks may differ when two sources tell of them.
 */
function isRestored(earlier: Held, later: Held, { skew }: ChangeRules): boolean {
  const apart = earlier.source === later.source ? 0 : skew;
  return (
    mayRestore(later) &&
    !earlier.ahead &&
    later.occurredAt - earlier.occurredAt > apart &&
    later.became === earlier.was &&
    earlier.became !== earlier.was &&
    later.resource === earlier.resource &&
    later.account === earlier.account &&
    later.region === earlier.region &&
    later.environment === earlier.environment
  );
}

async function settle(earlier: Held, later: Held, parts: ChangesParts): Promise<void> {
  const run = await undoOf(earlier, later, parts);
  const because =
    run === null
      ? `${later.principal} set it back by ${later.action} (${later.id})`
      : `undone by ${run.title} (${run.id})`;
  const state = run === null ? 'ended' : 'undone';
  await settleChange(earlier.id, system, { state, because, endedAt: later.occurredAt }, parts);
}

/** The run that was to undo it, when its mark is on what set it back; null for anybody else's doing. */
async function undoOf(earlier: Held, { nonce }: Held, { store }: ChangesParts) {
  const [permit] = nonce === '' ? [] : await store.documents('permit', { key: nonce, limit: 1 });
  const run = permit === undefined ? null : await store.run(permit.of);
  return run?.undoes === earlier.id ? run : null;
}
