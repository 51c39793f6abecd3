import { messageOf } from '../../../kernel/errors.ts';
import type { TcpListener } from '../options.ts';
import type { ListenTools } from './tools.ts';

export interface Bound {
  /** Stops listening, and takes what is under way. */
  stop(): Promise<void>;
}

/** Between tries to listen, milliseconds. The first ones are short: after a change of options the listener before ends within a moment. */
const backoff = [100, 100, 200, 500, 1000, 5000];

/** What is logged as an error: the ports that could not be had by then are taken by something else. */
const patience = 5;

/**
 * Listens, and tries again for as long as that fails (a port that is taken, an address that is not there yet). Resolves after the first try:
 * one source that cannot listen does not keep the others from starting.
 */
export async function listenAgain(
  { host, port }: TcpListener,
  { clock, log }: Pick<ListenTools, 'clock' | 'log'>,
  { open }: { open(): Promise<number> },
): Promise<Bound> {
  const stopping = new AbortController();

  async function attempt(tries: number): Promise<boolean> {
    try {
      const got = await open();
      log.info({ host, port: got }, 'listening for syslog');
      return true;
    } catch (error) {
      const facts = { host, port, because: messageOf(error) };
      if (tries === patience) log.error(facts, 'nobody listens for syslog there; it is tried on');
      return false;
    }
  }

  async function goOn(): Promise<void> {
    for (let tries = 1; !stopping.signal.aborted; tries += 1) {
      await clock.sleep(backoff[Math.min(tries - 1, backoff.length - 1)] ?? 5000, stopping.signal).catch(() => {});
      if (stopping.signal.aborted || (await attempt(tries))) return;
    }
  }

  const going = (await attempt(0)) ? Promise.resolve() : goOn();
  return {
    async stop() {
      stopping.abort();
      await going;
    },
  };
}
