import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import type { ActParts } from './flow/act-parts.ts';
import { startRoad } from './flow/alert.ts';
import { createJournalWatch } from './flow/audit-watch.ts';
import type { CardTools } from './flow/cards.ts';
import { type Delivery, startDelivery } from './flow/deliver.ts';
import type { EngineParts } from './flow/engine-parts.ts';
import { createFeed } from './flow/feed.ts';
import { createHost } from './flow/host.ts';
import { createIdentities } from './flow/identify.ts';
import { createIntake } from './flow/intake.ts';
import { createOutlines } from './flow/outlines.ts';
import { createOutputBells } from './flow/output-bells.ts';
import { recoverAll, type Sweeper, startSweeper, voidEdited } from './flow/recover.ts';
import { createEngine } from './flow/run.ts';
import { createSeals } from './flow/seal.ts';
import { createStreams } from './flow/streams.ts';
import { startThreads } from './flow/thread.ts';
import { startTickers, type Tickers } from './flow/tick.ts';
import { createMetrics } from './http/metrics.ts';
import { createHttp } from './http/server.ts';
import { createChildren } from './kernel/child.ts';
import type { Clock } from './kernel/clock.ts';
import { createLazyEgress } from './kernel/egress-lazy.ts';
import { messageOf, TocsinError } from './kernel/errors.ts';
import type { Ids } from './kernel/ids.ts';
import { readOrMakeKey } from './kernel/keys.ts';
import type { Log } from './kernel/log.ts';
import { createKeyedMutex } from './kernel/mutex.ts';
import { hasMembers, loadShelf } from './kernel/shelf.ts';
import { createCatalogue } from './load/catalogue.ts';
import { system } from './model/actor.ts';
import { streamOf } from './model/journal.ts';
import type { Catalogue } from './ports/catalogue.ts';
import type { ChatConnection, ChatHost, ChatPlatform } from './ports/chat.ts';
import type { Command } from './ports/command.ts';
import type { DispatcherDriver } from './ports/dispatcher.ts';
import type { Source } from './ports/source.ts';
import type { StepType } from './ports/step.ts';
import type { Store, StoreDriver } from './ports/store.ts';

/** What the process gives the house. */
export interface AppOptions {
  env: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  ids: Ids;
  log: Log;
  listen: { host: string; port: number };
  configPath: string;
  /** True when the path was named by the user, so that a missing file is an error. */
  configExplicit: boolean;
  dataFolder: string;
  version: string;
  /** The key of the local person; null makes none, and then tokens are needed. */
  localKey: string | null;
  /** For tests: puts something between the house and its store. */
  wrapStore?: (store: Store) => Store;
}

