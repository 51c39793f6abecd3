import { addSockets, type Delivery, overHttp, type SocketSide } from './delivery.ts';
import { activeParts, readable } from './markup.ts';
import { createPerson, type Person } from './people.ts';
import { startWebApi, type WebApi } from './server.ts';
import { createWorld, type SlackMessage, type SlackView, type Told, type World } from './world.ts';

export type { SlackMessage, SlackView, Told } from './world.ts';

/** A workspace of Slack that speaks the real wire to the unmodified SDK, refuses what Slack refuses, and fails on command. */
export interface SlackDouble {
  world: World;
  api: WebApi;
  socket: SocketSide;
  /** What the app is started with. */
  env: Record<string, string>;
  as(user: string): Person;
  /** From now on payloads go to this address, signed, instead of over the socket. */
  useHttp(url: string, secret: string): ReturnType<typeof overHttp>;
  /** The messages of a thread, the root first. */
  thread(root: { channel: string; ts: string }): SlackMessage[];
  /** The newest message that shows this text. */
  find(text: string): SlackMessage | undefined;
  /** How often a method was called with success. */
  count(method: string): number;
  /** Waits until something holds, at most ten seconds; fails with what was seen last. */
  until<T>(look: () => T | null | undefined | false, what: string): Promise<T>;
  /** What this person is told after `from` things were told. */
  toldTo(user: string, from: number): Promise<Told>;
  /** The modal that this person has open. */
  modalOf(user: string): Promise<SlackView>;
  close(): Promise<void>;
}

export async function startSlack(): Promise<SlackDouble> {
  const world = createWorld();
  const api = await startWebApi(world);
  const socket = addSockets(api.server, world);
  let delivery: Delivery = socket;
  const double: SlackDouble = {
    world,
    api,
    socket,
    env: {
      SLACK_API_URL: `${api.url()}/api/`,
      SLACK_BOT_TOKEN: world.botToken,
      SLACK_APP_TOKEN: world.appToken,
    },
    as: user => createPerson(user, world, () => delivery, api.url),
    useHttp(url, secret) {
      const http = overHttp(url, secret);
      delivery = http;
      return http;
    },
    thread: ({ channel, ts }) =>
      world.messages.filter(one => one.channel === channel && (one.ts === ts || one.thread_ts === ts)),
    find: text => world.messages.findLast(one => readable(one).includes(text)),
    count: method => api.calls.filter(call => call.method === method && call.answer === 'ok').length,
    async until(look, what) {
      for (let tries = 0; tries < 1000; tries++) {
        const found = look();
        if (found !== null && found !== undefined && found !== false) return found;
        await new Promise(resolve => setTimeout(resolve, 10));
      }
      throw new Error(`${what} did not come in ten seconds; the last calls were ${lastCalls(api)}`);
    },
    toldTo: (user, from) =>
      double.until(() => world.told.slice(from).find(one => one.user === user), `an answer to ${user}`),
    modalOf: user =>
      double.until(() => [...world.views.values()].findLast(view => view.user === user), `a modal for ${user}`),
    async close() {
      socket.cut();
      await api.close();
    },
  };
  return double;
}

function lastCalls(api: WebApi): string {
  return api.calls
    .slice(-8)
    .map(call => `${call.method} ${call.answer}`)
    .join(', ');
}

export { activeParts, readable };
