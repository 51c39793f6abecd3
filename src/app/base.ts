import type { ActParts } from '../flow/acts/parts.ts';
import { createRefusals } from '../flow/acts/refusals.ts';
import { createVault } from '../flow/doors/vault.ts';
import { createEvidenceOffice } from '../flow/evidence/gather.ts';
import type { Nodes } from '../flow/fleet/nodes.ts';
import { createKnownBad } from '../flow/gates/known-bad.ts';
import { createFeed } from '../flow/journal/feed.ts';
import { createFigures, type FiguresParts } from '../flow/journal/figures.ts';
import { createOutputSignals, type OutputSignals } from '../flow/journal/output-signals.ts';
import { createRecentDocs } from '../flow/journal/recent-docs.ts';
import { createStreams } from '../flow/journal/streams.ts';
import { createLooks } from '../flow/origin/looks.ts';
import { createIdentities } from '../flow/people/identify.ts';
import { createSeals, type Seals } from '../flow/people/seal.ts';
import { createSignIns, type SignInParts } from '../flow/people/sign-ins.ts';
import { createDeliveryLog } from '../flow/pipeline/delivery-log.ts';
import { createIntake } from '../flow/pipeline/intake.ts';
import { createRecorder } from '../flow/pipeline/recorder.ts';
import { clearingRefusals, createRefusedSources } from '../flow/pipeline/refused-sources.ts';
import { createRecords } from '../flow/records/records.ts';
import { createEngine, type Engine } from '../flow/run/run.ts';
import type { CardTools } from '../flow/thread/cards/cards.ts';
import { withTraces } from '../flow/trace/wake-ups.ts';
import { createMetrics } from '../http/metrics.ts';
import { createDrawer } from '../kernel/chart/draw.ts';
import { createChildren } from '../kernel/child/child.ts';
import { createLazyEgress } from '../kernel/egress/lazy.ts';
import { createFetchPublic } from '../kernel/egress/public.ts';
import { createKeyedMutex } from '../kernel/mutex.ts';
import type { Catalogue } from '../ports/catalogue.ts';
import type { Store } from '../ports/store.ts';
import { createDoors } from './doors.ts';
import { createMembership } from './membership.ts';
import type { AppOptions } from './options.ts';
import { createQuestions } from './questions.ts';
import { createHidden } from './secrets.ts';
import { openDispatcher, serversOf } from './servers.ts';
import { readSealKey } from './shared-key.ts';
import type { Shelves } from './shelves.ts';
import { openTracing } from './tracing.ts';

/** The largest document of evidence that is fetched, bytes. */
const mostOfDocument = 50 * 1024 * 1024;

export type Base = Awaited<ReturnType<typeof createBase>>;

/** Creates everything that must exist before the server listens. */
export async function createBase(options: AppOptions, made: { shelves: Shelves; catalogue: Catalogue; store: Store }) {
  const { clock, ids, log } = options;
  const { shelves, catalogue, store } = made;
  const { metrics, registry } = createMetrics();
  // No cache where other processes write too: only the store has the newest documents.
  const recent = store.onAppend === undefined ? createRecentDocs(store) : undefined;
  const docs = recent?.docs ?? store;
  const feed = createCountedFeed({
    ...{ store, log, metrics, catalogue, recent },
    sleep: (ms, signal) => clock.sleep(ms, signal),
  });
  const mutex = createKeyedMutex();
  const streams = createStreams({ store, feed, clock, mutex });
  const shared = serversOf(options.env).database !== null;
  const { seals, identities, signIns, vault } = await createProofs(options, { catalogue, store, feed, shared });
  const holder = ids.next('nod');
  const tracing = await openTracing(options, { metrics, holder });
  const opened = await openDispatcher(options, catalogue.current().config.run.concurrency, tracing !== null);
  const dispatcher = tracing === null || opened.id === 'local' ? opened : withTraces(opened, { store, log });
  const children = childrenWith(options);
  const outputs = createOutputSignals();
  const hidden = createHidden(options, () => catalogue.current());
  const knownBad = knownBadOf(options, store, catalogue);
  const common = { clock, ids, log, metrics, store, docs, feed, streams, catalogue, dispatcher, mutex, knownBad };
  const looks = createLooks(common);
  const drawer = createDrawer();
  const egress = createLazyEgress(() => catalogue.current().config.egress);
  const documents = createLazyEgress(() => ({ ...catalogue.current().config.egress, maxBody: mostOfDocument }));
  const membership = createMembership({ clock, log, catalogue });
  const { origins } = membership;
  const working = { holder, outputs, hidden, egress, origins };
  const engine = createEngine({ ...common, looks, children, steps: shelves.steps, ...working });
  hearOthers(store, outputs, engine);
  const { cards, address } = createCardTools(seals, catalogue);
  const asked = createQuestions({ ...common, options, shelves, cards, groups: membership.groups });
  const refused = createRefusedSources(common);
  const deliveries = createDeliveryLog(common);
  const fetchPublic = options.fetchPublic ?? createFetchPublic(() => catalogue.current().config.egress.private);
  const intake = clearingRefusals(createIntake({ ...common, fetchPublic }), refused);
  const recorder = createRecorder({ ...common, hidden });
  const acts: ActParts = {
    ...common,
    ...{ seals, groups: membership.groups, lookAt: asked.lookAt },
    refusals: createRefusals(clock),
    intake,
    deliveries,
    ...{ recorder, evidence: createEvidenceOffice({ clock, log, fetch: documents.fetch }) },
    interrupt: run => engine.interrupt(run),
    mayOf: who => identities.mayOf(who),
  };
  return {
    ...common,
    options,
    role: options.role ?? ('all' as const),
    ...createDoors({ ...common, vault, acts, address }),
    ...{ address, shared, shelves, registry },
    seals,
    identities,
    signIns,
    children,
    ...{ egress, documents, drawer },
    ...membership,
    outputs,
    holder,
    tracing,
    engine,
    acts,
    cards,
    looks,
    ...asked,
    intake,
    records: clearingRefusals(createRecords({ ...common, intake, hidden }), refused),
    refused,
    deliveries,
    recorder,
    hidden,
    fleet: { nodes: null as Nodes | null, since: clock.now() },
    state: { draining: false },
  };
}