export interface App {
  /** Where it listens: `http://127.0.0.1:8080`. */
  url: string;
  /** The link that lets one local person act; null when tokens guard the console. */
  localLink: string | null;
  store: Store;
  host: ChatHost;
  catalogue: Catalogue;
  /** Stops: intake answers 503, running steps finish within the grace or are recorded as interrupted. */
  stop(because: string): Promise<void>;
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

interface Shelves {
  sources: Map<string, Source>;
  steps: Map<string, StepType>;
  chat: Map<string, ChatPlatform>;
  commands: Map<string, Command>;
}

async function loadShelves(): Promise<Shelves> {
  const [sources, steps, chat, commands] = await Promise.all([
    loadShelf<Source>(here('./sources'), hasMembers('about', 'options', 'examples', 'verify', 'normalise')),
    loadShelf<StepType>(
      here('./steps'),
      hasMembers('about', 'input', 'output', 'risk', 'idempotent', 'examples', 'show', 'run'),
    ),
    loadShelf<ChatPlatform>(here('./chat'), hasMembers('about', 'options', 'capabilities', 'open')),
    loadShelf<Command>(here('../commands'), hasMembers('about', 'usage', 'args', 'run')),
  ]);
  return { sources, steps, chat, commands };
}

/** Only the drivers that are configured are loaded: their libraries are heavy. */
async function openStore(options: AppOptions): Promise<Store> {
  const { default: driver }: { default: StoreDriver } = await import('./stores/sqlite/index.ts');
  const store = await driver.open({ folder: options.dataFolder, url: null, now: () => options.clock.now() });
  return options.wrapStore?.(store) ?? store;
}

/** Joins all parts and starts them. Rejects with a TocsinError that says what is wrong and what to do; nothing is left running then. */
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
  await mkdir(given.dataFolder, { recursive: true, mode: 0o700 });
  const shelves = await loadShelves();
  const catalogue = await createCatalogue({
    configPath: given.configPath,
    explicit: given.configExplicit,
    env: given.env,
    data: given.dataFolder,
    sources: shelves.sources,
    steps: shelves.steps,
    clock,
    log,
    platforms: shelves.chat,
  });
  undo.push(() => catalogue.close());
  const options = withLocalKey(given, catalogue);
  const store = await openStore(options);
  undo.push(() => store.close());
  const base = await createBase(options, { shelves, catalogue, store });
  undo.push(() => base.dispatcher.close());
  const { http, connections, host } = await openPlatforms(options, base);
  undo.push(async () => void (await http.close()));
  await http.listen({ host: options.listen.host, port: options.listen.port });
  base.address.url = urlOf(http, options, catalogue);
  const running = await startRunning(base, connections);
  await feedSystem(base, { kind: 'node.started', node: base.holder, version: options.version });
  return {
    url: base.address.url,
    localLink: options.localKey === null ? null : `${base.address.url}/?key=${options.localKey}`,
    store,
    host,
    catalogue,
    stop: because => stopApp(because, base, running, http, connections),
  };
}

/**
 * One local person may act with the key of the link, on loopback and while tocsin.yaml names no tokens. On other interfaces everybody
 * could press every button, so there somebody has to say who they are.
 */
function withLocalKey(options: AppOptions, catalogue: Catalogue): AppOptions {
  const { tokens } = catalogue.current().config;
  if (tokens.length > 0) return { ...options, localKey: null };
  const loopback = ['127.0.0.1', '::1', 'localhost'].includes(options.listen.host);
  if (loopback && options.localKey !== null) return options;
  throw new TocsinError('tokens-missing', { given: `${options.listen.host}:${options.listen.port}` });
}

type Base = Awaited<ReturnType<typeof createBase>>;

/** Everything that exists before the first byte arrives. */
async function createBase(options: AppOptions, made: { shelves: Shelves; catalogue: Catalogue; store: Store }) {
  const { clock, ids, log } = options;
  const { shelves, catalogue, store } = made;
  const { metrics, registry } = createMetrics();
  const feed = createFeed({ store, log, sleep: ms => clock.sleep(ms) });
  const mutex = createKeyedMutex();
  const streams = createStreams({ store, feed, clock, mutex });
  const seals = createSeals(await readOrMakeKey(options.dataFolder, 'seal'));
  const identities = createIdentities({
    config: () => catalogue.current().config,
    env: name => options.env[name],
    localKey: options.localKey,
  });
  const { default: local }: { default: DispatcherDriver } = await import('./dispatchers/local.ts');
  const dispatcher = await local.open({
    concurrency: catalogue.current().config.run.concurrency,
    url: null,
    now: () => clock.now(),
    log,
  });
  const children = createChildren({
    clock,
    log,
    path: options.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    home: options.env['HOME'] ?? '/',
    ...(options.env['LANG'] ? { lang: options.env['LANG'] } : {}),
    ...(options.env['TZ'] ? { timezone: options.env['TZ'] } : {}),
  });
  const outputs = createOutputBells();
  const holder = ids.next('nod');
  const hidden = () => secretsOf(options, catalogue);
  const common = { clock, ids, log, metrics, store, feed, streams, catalogue, dispatcher, mutex };
  const egress = createLazyEgress(() => catalogue.current().config.egress);
  const engineParts: EngineParts = {
    ...common,
    children,
    steps: shelves.steps,
    holder,
    outputs,
    hidden,
    egress,
  };
  const engine = createEngine(engineParts);
  const acts: ActParts = {
    ...common,
    seals,
    interrupt: run => engine.interrupt(run),
    mayOf: who => identities.mayOf(who),
  };
  const cards: CardTools = { seals, showTime: at => showTime(at, catalogue.current().config.timezone) };
  const outline = createOutlines({ store, catalogue });
  const intake = createIntake(common);
  return {
    ...common,
    options,
    shelves,
    registry,
    seals,
    identities,
    children,
    egress,
    outputs,
    holder,
    engine,
    acts,
    cards,
    outline,
    intake,
    address: { url: '' },
    state: { draining: false },
  };
}

