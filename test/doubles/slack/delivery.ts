import { createHmac } from 'node:crypto';
import type { Server } from 'node:http';
import { acceptSockets, type Peer } from '../discord/websocket.ts';
import type { Json, World } from './world.ts';

/** How Slack's payloads reach an app. */
export interface Delivery {
  /** Resolves to what it was acknowledged with, `{}` for nothing; rejects when it is not acknowledged within 3 s. */
  send(kind: 'interactive' | 'slash_commands' | 'events_api', payload: Json): Promise<Json>;
}

export interface SocketSide extends Delivery {
  /** How many links said hello and are open. */
  links(): number;
  /** Resolves when a link is open. */
  linked(): Promise<void>;
  /** Cuts all links without a word. */
  cut(): void;
  /** Asks the app to connect anew, as Slack does every few hours. */
  refresh(): void;
  /** Acknowledgements of envelopes that were acknowledged before, or that never were sent. */
  wrongAcks: string[];
  /** Links are refused while this holds. */
  refuse: boolean;
}

const ackWithin = 3000;

/** Socket Mode: each payload goes to one link, and is acknowledged once by its envelope. */
export function addSockets(server: Server, world: World): SocketSide {
  const peers = new Set<Peer>();
  const waiting = new Map<string, (answer: Json) => void>();
  const watchers = new Set<() => void>();
  const side: SocketSide = {
    wrongAcks: [],
    refuse: false,
    links: () => peers.size,
    linked: () => until(() => peers.size > 0, watchers),
    cut() {
      for (const peer of peers) peer.drop();
      peers.clear();
    },
    refresh() {
      for (const peer of peers) peer.send(JSON.stringify({ type: 'disconnect', reason: 'refresh_requested' }));
    },
    async send(type, payload) {
      await side.linked();
      const [peer] = peers;
      const envelope_id = world.next('env');
      const { promise, resolve } = Promise.withResolvers<Json>();
      waiting.set(envelope_id, resolve);
      peer?.send(JSON.stringify({ type, envelope_id, payload, accepts_response_payload: type !== 'events_api' }));
      return inTime(promise);
    },
  };
  acceptSockets(server, peer => {
    if (side.refuse || !peer.path.startsWith('/link/')) return peer.drop();
    peer.onText = text => {
      const { envelope_id, payload = {} } = JSON.parse(text);
      const resolve = waiting.get(envelope_id);
      if (resolve === undefined) side.wrongAcks.push(envelope_id);
      waiting.delete(envelope_id);
      resolve?.(payload);
    };
    peer.onClose = () => void peers.delete(peer);
    peers.add(peer);
    peer.send(
      JSON.stringify({ type: 'hello', num_connections: peers.size, connection_info: { app_id: world.bot.app } }),
    );
    for (const tell of watchers) tell();
  });
  return side;
}

function until(holds: () => boolean, watchers: Set<() => void>): Promise<void> {
  return new Promise(resolve => {
    const look = () => {
      if (!holds()) return;
      watchers.delete(look);
      resolve();
    };
    watchers.add(look);
    look();
  });
}

async function inTime(answer: Promise<Json>): Promise<Json> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('it was not acknowledged within 3 s')), ackWithin);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

/** Signed requests to a public address. */
export function overHttp(url: string, secret: string): Delivery & { raw(request: RawRequest): Promise<Response> } {
  const raw = ({ body, type, at = Date.now(), key = secret, headers = {} }: RawRequest) => {
    const stamp = typeof at === 'string' ? at : String(Math.floor(at / 1000));
    const signature = `v0=${createHmac('sha256', key).update(`v0:${stamp}:${body}`).digest('hex')}`;
    return fetch(url, {
      method: 'POST',
      body,
      headers: { 'content-type': type, 'x-slack-request-timestamp': stamp, 'x-slack-signature': signature, ...headers },
    });
  };
  return {
    raw,
    async send(kind, payload) {
      const form = 'application/x-www-form-urlencoded';
      const request =
        kind === 'events_api'
          ? { type: 'application/json', body: JSON.stringify(payload) }
          : {
              type: form,
              body: String(
                new URLSearchParams(kind === 'slash_commands' ? payload : { payload: JSON.stringify(payload) }),
              ),
            };
      const answer = await inTime(raw(request));
      const text = await answer.text();
      if (!answer.ok) throw new Error(`the app answered ${answer.status} ${text}`);
      return text === '' ? {} : JSON.parse(text);
    },
  };
}

export interface RawRequest {
  body: string;
  type: string;
  /** Milliseconds, or a header's text. */
  at?: number | string;
  key?: string;
  headers?: Record<string, string>;
}