/** What cards are rendered with, and the address of the pages that they link to, which is known once the server listens. */
function createCardTools(seals: Seals, catalogue: Catalogue) {
  const address = { url: '' };
  const cards: CardTools = {
    seals,
    showTime: at => showTime(at, catalogue.current().config.timezone),
    page: path => `${address.url}${path}`,
  };
  return { cards, address };
}

/** The list of what is known to be bad. */
function knownBadOf({ clock, env }: AppOptions, store: Store, catalogue: Catalogue) {
  const path = env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin';
  return createKnownBad({ store, clock, file: () => catalogue.current().knownBad, path });
}

/** The processes of steps, with the little of our environment that they get. */
function childrenWith({ clock, log, env }: AppOptions) {
  return createChildren({
    clock,
    log,
    path: env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    home: env['HOME'] ?? '/',
    ...(env['LANG'] ? { lang: env['LANG'] } : {}),
    ...(env['TZ'] ? { timezone: env['TZ'] } : {}),
  });
}

/** Passes on the news of other nodes. A cancel that is lost here is found when the lease of the run is renewed. */
function hearOthers(store: Store, outputs: OutputSignals, engine: Engine): void {
  store.onAppend?.(news => {
    news.outputs.forEach(outputs.wake);
    news.cancels.forEach(engine.interrupt);
  });
}

/** Creates what verifies identities, and the seals of buttons and sign-ins. */
async function createProofs(
  options: AppOptions,
  parts: { catalogue: Catalogue; store: Store; feed: SignInParts['feed']; shared: boolean },
) {
  const key = await readSealKey(options, parts.store, parts.shared);
  const config = () => parts.catalogue.current().config;
  const identities = createIdentities({ config, env: name => options.env[name], localKey: options.localKey });
  const signIns = createSignIns({ ...parts, clock: options.clock, identities, config, key });
  return { seals: createSeals(key), identities, signIns, vault: createVault(key, parts) };
}

/** The feed, which counts all commits of this process in the metrics. */
function createCountedFeed({
  catalogue,
  ...parts
}: FiguresParts & Parameters<typeof createFeed>[0] & { catalogue: Catalogue }) {
  const figures = createFigures(parts);
  const expectAll = () => figures.expect(catalogue.current().runbooks.keys());
  catalogue.onChange(expectAll);
  expectAll();
  return createFeed({ ...parts, committed: figures.count });
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Formats a time in the time zone of tocsin.yaml. Creating a formatter costs more than a whole card, so it is cached. */
function showTime(at: number, timeZone: string): string {
  const format =
    formats.get(timeZone) ?? new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium', timeZone });
  formats.set(timeZone, format);
  return `${format.format(at)} ${timeZone}`;
}
