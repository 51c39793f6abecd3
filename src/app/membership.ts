import { createOrigins, type Origin, type Origins } from '../flow/origin/origins.ts';
import type { ListHealth } from '../flow/origin/reconcile.ts';
import { createGroups, type Groups } from '../flow/people/groups.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { Catalogue } from '../ports/catalogue.ts';
import type { ChatConnection } from '../ports/chat.ts';

/** The members of groups, and the write-backs to the origins of alerts, which know who is on call. */
export interface Membership {
  groups: Groups;
  origins: Origins;
  /** Filled when the platforms are opened, which need what is made here. */
  live: {
    platform(id: string): ChatConnection | undefined;
    /** Why a write-back failed, by source; null when all is well. */
    origin(): Record<string, string | null>;
    /** Why a door could not tell or ask, by door; empty on nodes that do neither. */
    doors(): Record<string, string | null>;
    /** Whether the list of what fires is had and trusted, by source; empty on nodes that do not ask for it. */
    reconcile(): Record<string, ListHealth>;
    /** Channels that tocsin.yaml names and that do not exist. */
    channels(): string | null;
    /** What is wrong with the door for AdmissionReviews. */
    admission(): string | null;
  };
}

export function createMembership(parts: { clock: Clock; log: Log; catalogue: Catalogue }): Membership {
  const { clock, log, catalogue } = parts;
  const origins = createOrigins({ catalogue, clock, log });
  const live: Membership['live'] = {
    platform: () => undefined,
    origin: () => ({}),
    doors: () => ({}),
    reconcile: () => ({}),
    channels: () => null,
    admission: () => null,
  };
  const groups = createGroups({
    clock,
    log,
    config: () => catalogue.current().config,
    platform: id => live.platform(id),
    origin: source => onCallOf(origins.of(source)),
  });
  return { groups, origins, live };
}

function onCallOf(origin: Origin | null) {
  const onCall = origin?.connection.onCall;
  return origin === null || onCall === undefined ? undefined : { driver: origin.driver, onCall };
}
