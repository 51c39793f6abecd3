import { sha256 } from '../../kernel/canonical.ts';
import type { Ids } from '../../kernel/ids.ts';
import type { AlertEnd } from '../../model/alert.ts';
import type { Row } from '../../ports/store.ts';
import { type Claim, claimOf, eventIdOf, rememberIds } from './once.ts';
import type { Part } from './parts.ts';

/** What is known of a delivery, or of an emission, beside its events. */
export interface Receipt {
  source: string;
  at: number;
  raw: { digest: string; bytes: Buffer } | null;
  trusted: boolean;
  /** A test that somebody asked for: it proves that it can be proven, and nothing that it says is true. */
  test?: true;
  /** The claim of the whole delivery. */
  once: Claim | null;
  /** The claims of its events, one for each, where they have ids of their own. */
  each: readonly (Claim | null)[] | null;
  /** Which of Tocsin's own actions came back as an event, and was dropped. */
  echo: string | null;
  /** How stretches ended, by fingerprint, where more is known than the events say. */
  ends?: ReadonlyMap<string, AlertEnd> | undefined;
  /** Committed with the events. */
  rows?: readonly Row[] | undefined;
}

/** Of what a source made its events: whether a secret proved it, and its bytes, where there are any. */
export interface MadeOf {
  trusted: boolean;
  raw?: Buffer | null;
}

export function receiptOf(
  name: string,
  { delivery, normalised }: Part,
  { trusted, keepsRaw, test }: { trusted: boolean; keepsRaw: boolean; test?: true | undefined },
): Receipt {
  const { deliveryId, eventIds, echo } = normalised;
  const key = delivery.part === undefined ? deliveryId : `${deliveryId}#${delivery.part.first}`;
  const signed = deliveryId !== null && key !== null;
  return {
    source: name,
    at: delivery.at,
    raw: keepsRaw ? { digest: sha256(delivery.body), bytes: delivery.body } : null,
    trusted: trusted && test !== true,
    ...(test === true ? { test } : {}),
    once: signed ? claimOf(name, key) : null,
    each: eventIds === undefined ? null : normalised.events.map((_, index) => claimOfEvent(name, eventIds[index])),
    echo: echo ?? null,
  };
}

/** An event whose driver gives no id counts each time, so that none is lost. */
function claimOfEvent(name: string, id: string | null | undefined): Claim | null {
  return id === null || id === undefined ? null : claimOf(name, id);
}

/** For events that a source made itself. `made` is left out where Tocsin made them alone. */
export function receiptOfEmission(
  name: string,
  at: number,
  once: string,
  { made, ...more }: Pick<Receipt, 'ends' | 'rows'> & { made?: MadeOf | undefined },
): Receipt {
  const { trusted, raw: bytes = null } = made ?? { trusted: true };
  const raw = bytes === null ? null : { digest: sha256(bytes), bytes };
  const claim = emissionClaim(name, once);
  return { source: name, at, raw, trusted, once: claim, each: null, echo: null, ...more };
}

function emissionClaim(name: string, key: string): Claim {
  return { space: `emission/${name}`, key, keep: rememberIds };
}

/** The id that the only event gets which a source makes under this key, whether or not it was made. */
export function emittedId(source: string, once: string): string {
  return eventIdOf(emissionClaim(source, once), 0);
}

/** What has an id of its sender gets the same event id however often it comes. */
export function eventId({ once, each }: Receipt, index: number, ids: Ids): string {
  const own = each?.[index] ?? null;
  if (own !== null) return eventIdOf(own, 0);
  return once === null ? ids.next('evt') : eventIdOf(once, index);
}
