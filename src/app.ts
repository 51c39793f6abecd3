import { mkdir } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';
import { type Admission, openAdmission } from './app/admission.ts';
import { type Base, createBase } from './app/base.ts';
import { createChannelCheck } from './app/channels.ts';
import type { App, AppOptions } from './app/options.ts';
import { type Connections, openPlatforms, urlOf } from './app/platforms.ts';
import { type Running, startRunning } from './app/running.ts';
import { checkServers } from './app/servers.ts';
import { loadShelves, openStore, withOwnCommands } from './app/shelves.ts';
import { tracingSettings } from './app/tracing.ts';
import { messageOf, TocsinError } from './kernel/errors.ts';
import { fileError } from './kernel/file-error.ts';
import { createCatalogue } from './load/catalogue.ts';
import { system } from './model/actor.ts';
import { streamOf } from './model/journal.ts';
import { takesOn } from './model/node.ts';
import type { Catalogue } from './ports/catalogue.ts';

/** Joins all parts and starts them. Rejects with a TocsinError that has a remedy; then nothing is left running. */
export async function createApp(options: AppOptions): Promise<App> {
  const undo: (() => Promise<void>)[] = [];
  try {
    return await buildApp(options, undo);
  } catch (error) {
    for (const step of undo.reverse())
      await step().catch(failure => options.log.warn({ err: failure }, 'cleaning up after a failed start'));
    throw error;
  }
}

async function buildApp(given: AppOptions, undo: (() => Promise<void>)[]): Promise<App> {
  const { clock, log } = given;
  checkServers(given);
  tracingSettings(given.env);
  await mkdir(given.dataFolder, { recursive: true, mode: 0o700 }).catch(error => {
    throw fileError(
      error,
      given.dataFolder,
      'TOCSIN_DATA',
      'Name a folder that this user may write to in TOCSIN_DATA.',
    );
  });
  const built = await loadShelves();
  const catalogue = await createCatalogue({
    configPath: given.configPath,
    explicit: given.configExplicit,
    env: given.env,
    data: given.dataFolder,
    sources: built.sources,
    steps: built.steps,
    clock,
    log,
    platforms: built.chat,
  });
  undo.push(() => catalogue.close());
  const shelves = await withOwnCommands(built, catalogue, given.configPath);
  const options = withLocalKey(given, catalogue);
  const store = await openStore(options);
  undo.push(() => store.close());
  const base = await createBase(options, { shelves, catalogue, store });
  undo.push(() => base.dispatcher.close());
  undo.push(async () => base.children.close());
  undo.push(() => base.drawer.close());
  undo.push(async () => base.tracing?.close());
  const { http, platforms, host } = await openPlatforms(options, base);
  undo.push(async () => void (await http.close()));
  undo.push(async () => {
    for (const { connection } of platforms.connections.values()) await connection.close();
  });
  const channels = createChannelCheck({ catalogue, connections: platforms.connections, clock, log });
  undo.push(async () => channels.close());
  await channels.assertKnown();
  base.live.channels = () => channels.trouble();
  await http.listen({ host: options.listen.host, port: options.listen.port });
  base.address.url = urlOf(http, options, catalogue);
  const admission = takesOn(base.role, 'intake') ? await openAdmission(base, host) : null;
  undo.push(async () => admission?.close());
  base.live.admission = () => admission?.trouble() ?? null;
  const running = await startRunning(base, platforms);
  await feedSystem(base, { kind: 'node.started', node: base.holder, version: options.version });
  return {
    url: base.address.url,
    localLink: options.localKey === null ? null : `${base.address.url}/?key=${options.localKey}`,
    store,
    host,
    catalogue,
    admissionPort: () => admission?.port() ?? null,
    stop: because => stopApp(because, base, running, http, platforms.connections, admission),
  };
}

/**
 * On loopback, and while tocsin.yaml names no tokens, one local person may act with the key of the link. On other interfaces everybody
 * could press every button, so tokens are required there.
 */
function withLocalKey(options: AppOptions, catalogue: Catalogue): AppOptions {
  const { tokens } = catalogue.current().config;
  if (tokens.length > 0) return { ...options, localKey: null };
  const loopback = ['127.0.0.1', '::1', 'localhost'].includes(options.listen.host);
  if (loopback && options.localKey !== null) return options;
  throw new TocsinError('tokens-missing', { given: `${options.listen.host}:${options.listen.port}` });
}

async function feedSystem(
  base: Base,
  fact:
    | { kind: 'node.started'; node: string; version: string }
    | { kind: 'node.stopped'; node: string; because: string },
) {
  await base.feed.commit({ entries: [{ stream: streamOf.system, actor: system, at: base.clock.now(), fact }] });
}

async function stopApp(
  because: string,
  base: Base,
  running: Running,
  http: FastifyInstance,
  connections: Connections,
  admission: Admission | null,
): Promise<void> {
  if (base.state.draining) return;
  base.state.draining = true;
  await running.tickers.stop();
  // Wake-ups stop first, so that other nodes take them while this one lets its running steps finish.
  const drained = base.dispatcher.drain();
  await base.engine.drain(base.catalogue.current().config.run.grace);
  await drained;
  await feedSystem(base, { kind: 'node.stopped', node: base.holder, because }).catch(error =>
    base.log.error({ reason: messageOf(error) }, 'the stop could not be journalled'),
  );
  await base.refused.settled();
  await running.stopAll();
  await base.tracing?.close();
  for (const { connection } of connections.values()) await connection.close();
  await admission?.close();
  await http.close();
  // Deliveries that were under way may have been refused meanwhile.
  await base.refused.settled();
  await base.deliveries.settled();
  await base.recorder.settled();
  await base.dispatcher.close();
  await base.drawer.close();
  await base.egress.close();
  await base.documents.close();
  base.children.close();
  await base.catalogue.close();
  await base.store.close();
}

export type { App, AppOptions } from './app/options.ts';
