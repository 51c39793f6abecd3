import type { FastifyInstance } from 'fastify';
import { createJournalWatch } from '../flow/audit-watch.ts';
import type { Delivery } from '../flow/deliver.ts';
import { createHost } from '../flow/host.ts';
import { createHttp } from '../http/server.ts';
import type { Catalogue } from '../ports/catalogue.ts';
import type { ChatConnection, ChatPlatform } from '../ports/chat.ts';
import type { Base } from './base.ts';
import type { AppOptions } from './options.ts';

interface OpenPlatform {
  platform: ChatPlatform;
  connection: ChatConnection;
  delivery: Delivery | null;
}

export async function openPlatforms(options: AppOptions, base: Base) {
  let http: FastifyInstance | null = null;
  const connections = new Map<string, OpenPlatform>();
  const host = createHost({
    ...base,
    journal: createJournalWatch(base.store),
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
    host,
    version: options.version,
    health: () => healthOf(base, connections),
    draining: () => base.state.draining,
    metrics: base.metrics,
    registry: base.registry,
  });
  const { chat } = base.catalogue.current().config;
  for (const [id, platform] of base.shelves.chat) {
    if (platform.isOn?.(host.env) === false) continue;
    const connection = await platform.open(platform.options.parse(chat[id] ?? {}), host);
    connections.set(id, { platform, connection, delivery: null });
  }
  base.live.platform = id => connections.get(id)?.connection;
  return { http, connections, host };
}

export type Connections = Awaited<ReturnType<typeof openPlatforms>>['connections'];

export async function healthOf(base: Base, connections: Connections): Promise<Record<string, string | null>> {
  const problems = base.catalogue.problems().filter(problem => problem.level === 'error');
  const first = problems[0];
  const chat = [...connections].map(([id, { connection, delivery }]) => [
    `chat ${id}`,
    connection.trouble() ?? delivery?.trouble() ?? null,
  ]);
  return {
    store: (await base.store.healthy()) ? null : 'the database takes no writes',
    files:
      first === undefined
        ? null
        : `${problems.length} in the files, the last good set is in force: ${first.file}:${first.line}:${first.column} ${first.message}`,
    ...Object.fromEntries(chat),
    ...Object.fromEntries(Object.entries(base.live.origin()).map(([source, trouble]) => [`origin ${source}`, trouble])),
  };
}

export function urlOf(http: FastifyInstance, options: AppOptions, catalogue: Catalogue): string {
  const configured = catalogue.current().config.url;
  if (configured !== undefined) return configured.replace(/\/$/, '');
  const address = http.server.address();
  const port = address !== null && typeof address === 'object' ? address.port : options.listen.port;
  const host = ['0.0.0.0', '::'].includes(options.listen.host) ? '127.0.0.1' : options.listen.host;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
