import type { FastifyInstance } from 'fastify';
import { createHost } from '../flow/acts/host.ts';
import type { Delivery } from '../flow/deliver/deliver.ts';
import { hearDoor } from '../flow/doors/doors.ts';
import { createJournalWatch } from '../flow/journal/audit-watch.ts';
import { isReady } from '../http/health.ts';
import { createHttp } from '../http/server.ts';
import { takesOn } from '../model/node.ts';
import type { Catalogue } from '../ports/catalogue.ts';
import type { ChatCapabilities, ChatConnection, ChatHost, ChatPlatform } from '../ports/chat.ts';
import type { Base } from './base.ts';
import type { AppOptions } from './options.ts';
import { createOverview } from './overview/overview.ts';
import { sourceOf, sourcesOf } from './source-view.ts';
import { findStoreTrouble } from './store-health.ts';

interface OpenPlatform {
  platform: ChatPlatform;
  connection: ChatConnection;
  delivery: Delivery | null;
}

export async function openPlatforms(options: AppOptions, base: Base) {
  let http: FastifyInstance | null = null;
  const connections = new Map<string, OpenPlatform>();
  const work = () => ({ busy: base.dispatcher.busy(), places: placesOf(base) });
  const overview = createOverview(base, {
    version: options.version,
    parts: () => healthOf(base, connections),
    ready: parts => isReady(parts, base.state.draining),
    draining: () => base.state.draining,
    work,
  });
  const host = createHost({
    ...base,
    overview,
    journal: createJournalWatch(base.store),
    fleet: () => fleetOf(base),
    troubles: () => troublesOf(base, connections),
    sources: () => sourcesOf(base),
    source: name => sourceOf(name, base),
    http: () => http,
    commands: base.shelves.commands,
    baseUrl: () => base.address.url,
    env: name => options.env[name],
    localKey: options.localKey,
  });
  http = await createHttp({
    clock: base.clock,
    log: base.log,
    store: base.store,
    catalogue: base.catalogue,
    intake: base.intake,
    records: base.records,
    hearDoor: (door, delivery) => hearDoor(door, delivery, base.doorParts),
    refused: base.refused.refused,
    delivered(seen, delivery) {
      base.deliveries.seen(seen);
      if (delivery !== null) base.recorder.offer(seen, delivery);
    },
    host,
    version: options.version,
    health: () => healthOf(base, connections),
    doors: takesOn(base.role, 'intake'),
    draining: () => base.state.draining,
    work,
    metrics: base.metrics,
    registry: base.registry,
  });
  const on = new Map<string, ChatCapabilities>();
  for (const [id, { isOn, capabilities }] of base.shelves.chat)
    if (isOn?.(host.env) !== false) on.set(id, capabilities);
  const platforms: Platforms = {
    on,
    connections,
    async open(id) {
      const platform = base.shelves.chat.get(id);
      if (platform === undefined) throw new Error(`there is no platform ${id}`);
      const { chat } = base.catalogue.current().config;
      const connection = await platform.open(platform.options.parse(chat[id] ?? {}), host);
      const entry = { platform, connection, delivery: null };
      connections.set(id, entry);
      return entry;
    },
  };
  // Workers open no platform. Intake nodes look up voters and receive presses and requests of platforms, but post nothing.
  if (base.role !== 'worker') for (const id of on.keys()) await platforms.open(id);
  base.live.platform = id => connections.get(id)?.connection;
  return { http, platforms, host };
}

/** The platforms of this node. */
export interface Platforms {
  /** Those that are on, whether or not this node has a connection. */
  on: ReadonlyMap<string, ChatCapabilities>;
  connections: ReadonlyMap<string, OpenPlatform>;
  open(id: string): Promise<OpenPlatform>;
}

export type Connections = Platforms['connections'];

function placesOf({ role, catalogue }: Base): number {
  return takesOn(role, 'worker') ? catalogue.current().config.run.concurrency : 0;
}

export async function healthOf(base: Base, connections: Connections): Promise<Record<string, string | null>> {
  const problems = base.catalogue.problems().filter(problem => problem.level === 'error');
  const first = problems[0];
  const chat = [...connections].map(([id, platform]) => [`chat ${id}`, troubleOf(platform)]);
  return {
    ...(base.dispatcher.id === 'local' ? {} : { redis: base.dispatcher.trouble() }),
    store: await findStoreTrouble(base.store, base.clock),
    files:
      first === undefined
        ? null
        : `${problems.length} in the files, the last good set is in force: ${first.file}:${first.line}:${first.column} ${first.message}`,
    ...Object.fromEntries(chat),
    channels: base.live.channels(),
    ...(base.catalogue.current().doors.kubernetes === null ? {} : { admission: base.live.admission() }),
    ...Object.fromEntries(Object.entries(base.live.origin()).map(([source, trouble]) => [`origin ${source}`, trouble])),
    ...Object.fromEntries(
      Object.entries(base.knownBad.troubles()).map(([feed, trouble]) => [`known bad ${feed}`, trouble]),
    ),
    ...Object.fromEntries(Object.entries(base.live.doors()).map(([door, trouble]) => [`door ${door}`, trouble])),
    ...asksOf(base),
    ...(takesOn(base.role, 'worker') ? { spawn: spawnTrouble(base) } : {}),
    ...Object.fromEntries(
      Object.entries(base.refused.troubles()).map(([name, trouble]) => [`source ${name}`, trouble]),
    ),
  };
}

function spawnTrouble({ children }: Base): string | null {
  const because = children.impaired();
  return because === null
    ? null
    : `Programs are started by the main process, which stands still for milliseconds each time, because no spawn helper runs: ${because}. It is tried again every minute.`;
}

/**
 * Whether the origins can be asked what fires: for their list on the node that compares it, for a run on the node that works on it. A list
 * that was had ends what a run complained of.
 */
function asksOf(base: Base): Record<string, string | null> {
  const looks = base.looks.trouble();
  const lists = base.live.reconcile();
  const asked = [...base.catalogue.current().sources.keys()].filter(name => name in looks || name in lists);
  return Object.fromEntries(
    asked.map(name => {
      const list = lists[name];
      return [`reconcile ${name}`, list?.well === true ? null : (list?.trouble ?? looks[name] ?? null)];
    }),
  );
}

function troubleOf({ connection, delivery }: OpenPlatform): string | null {
  return connection.trouble() ?? delivery?.trouble() ?? null;
}

/** For the console's pages, which show the console's own trouble themselves. */
function troublesOf(base: Base, connections: Connections): string[] {
  const chat = [...connections].flatMap(([id, platform]) => {
    const trouble = platform.platform.capabilities.immediate ? null : troubleOf(platform);
    return trouble === null ? [] : [`${id}: ${trouble}`];
  });
  const refused = Object.entries(base.refused.troubles()).map(([name, trouble]) => `source ${name}: ${trouble}`);
  const troubles = [...chat, ...refused, base.live.channels(), base.dispatcher.trouble()];
  return troubles.filter(trouble => trouble !== null);
}

function fleetOf({ fleet }: Base): ReturnType<ChatHost['fleet']> {
  return { nodes: fleet.nodes?.list() ?? [], problems: fleet.nodes?.problems() ?? [] };
}

export function urlOf(http: FastifyInstance, options: AppOptions, catalogue: Catalogue): string {
  const configured = catalogue.current().config.url;
  if (configured !== undefined) return configured.replace(/\/$/, '');
  const address = http.server.address();
  const port = address !== null && typeof address === 'object' ? address.port : options.listen.port;
  const host = ['0.0.0.0', '::'].includes(options.listen.host) ? '127.0.0.1' : options.listen.host;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
