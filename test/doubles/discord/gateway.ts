import type { Peer } from './websocket.ts';
import { snowflake, type World } from './world.ts';

/** The gateway: HELLO, IDENTIFY or RESUME, dispatches in sequence, heartbeats; and the ways in which it ends. */
export interface Gateway {
  accept(peer: Peer): void;
  dispatch(name: string, data: object): void;
  /** Cuts all lines without a word. */
  drop(): void;
  /** Closes all connections with a code. */
  close(code: number): void;
  /** Op 7: asks the clients to reconnect and resume. */
  askReconnect(): void;
  /** Sends the last events again, as after a resume from an earlier point. */
  replay(): void;
  /** Makes the next RESUME fail, so that the client must identify anew. */
  forgetSessions(): void;
  connected(): number;
  /** What clients did, in order: identify, resume, heartbeat. */
  seen: string[];
}

interface Session {
  id: string;
  peer: Peer | null;
  sequence: number;
  kept: { s: number; text: string }[];
}

export function createGateway(world: World, url: () => string): Gateway {
  const sessions = new Map<string, Session>();
  const peers = new Set<Peer>();
  const seen: string[] = [];

  const send = (session: Session, t: string, d: object) => {
    const s = ++session.sequence;
    const text = JSON.stringify({ op: 0, t, s, d });
    session.kept.push({ s, text });
    session.peer?.send(text);
  };

  function identify(peer: Peer, data: { token?: string; intents?: number }) {
    seen.push('identify');
    if (data.token !== world.token) return peer.close(4004, 'Authentication failed.');
    if (world.closeWith !== null) return peer.close(world.closeWith);
    if (data.intents === undefined || (data.intents & ~1) !== 0) return peer.close(4014, 'Disallowed intent(s).');
    const session: Session = { id: snowflake(), peer, sequence: 0, kept: [] };
    sessions.set(session.id, session);
    send(session, 'READY', {
      v: 10,
      user: { ...world.bot, discriminator: '0', avatar: null, bot: true },
      guilds: [{ id: world.guild.id, unavailable: true }],
      session_id: session.id,
      resume_gateway_url: url(),
      application: { id: world.application.id, flags: 0 },
    });
    send(session, 'GUILD_CREATE', guildOf(world));
  }

  function resume(peer: Peer, data: { token?: string; session_id?: string; seq?: number }) {
    seen.push('resume');
    const session = sessions.get(data.session_id ?? '');
    if (session === undefined) return peer.send(JSON.stringify({ op: 9, d: false }));
    session.peer = peer;
    for (const { s, text } of session.kept) if (s > (data.seq ?? 0)) peer.send(text);
    send(session, 'RESUMED', {});
  }

  function take(peer: Peer, text: string) {
    const { op, d } = JSON.parse(text);
    if (op === 1) {
      seen.push('heartbeat');
      peer.send(JSON.stringify({ op: 11 }));
    }
    if (op === 2) identify(peer, d);
    if (op === 6) resume(peer, d);
  }

  return {
    accept(peer) {
      peers.add(peer);
      peer.onText = text => take(peer, text);
      peer.onClose = () => {
        peers.delete(peer);
        for (const session of sessions.values()) if (session.peer === peer) session.peer = null;
      };
      peer.send(JSON.stringify({ op: 10, d: { heartbeat_interval: 20_000 } }));
    },
    dispatch(name, data) {
      for (const session of sessions.values()) send(session, name, data);
    },
    drop: () => [...peers].forEach(peer => void peer.drop()),
    close: code => [...peers].forEach(peer => void peer.close(code)),
    askReconnect: () => [...peers].forEach(peer => void peer.send(JSON.stringify({ op: 7, d: null }))),
    replay() {
      for (const session of sessions.values()) for (const { text } of session.kept.slice(-5)) session.peer?.send(text);
    },
    forgetSessions: () => sessions.clear(),
    connected: () => [...sessions.values()].filter(session => session.peer !== null).length,
    seen,
  };
}

function guildOf(world: World) {
  const channels = [...world.channels.values()].filter(one => one.type !== 11);
  return {
    ...world.guild,
    owner_id: snowflake(),
    member_count: world.members.size,
    joined_at: new Date(world.now()).toISOString(),
    large: false,
    unavailable: false,
    features: [],
    roles: world.roles.map((role, position) => ({
      ...role,
      position,
      permissions: '0',
      color: 0,
      hoist: false,
      managed: false,
      mentionable: false,
    })),
    channels: channels.map(({ id, name, type }, position) => ({ id, name, type, position, permission_overwrites: [] })),
    members: [],
    threads: [],
    emojis: [],
    stickers: [],
    presences: [],
    voice_states: [],
    stage_instances: [],
    guild_scheduled_events: [],
  };
}
