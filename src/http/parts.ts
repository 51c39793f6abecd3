import type { Registry } from 'prom-client';
import type { HeardDelivery } from '../flow/doors/doors.ts';
import type { SeenDelivery } from '../flow/pipeline/delivery-log.ts';
import type { Watch } from '../flow/pipeline/intake.ts';
import type { SourceRefusal } from '../flow/pipeline/refused-sources.ts';
import type { RecordsAnswer } from '../flow/records/records.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import type { Metrics } from '../kernel/metrics.ts';
import type { Catalogue } from '../ports/catalogue.ts';
import type { ChatHost } from '../ports/chat.ts';
import type { Delivery } from '../ports/source.ts';
import type { Store } from '../ports/store.ts';

/** What the door answers for each event of a delivery. */
export interface Accepted {
  event: string;
  /** The alert that it belongs to; null for an event that is none. */
  alert: string | null;
  duplicate: boolean;
}

/** The dependencies of the HTTP layer. */
export interface HttpParts {
  clock: Clock;
  log: Log;
  store: Store;
  catalogue: Catalogue;
  intake: {
    /** Resolves when every event is durable. Rejects with TocsinError: bad-signature, bad-body, overloaded, store-failed, not-found. */
    receive(source: string, delivery: Delivery, watch?: Watch): Promise<Accepted[]>;
  };
  /** Takes a delivery of a service that asks gates. Resolves when its question is durable; rejects like `hearDoor` of the flow. */
  hearDoor(door: string, delivery: Delivery): Promise<HeardDelivery>;
  /** Called with what became of each delivery to a source of tocsin.yaml; returns at once. `delivery` is null when its body was not read. */
  delivered(seen: SeenDelivery, delivery: Delivery | null): void;
  /** Takes the deliveries of sources with `records`. */
  records: {
    /** Resolves when the counts are durable. Rejects like `receive` of the intake. */
    receive(source: string, delivery: Delivery): Promise<RecordsAnswer>;
  };
  /** Called for each refusal of a sender that proved itself; returns at once. */
  refused(refusal: SourceRefusal): void;
  /** act(), bearer(), localKey, baseUrl(), journalState(). */
  host: ChatHost;
  version: string;
  /** Health of the parts for /readyz: name to null when well, else what is wrong. */
  health(): Promise<Record<string, string | null>>;
  /** How many runs this node works on, and how many it can at most; left out where it takes none. */
  work?(): { busy: number; places: number };
  /** False on a node that takes no deliveries and serves no API: then only health and metrics are served. */
  doors?: boolean;
  /** True once the process is stopping; intake then answers 503. */
  draining(): boolean;
  metrics: Metrics;
  registry: Registry;
}
