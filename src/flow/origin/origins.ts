import type { Clock } from '../../kernel/clock.ts';
import { createLazyEgress, type LazyEgress } from '../../kernel/egress/lazy.ts';
import type { Log } from '../../kernel/log.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { OriginConnection } from '../../ports/origin.ts';

/** Connections to the origins of the sources in tocsin.yaml, opened when first needed and again when their options change. */
export interface Origins {
  /** Null when there is no such source, or it takes no write-backs and answers no questions. */
  of(source: string): Origin | null;
  /** All origins, each with its source's name. */
  all(): Origin[];
  /** Aborts the requests that are under way, and closes the connections. */
  close(): Promise<void>;
}

export interface Origin {
  source: string;
  /** The driver's id: the key of its accounts in `people`. */
  driver: string;
  connection: OriginConnection;
}

export interface OriginsParts {
  catalogue: Pick<Catalogue, 'current'>;
  clock: Clock;
  log: Log;
}

/** The largest answer, bytes: a page of a hundred comments, as long as strangers may write them (GitHub: 64 KiB), has to fit. */
const largestAnswer = 16 * 1024 * 1024;

export function createOrigins(parts: OriginsParts): Origins {
  const closing = new AbortController();
  const opened = new Map<string, { options: string; origin: Origin | null; egress: LazyEgress[] }>();

  function of(source: string): Origin | null {
    const configured = parts.catalogue.current().sources.get(source);
    const options = configured === undefined ? '' : JSON.stringify(configured.options);
    const known = opened.get(source);
    if (known !== undefined && known.options === options) return known.origin;
    // Requests with the old options may end; no new ones begin with them.
    for (const egress of known?.egress ?? []) void egress.close();
    const egress: LazyEgress[] = [];
    const connection =
      configured?.driver.origin?.(configured.options, {
        clock: parts.clock,
        log: parts.log.child({ origin: source }),
        reach(addresses, ca) {
          const hosts = addresses.map(address => new URL(address).host);
          // Named by tocsin.yaml, never by an event: an operator's own proxy may well lie in a private range.
          const made = createLazyEgress(() => ({ allow: hosts, private: hosts, ca, maxBody: largestAnswer }));
          egress.push(made);
          return (input, init) => {
            const signals = [closing.signal, ...(init?.signal == null ? [] : [init.signal])];
            return made.fetch(input, { ...init, signal: AbortSignal.any(signals) });
          };
        },
      }) ?? null;
    const origin = connection === null ? null : { source, driver: configured?.driver.id ?? source, connection };
    opened.set(source, { options, origin, egress });
    return origin;
  }

  return {
    of,
    all: () => [...parts.catalogue.current().sources.keys()].map(of).filter(origin => origin !== null),
    async close() {
      closing.abort(new Error('Tocsin is stopping'));
      await Promise.all([...opened.values()].flatMap(one => one.egress.map(egress => egress.close())));
    },
  };
}
