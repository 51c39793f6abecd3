/** Break-glass: windows in which a person's own principals may change things without another permit. They lift nothing else. */

import type { Clock } from '../../../kernel/clock.ts';
import { isCode, TocsinError } from '../../../kernel/errors.ts';
import type { Ids } from '../../../kernel/ids.ts';
import { type Actor, system } from '../../../model/actor.ts';
import { streamOf } from '../../../model/journal.ts';
import type { Permit } from '../../../model/ledger/permit.ts';
import { type GlassWindow, glassKey } from '../../../model/ledger/window.ts';
import type { Catalogue, CatalogueSet } from '../../../ports/catalogue.ts';
import type { Store } from '../../../ports/store.ts';
import { endingPermit, issuing } from '../../gates/settle.ts';
import type { Feed } from '../../journal/feed.ts';
import { failedGuard, type Streams } from '../../journal/streams.ts';

export interface GlassParts {
  clock: Clock;
  ids: Ids;
  store: Store;
  feed: Feed;
  streams: Streams;
  catalogue: Pick<Catalogue, 'current'>;
}

/** How long after the end of a window everything that was done in it should have been told and judged, milliseconds. */
function listAfter({ changes: { ledger } }: Pick<CatalogueSet, 'changes'>): number {
  if (ledger === null) return 0;
  const waits = [ledger.matchAfter, ...Object.values(ledger.sources).map(one => one.matchAfter)];
  return Math.max(...waits) + ledger.skew;
}

/** The newest window of a person; null when there was none. */
export async function newestWindow(person: string, store: Pick<Store, 'documents'>): Promise<GlassWindow | null> {
  return (await store.documents('break-glass', { key: person, limit: 1 }))[0] ?? null;
}

/**
 * Opens a window for the person who asks, with its permit. A person has one at a time. Rejects with `conflict` while one is open. Whether
 * the person may, and for how long, was decided before.
 */
export async function openWindow(
  who: Extract<Actor, { kind: 'person' }>,
  { reason, duration }: { reason: string; duration: number },
  parts: GlassParts,
): Promise<GlassWindow> {
  const at = parts.clock.now();
  const last = await newestWindow(who.id, parts.store);
  if (last?.state === 'open' && last.until > at) throw openAlready(last);
  // One whose time is over, and that nobody has ended yet: its permit must not outlive it.
  if (last?.state === 'open') await endWindow(last.id, system, timeOver, parts);
  const window = parts.ids.next('win');
  const permit = permitOf(who.id, { window, reason, at, until: at + duration }, parts);
  const opened = {
    kind: 'break-glass.opened',
    ...{ window, person: who.id, reason, permit: permit.id, until: at + duration },
  } as const;
  const doc: GlassWindow = {
    id: window,
    ...{ person: who.id, reason, permit: permit.id, openedAt: at, until: at + duration },
    ...{ state: 'open', because: null, listAt: null, changes: [], more: 0, version: 1 },
  };
  const issued = issuing(permit, at);
  // Pressed twice at once, it is opened once: the claim follows the person's last window.
  const key = `${who.id}/${last?.id ?? 'none'}`;
  try {
    await parts.feed.commit({
      guards: [{ kind: 'claim', space: 'break-glass', key, at, keep: null }, ...(issued.guards ?? [])],
      entries: [{ stream: streamOf.breakGlass(window), actor: who, at, fact: opened }, ...issued.entries],
      rows: [{ table: 'document', kind: 'break-glass', doc }, ...(issued.rows ?? [])],
    });
  } catch (error) {
    if (!isCode(error, 'guard-failed') || failedGuard(error as TocsinError) !== 'claim') throw error;
    throw openAlready(await newestWindow(who.id, parts.store));
  }
  return doc;
}

export const timeOver = 'its time is over';

function openAlready(window: GlassWindow | null): TocsinError {
  const until = window === null ? '' : ` until ${new Date(window.until).toISOString()}`;
  return new TocsinError('conflict', {
    message: `Your window is open already${until}.`,
    remedy: 'End it first if you need another one: break-glass-end.',
  });
}

/** Its principal is not known beforehand: the key says whose it is, and changes.yaml which principals are theirs. */
function permitOf(
  person: string,
  { window, reason, at, until }: { window: string; reason: string; at: number; until: number },
  { ids }: Pick<GlassParts, 'ids'>,
): Permit {
  return {
    id: ids.next('pmt'),
    origin: 'break-glass',
    of: window,
    ...{ principal: '', nonce: '', key: glassKey(person), actions: [], resources: [] },
    ...{ account: null, region: null, environment: null },
    from: at,
    until,
    state: 'open',
    because: `${person} broke the glass: ${reason}`,
    createdAt: at,
    version: 1,
  };
}

/**
 * Ends an open window and its permit; one that is over is left as it is. What was done in it is listed later, when it should have been told
 * and judged. Resolves to the window as it is then.
 */
export async function endWindow(
  id: string,
  who: Actor,
  because: string,
  { streams, store, clock, catalogue }: Omit<GlassParts, 'ids' | 'feed'>,
): Promise<GlassWindow> {
  return await streams.document('break-glass', id, who, async now => {
    if (now.state !== 'open') return null;
    const listAt = Math.min(clock.now(), now.until) + listAfter(catalogue.current());
    return {
      facts: [{ kind: 'break-glass.ended', window: id, because, listAt }],
      with: await endingPermit(now, because, { store, clock }),
    };
  });
}
