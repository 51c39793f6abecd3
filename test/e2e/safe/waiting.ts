import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect } from 'vitest';
import { type Ran, runStep, type ShownStep, type Surroundings } from './page.ts';

/** A server that takes connections, and says nothing. */
export async function silent(): Promise<{ port: number; close(): void }> {
  const sockets = new Set<import('node:net').Socket>();
  const server = createServer(socket => {
    sockets.add(socket);
    socket.on('error', () => {});
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/**
 * Starts both at the same time: the safe one ends by itself, and the unsafe one is still there then, which is ended. Order is what shows
 * it, not time. `meanwhile` runs once both are started. Resolves to what the safe one ended with.
 */
export async function outlives(
  safe: ShownStep,
  unsafe: ShownStep,
  around: Surroundings,
  meanwhile: () => Promise<void> = async () => {},
): Promise<Ran> {
  const cancel = new AbortController();
  let over: Ran | null = null;
  const waiting = runStep(unsafe, { ...around, signal: cancel.signal }).then(ran => {
    over = ran;
  });
  const ended = runStep(safe, around);
  await meanwhile();
  const ran = await ended;
  expect(over, 'the one without the form is still there').toBeNull();
  cancel.abort();
  await waiting;
  return ran;
}
