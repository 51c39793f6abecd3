import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { explainError, isCode, TocsinError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import { pageHeaders, renderProblem, wantsPage } from '../kernel/plain-page.ts';

/** Milliseconds between two tries: twice as long each time, up to the longest. */
const firstPause = 250;
const longestPause = 10_000;

/**
 * Opens what may not be there yet, such as a database server that starts at the same time: tries until it answers, with a pause that
 * grows to ten seconds. Meanwhile the address is listened on: `/healthz` is well, `/readyz` says what is waited for, and everything
 * else is told to come again. Rejects at once for what no waiting helps, and with the signal's reason when it is told to stop.
 */
export async function openPatiently<T>(
  open: () => Promise<T>,
  options: { listen: { host: string; port: number }; log: Log; signal?: AbortSignal; version: string },
): Promise<T> {
  let room: WaitingRoom | null = null;
  try {
    for (let pause = firstPause; ; pause = Math.min(longestPause, pause * 2)) {
      options.signal?.throwIfAborted();
      try {
        return await open();
      } catch (error) {
        if (!isCode(error, 'store-unreachable')) throw error;
        options.log.warn(
          { at: error.at, because: error.given, nextTryInMs: pause },
          `${error.message} ${error.remedy}`,
        );
        room ??= await openRoom(options);
        room.tell(error);
        // When it is told to stop, the next turn of the loop says so.
        await sleep(pause, undefined, options.signal && { signal: options.signal }).catch(() => {});
      }
    }
  } finally {
    await room?.close();
  }
}

interface WaitingRoom {
  tell(error: TocsinError): void;
  close(): Promise<void>;
}

const waits = (remedy: string) => ({ message: 'Not accepted: Tocsin waits for its database.', remedy });

async function openRoom(options: { listen: { host: string; port: number }; version: string }): Promise<WaitingRoom> {
  let trouble = '';
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    // What was sent is read and dropped, so that the sender hears the answer.
    request.resume();
    if (wantsPage(path, request.headers.accept)) {
      response.writeHead(503, { ...pageHeaders, 'content-type': 'text/html; charset=utf-8', 'retry-after': '5' });
      return response.end(renderProblem(new TocsinError('overloaded', waits('Load the page again in a moment.'))));
    }
    const well = path === '/healthz';
    const body = well
      ? { ok: true }
      : path === '/readyz'
        ? { ready: false, draining: false, parts: { store: trouble }, problems: [], version: options.version }
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
      trouble = explainError(error);
    },
    close: () => closeAll(server),
  };
}

async function closeAll(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
