import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { Intake } from './intake.ts';

/** Runs the sources that make events themselves, and starts them again when their options change. */
export interface Tickers {
  reload(): Promise<void>;
  stop(): Promise<void>;
}

export async function startTickers(parts: {
  catalogue: Catalogue;
  intake: Intake;
  clock: Clock;
  log: Log;
}): Promise<Tickers> {
  const { catalogue, intake, clock, log } = parts;
  let running = new Map<string, { options: string; stop: () => Promise<void> }>();
  let turn: Promise<void> = Promise.resolve();

  async function apply(wanted: boolean) {
    const next: typeof running = new Map();
    const sources = wanted ? catalogue.current().sources : new Map();
    for (const [name, { driver, options }] of sources) {
      if (driver.start === undefined) continue;
      const text = JSON.stringify(options);
      const known = running.get(name);
      if (known?.options === text) {
        next.set(name, known);
        running.delete(name);
        continue;
      }
      const emit = (events: Parameters<Intake['emit']>[1], once: string) => intake.emit(name, events, once);
      next.set(name, {
        options: text,
        stop: await driver.start(options, { clock, log: log.child({ source: name }), emit }),
      });
    }
    for (const { stop } of running.values()) await stop();
    running = next;
  }

  function reload(wanted: boolean): Promise<void> {
    turn = turn
      .then(() => apply(wanted))
      .catch(error => log.error({ err: error }, 'the schedules could not be started again'));
    return turn;
  }

  await apply(true);
  return { reload: () => reload(true), stop: () => reload(false) };
}
