import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createEgress, type EgressParts } from '../../../src/kernel/egress/egress.ts';
import { TocsinError } from '../../../src/kernel/errors.ts';

const open: { close(): Promise<void> }[] = [];
const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  await Promise.all(open.splice(0).map(one => one.close()));
});

/** A server that hands each answer over; nothing is sent until the test says so. */
async function serve() {
  const answers: ServerResponse[] = [];
  let waiting: (() => void) | null = null;
  const server = createServer((_, response) => {
    answers.push(response);
    waiting?.();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return {
    url: `http://inside.example:${(server.address() as AddressInfo).port}/`,
    host: `inside.example:${(server.address() as AddressInfo).port}`,
    async asked(count: number) {
      while (answers.length < count) {
        await new Promise<void>(resolve => {
          waiting = resolve;
        });
      }
      return answers;
    },
  };
}

/** Callers that name no time have 60 ms of patience. */
function makeEgress(parts: Partial<EgressParts> = {}) {
  const lookup = async () => [{ address: '127.0.0.1', family: 4 }];
  const egress = createEgress({ allow: [], private: ['inside.example'], patience: 60, lookup, ...parts });
  open.push(egress);
  return egress;
}

const minute = 60_000;

describe('a caller with a time of its own', () => {
  it.each([minute, null])('gets headers that come after the usual patience (%s)', async time => {
    const server = await serve();
    const egress = makeEgress();
    const patient = egress.within(time)(server.url);
    await server.asked(1);
    await expect(egress.fetch(server.url)).rejects.toMatchObject({
      code: 'egress-failed',
      message: `${server.host} sent no answer within 60ms.`,
      cause: expect.anything(),
    });
    // Only now, when another one has lost its patience.
    for (const answer of await server.asked(2)) answer.end('late');
    expect(await (await patient).text()).toBe('late');
  });

  it.each([minute, null])('gets a body that paused for longer than the usual patience (%s)', async time => {
    const server = await serve();
    const egress = makeEgress();
    const both = [egress.within(time)(server.url), egress.fetch(server.url)] as const;
    for (const answer of await server.asked(2)) answer.write('first ');
    const [patient, impatient] = await Promise.all(both);
    await expect(impatient.text()).rejects.toMatchObject({
      code: 'egress-failed',
      message: `The body of ${server.host} paused for 60ms after 6 bytes.`,
      cause: expect.anything(),
    });
    for (const answer of await server.asked(2)) answer.end('last');
    expect(await patient.text()).toBe('first last');
  });

  it('gets a connection that took longer than the usual patience', async () => {
    const server = await serve();
    const name = Promise.withResolvers<void>();
    const egress = makeEgress({
      async lookup() {
        await name.promise;
        return [{ address: '127.0.0.1', family: 4 }];
      },
    });
    const patient = egress.within(minute)(server.url);
    await expect(egress.fetch(server.url)).rejects.toMatchObject({
      code: 'egress-failed',
      message: `There was no connection to ${server.host} within 60ms.`,
    });
    name.resolve();
    for (const answer of await server.asked(1)) answer.end('there');
    expect(await (await patient).text()).toBe('there');
  });
});

describe('a signal that says that the time is over', () => {
  it.each([
    ['of a step', () => new TocsinError('step-timeout')],
    ['of a look', () => new DOMException('The operation was aborted due to timeout', 'TimeoutError')],
  ])('explains what was waited for: the time %s', async (_name, reason) => {
    const server = await serve();
    const egress = makeEgress();
    const stop = new AbortController();
    const silent = egress.within(minute)(server.url, { signal: stop.signal });
    await server.asked(1);
    const paused = egress.within(minute)(server.url, { signal: stop.signal });
    const [, second] = await server.asked(2);
    second?.write('12345');
    const reader = (await paused).body?.getReader();
    await reader?.read();
    const rest = reader?.read();
    stop.abort(reason());
    const results = await Promise.allSettled([silent, rest]);
    const texts = results.flatMap(one => (one.status === 'rejected' ? String(one.reason.message) : []));
    expect(texts).toEqual([
      expect.stringMatching(/^inside\.example:\d+ sent no answer within /),
      expect.stringMatching(
        /^The body of inside\.example:\d+ was not at its end when the time was over: it paused for .+ after 5 bytes\.$/,
      ),
    ]);
  });

  it('is passed on as it is when somebody wanted the end', async () => {
    const server = await serve();
    const stop = new AbortController();
    const reason = new Error('cancelled');
    const pending = makeEgress().within(minute)(server.url, { signal: stop.signal });
    await server.asked(1);
    stop.abort(reason);
    await expect(pending).rejects.toBe(reason);
  });
});

describe('a body that breaks off', () => {
  it('says where, and why', async () => {
    const server = await serve();
    const pending = makeEgress().fetch(server.url);
    const [answer] = await server.asked(1);
    answer?.writeHead(200, { 'content-length': '100' }).write('12345');
    const text = (await pending).text();
    answer?.destroy();
    await expect(text).rejects.toMatchObject({
      code: 'egress-failed',
      message: expect.stringMatching(/^The body of inside\.example:\d+ broke off after 5 bytes: (?!terminated)./),
    });
  });
});
