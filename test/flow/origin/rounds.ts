import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../../src/kernel/clock.ts';
import type { Store } from '../../../src/ports/store.ts';
import type { HandClock } from '../../doubles/clock.ts';

/** Seconds from the end of a round to the next one, at most. */
const longestPause = 66;

/** Lets the rounds of the comparison with the origins come by a clock that is moved by hand, one at a time. */
export interface Rounds {
  /** For the app. */
  clock: Clock;
  wrapStore(store: Store): Store;
  /** Moves the clock on until a round has begun, and waits until it is over. `moved` is called after each second. */
  next(until: (look: () => Promise<boolean>) => Promise<unknown>, moved?: () => void): Promise<void>;
}

export function countRounds(clock: HandClock): Rounds {
  let begun = 0;
  let over = 0;
  return {
    clock: {
      ...clock,
      // Nobody else rests for so long: the pauses after a round, the second with up to a tenth more or less.
      sleep: (ms, signal) => {
        if (ms === 15_000 || (ms >= 54_000 && ms <= 66_000)) over++;
        return clock.sleep(ms, signal);
      },
    },
    wrapStore: store => ({
      ...store,
      // A round begins with the alerts that fire here.
      alerts: query => {
        if (query.state === 'firing') begun++;
        return store.alerts(query);
      },
    }),
    async next(until, moved = () => {}) {
      const before = { begun, over };
      for (let seconds = 1; begun === before.begun; seconds++) {
        await clock.advance(1000);
        moved();
        // Its pause is over: on a busy machine it needs real time to begin, and a clock that ran on would let alerts expire meanwhile.
        for (let looks = 0; seconds % longestPause === 0 && begun === before.begun && looks < 100; looks++)
          await sleep(20);
      }
      await until(async () => over > before.over);
    },
  };
}