/** All values that must never be shown, wherever they turn up. */
function secretsOf(options: AppOptions, catalogue: Catalogue): string[] {
  const { config } = catalogue.current();
  const tokens = config.tokens.map(token => options.env[token.env] ?? '');
  return [...Object.values(config.secrets), ...tokens, options.localKey ?? ''].filter(value => value !== '');
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** A moment in the zone of tocsin.yaml. Making a format costs more than a card, so it is kept. */
function showTime(at: number, timeZone: string): string {
  const format =
    formats.get(timeZone) ?? new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium', timeZone });
  formats.set(timeZone, format);
  return `${format.format(at)} ${timeZone}`;
}

async function openPlatforms(options: AppOptions, base: Base) {
  let http: FastifyInstance | null = null;
  const connections = new Map<string, { connection: ChatConnection; delivery: Delivery | null }>();
  const host = createHost({
    ...base,
    journal: createJournalWatch(base.store),
    http: () => http,
    commands: base.shelves.commands,
    baseUrl: () => base.address.url,
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
    const connection = await platform.open(platform.options.parse(chat[id] ?? {}), host);
    connections.set(id, { connection, delivery: null });
  }
  return { http, connections, host };
}

type Connections = Awaited<ReturnType<typeof openPlatforms>>['connections'];

async function healthOf(base: Base, connections: Connections): Promise<Record<string, string | null>> {
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
  };
}

function urlOf(http: FastifyInstance, options: AppOptions, catalogue: Catalogue): string {
  const configured = catalogue.current().config.url;
  if (configured !== undefined) return configured.replace(/\/$/, '');
  const address = http.server.address();
  const port = address !== null && typeof address === 'object' ? address.port : options.listen.port;
  const host = ['0.0.0.0', '::'].includes(options.listen.host) ? '127.0.0.1' : options.listen.host;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

interface Running {
  stopAll(): Promise<void>;
  tickers: Tickers;
  sweeper: Sweeper;
}

async function startRunning(base: Base, connections: Connections): Promise<Running> {
  base.dispatcher.start(run => base.engine.work(run));
  const threads = await startThreads({ ...base, platforms: () => [...connections.keys()] });
  for (const [platform, entry] of connections)
    entry.delivery = startDelivery({ ...base, platform, connection: entry.connection });
  await recoverAll(base);
  const road = await startRoad(base);
  const sweeper = startSweeper(base);
  const tickers = await startTickers(base);
  const off = base.catalogue.onChange(() => {
    voidEdited(base).catch(error =>
      base.log.error(
        { err: error },
        'approvals of edited runbooks could not be voided; votes on them are refused all the same',
      ),
    );
    void tickers.reload();
  });
  return {
    tickers,
    sweeper,
    async stopAll() {
      off();
      await sweeper.stop();
      await road.stop();
      await threads.caughtUp();
      await threads.stop();
      for (const { delivery } of connections.values()) await delivery?.stop();
    },
  };
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
): Promise<void> {
  if (base.state.draining) return;
  base.state.draining = true;
  await running.tickers.stop();
  await base.engine.drain(base.catalogue.current().config.run.grace);
  await base.dispatcher.drain();
  await feedSystem(base, { kind: 'node.stopped', node: base.holder, because }).catch(error =>
    base.log.error({ reason: messageOf(error) }, 'the stop could not be journalled'),
  );
  await running.stopAll();
  for (const { connection } of connections.values()) await connection.close();
  await http.close();
  await base.dispatcher.close();
  await base.egress.close();
  await base.catalogue.close();
  await base.store.close();
}
