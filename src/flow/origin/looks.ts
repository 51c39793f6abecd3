import type { Clock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { Alert } from '../../model/alert.ts';
import { addSight, endOfGone, type Look, type Sight } from '../../model/look.ts';
import type { Catalogue, ConfiguredSource } from '../../ports/catalogue.ts';
import { canAsk } from '../../ports/source.ts';
import type { Seen } from '../../ports/step.ts';
import type { Store } from '../../ports/store.ts';
import type { Feed } from '../journal/feed.ts';

/** Asks the origins of alerts whether they still fire, and keeps what was seen: it tells an end from an expiry later. */
export interface Looks {
  /** True when it can be asked and resolves by itself what it hears nothing more of: only there an end may be an expiry. */
  expires(source: string): boolean;
  /** Looks once. Never rejects: an origin that cannot be asked is `unknown`, with the reason. */
  look(alert: Alert): Promise<Seen>;
  /** Keeps what a list of the origin showed of the alert. */
  keep(alert: string, sight: Sight): Promise<Look>;
  /** Why a source could not be asked the last time; null where it could. Sources that were never asked are left out. */
  trouble(): Record<string, string | null>;
}

export interface LooksParts {
  store: Store;
  feed: Feed;
  catalogue: Catalogue;
  clock: Clock;
  log: Log;
}

/** The longest time that one question may take, milliseconds. */
const timeout = 5000;

export function createLooks(parts: LooksParts): Looks {
  const { store, feed, catalogue, clock, log } = parts;
  const troubles = new Map<string, string | null>();
  const sourceOf = (name: string) => catalogue.current().sources.get(name);

  async function keep(alert: string, sight: Sight): Promise<Look> {
    const kept = addSight(await store.look(alert), alert, sight);
    await feed.commit({ rows: [{ table: 'look', doc: kept }] });
    return kept;
  }

  async function ask(alert: Alert, source: ConfiguredSource): Promise<Sight> {
    try {
      // The address comes from tocsin.yaml, never from an event, so the egress rules of runbooks do not apply.
      const tools = { fetch, signal: AbortSignal.timeout(timeout), clock };
      const sight = await source.driver.look?.(alert, source.options, tools);
      troubles.set(alert.source, null);
      return sight ?? { state: 'unknown', because: 'its source cannot be asked' };
    } catch (error) {
      const because = `${alert.source} could not be asked: ${messageOf(error)}`;
      if (troubles.get(alert.source) == null)
        log.warn(
          { source: alert.source, reason: messageOf(error) },
          'the source could not be asked whether an alert still fires',
        );
      troubles.set(alert.source, because);
      return { state: 'unknown', because };
    }
  }

  return {
    expires: name => canAsk(sourceOf(name)) && sourceOf(name)?.driver.expires === true,
    keep,
    async look(alert) {
      const source = sourceOf(alert.source);
      if (source === undefined || !canAsk(source))
        return { state: 'blind', because: `nobody could look: ${alert.source} cannot be asked` };
      const sight = await ask(alert, source);
      if (sight.state === 'unknown') {
        if ((await store.look(alert.id).catch(() => null))?.goneAt != null) await keep(alert.id, sight).catch(() => {});
        return sight;
      }
      if (sight.state === 'firing') {
        // That it fires is known also when it cannot be kept.
        await keep(alert.id, sight).catch(() => {});
        return { state: 'firing' };
      }
      const kept = await keep(alert.id, sight).catch(() => null);
      if (kept === null) return { state: 'unknown', because: 'what was seen could not be kept' };
      const since = kept.goneAt ?? sight.at;
      return { state: 'gone', since, at: sight.at, end: endOfGone(kept, source.driver.expires === true) };
    },
    trouble: () => Object.fromEntries(troubles),
  };
}
