import type { SocketModeReceiver } from '@slack/bolt';
import { messageOf } from '../../kernel/errors.ts';
import type { ChatHost } from '../../ports/chat.ts';
import { toChatError } from './failure.ts';
import type { Session } from './session.ts';

/** How long a connection may take to say hello, and how long a close may take, milliseconds. */
const helloWithin = 20_000;
const closeWithin = 2000;
const longestPause = 60_000;

/**
 * Keeps one Socket Mode connection open. The SDK's own reconnecting is off: when it cannot get the address of a new connection, it leaves
 * a rejected promise unhandled, which would end the process.
 */
export async function keepConnected(
  receiver: SocketModeReceiver,
  host: ChatHost,
  session: Session,
  signal: AbortSignal,
): Promise<void> {
  const { client } = receiver;
  for (let failures = 0; !signal.aborted; ) {
    try {
      const dropped = new Promise<void>(resolve => client.once('disconnected', () => resolve()));
      await within(client.start(), helloWithin, host);
      session.report('socket', null);
      host.log.info({}, 'Slack is connected');
      failures = 0;
      await unlessAborted(dropped, signal);
      if (!signal.aborted)
        host.log.info({}, 'Slack closed the connection, which it does from time to time; connecting again');
    } catch (error) {
      if (signal.aborted) break;
      failures += 1;
      session.report('socket', whyNot(error));
      await within(client.disconnect(), closeWithin, host).catch(() => {});
    }
    const pause = failures === 0 ? 0 : Math.min(longestPause, 500 * 2 ** Math.min(failures, 10));
    await host.clock.sleep(pause, signal).catch(() => {});
  }
  await within(client.disconnect(), closeWithin, host).catch(() => {});
}

/** The SDK rejects with nothing when the connection ends before it said hello. */
function whyNot(error: unknown): string {
  if (error === undefined) return 'Slack closed the Socket Mode connection before it was ready; it is tried again.';
  const failure = toChatError(error, { method: 'apps.connections.open', token: 'app' });
  return `${failure.message} ${failure.remedy}`;
}

/** Resolves with the work or the signal. It removes its listener, because the signal outlives many connections. */
async function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const stop = () => resolve();
  signal.addEventListener('abort', stop, { once: true });
  await Promise.race([work, aborted]);
  signal.removeEventListener('abort', stop);
}

async function within<T>(work: Promise<T>, ms: number, host: ChatHost): Promise<T> {
  const cut = new AbortController();
  const late = host.clock.sleep(ms, cut.signal).then(
    () => {
      throw new Error(`it took longer than ${ms} ms`);
    },
    () => new Promise<never>(() => {}),
  );
  try {
    return await Promise.race([work, late]);
  } finally {
    cut.abort(new Error('done'));
    work.catch(error => host.log.debug({ reason: messageOf(error) }, 'a connection to Slack ended'));
  }
}
