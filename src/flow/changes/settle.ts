import { type Actor, system } from '../../model/actor.ts';
import type { Held } from '../../model/ledger/held.ts';
import { changesSource } from '../../ports/catalogue.ts';
import { everyOf } from '../journal/pages.ts';
import type { ChangesParts } from './parts.ts';
import { endedAlert } from './unpermitted.ts';

export type SettleChangeParts = Pick<ChangesParts, 'clock' | 'metrics' | 'store' | 'streams' | 'intake'>;

export interface Settlement {
  state: 'claimed' | 'undone' | 'ended';
  because: string;
  /** When it stood no more, milliseconds since the epoch; null when it still stands, and is permitted now. */
  endedAt: number | null;
}

/**
 * Says what became of an unpermitted change, and ends its alert with the last of its changes. Resolves to the change as it is then; one that
 * is not unpermitted any more is left as it is.
 */
export async function settleChange(
  id: string,
  who: Actor,
  { state, because, endedAt }: Settlement,
  parts: SettleChangeParts,
): Promise<Held> {
  let settled = false;
  const held = await parts.streams.document('held', id, who, now => {
    settled = now.state === 'unpermitted';
    return settled ? { facts: [{ kind: 'change.settled', held: now.id, state, because, endedAt }] } : null;
  });
  if (!settled) return held;
  const stood = Math.max(0, (endedAt ?? parts.clock.now()) - held.occurredAt);
  parts.metrics.observe('tocsin_change_exposure_seconds', stood / 1000, { source: held.source });
  await endAlert(held, because, parts);
  return held;
}

/** Ends the alert when none of its changes is unpermitted any more. Harmless when it is done again. */
export async function endAlert({ alert: id }: Held, because: string, parts: SettleChangeParts): Promise<void> {
  const alert = id === null ? null : await parts.store.alert(id);
  if (alert === null || alert.state === 'resolved') return;
  if ((await parts.store.documents('held', { key: alert.id, state: 'unpermitted', limit: 1 })).length > 0) return;
  const body = endedAlert(alert, parts.clock.now(), because);
  const made = { trusted: alert.trusted };
  await parts.intake.emit(
    changesSource,
    [body],
    `${alert.fingerprint}/${alert.version}/resolved`,
    undefined,
    undefined,
    made,
  );
}

/** Somebody closed the alert: its changes stand, and nobody is told of them any more. */
export async function settleClosed(alert: string, because: string, parts: SettleChangeParts): Promise<void> {
  const found = await parts.store.alert(alert);
  if (found?.source !== changesSource) return;
  const endedAt = parts.clock.now();
  const end: Settlement = { state: 'ended', because: `its alert was closed: ${because}`, endedAt };
  for await (const one of everyOf(page => parts.store.documents('held', { ...page, key: alert, state: 'unpermitted' })))
    await settleChange(one.id, system, end, parts);
}
