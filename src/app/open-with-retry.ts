import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { Clock } from '../kernel/clock.ts';
import { isCode, summaryOf, TocsinError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import { pageHeaders, renderProblem, wantsPage } from '../kernel/plain-page.ts';

/** Milliseconds between two tries: twice as long each time, up to the longest. */
const firstPause = 250;
const longestPause = 10_000;
/** The same trouble is logged again after this long, milliseconds. */
const logEvery = 60_000;

export interface WaitOptions {
  listen: { host: string; port: number };
  clock: Pick<Clock, 'sleep' | 'monotonic'>;
  log: Log;
  /** Ends the wait. */
  signal?: AbortSignal;
  version: string;
}

/**
 * Opens something that may not be up yet, such as a database server that starts at the same time. It retries with a back-off of up to ten
 * seconds. Meanwhile it serves HTTP: `/healthz` is well, `/readyz` names the trouble, and every other request is asked to retry. Rejects
 * at once with an error that waiting does not cure, and with the signal's reason when the signal aborts.
 */
export async function openWithRetry<T>(open: () => Promise<T>, options: WaitOptions): Promise<T> {
  let room: StandIn | null = null;
  try {
    for (let pause = firstPause; ; pause = Math.min(longestPause, pause * 2)) {
      options.signal?.throwIfAborted();
      try {
        const opened = await open();
        if (room !== null) options.log.info({}, 'the database answers');
        return opened;
      } catch (error) {
        if (!isCode(error, 'store-unreachable')) throw error;
        room ??= await openRoom(options);
        room.tell(error);
        // An abort is handled by the next turn of the loop.
        await options.clock.sleep(pause, options.signal).catch(() => {});
      }
    }
  } finally {
    await room?.close();
  }
}

interface StandIn {
  /** Shows the error on `/readyz`, and logs it unless it was logged recently. */
  tell(error: TocsinError): void;
  close(): Promise<void>;
}

const waits = (remedy: string) => ({ message: 'Not accepted: Tocsin waits for its database.', remedy });

async function openRoom(options: WaitOptions): Promise<StandIn> {
  let trouble = '';
  let logged = { trouble, at: 0 };
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    // The body is read and dropped, so that the sender receives the answer.
    request.resume();
    if (wantsPage(path, request.headers.accept)) {
      response.writeHead(503, {
        ...pageHeaders,
        'content-type': 'text/html; charset=utf-8',
        refresh: '5',
        'retry-after': '5',
      });
      return response.end(renderProblem(new TocsinError('overloaded', waits('The page looks again by itself.'))));
    }
    const well = path === '/healthz';
    const body = well
      ? { ok: true }
      : path === '/readyz'
        ? notReady(trouble, options.version)
        : { error: new TocsinError('overloaded', waits('Send it again after the time in Retry-After.')) };
    response.writeHead(well ? 200 : 503, {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...(well ? {} : { 'retry-after': '5' }),
    });
    response.end(JSON.stringify(body));
  });
  server.requestTimeout = 10_000;
  server.listen(options.listen.port, options.listen.host);
  await once(server, 'listening');
  return {
    tell(error) {
      trouble = `${summaryOf(error)} ${error.remedy}`;
      const now = options.clock.monotonic();
      if (trouble === logged.trouble && now - logged.at < logEvery) return;
      logged = { trouble, at: now };
      options.log.warn({ at: error.at, because: error.given }, `${error.message} ${error.remedy}`);
    },
    close: () => closeAll(server),
  };
}

/** What /readyz answers, as far as it can be told without a database. */
function notReady(trouble: string, version: string) {
  const fleet = { nodes: [], problems: [] };
  return { ready: false, well: false, draining: false, parts: { store: trouble }, problems: [], fleet, version };
}

async function closeAll(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
