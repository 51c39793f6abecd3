import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { z } from 'zod';
import { perform } from '../../src/flow/acts/act.ts';
import type { ActParts } from '../../src/flow/acts/parts.ts';
import { createRefusals } from '../../src/flow/acts/refusals.ts';
import { createEvidenceOffice } from '../../src/flow/evidence/gather.ts';
import { createKnownBad } from '../../src/flow/gates/known-bad.ts';
import { createFeed } from '../../src/flow/journal/feed.ts';
import { createStreams } from '../../src/flow/journal/streams.ts';
import { createGroups } from '../../src/flow/people/groups.ts';
import { createSeals } from '../../src/flow/people/seal.ts';
import { startPipeline } from '../../src/flow/pipeline/alert.ts';
import { createIntake, type Intake } from '../../src/flow/pipeline/intake.ts';
import { createBeforehand } from '../../src/flow/thread/beforehand/look.ts';
import { approvalCard } from '../../src/flow/thread/cards/approval.ts';
import { createIds } from '../../src/kernel/ids.ts';
import { type Log, silentLog } from '../../src/kernel/log.ts';
import type { Metrics } from '../../src/kernel/metrics.ts';
import { createKeyedMutex, type KeyedMutex } from '../../src/kernel/mutex.ts';
import type { Act, ActAnswer } from '../../src/model/act.ts';
import { type Actor, system } from '../../src/model/actor.ts';
import { type Config, configFile } from '../../src/model/config.ts';
import type { Ask } from '../../src/model/decision.ts';
import type { IncomingEvent } from '../../src/model/event.ts';
import type { Fact, FactKind, FactOf, NewEntry } from '../../src/model/journal.ts';
import type { Run } from '../../src/model/run.ts';
import type { Catalogue, CatalogueSet, ConfiguredSource, Rule } from '../../src/ports/catalogue.ts';
import type { Dispatcher, WakeUp } from '../../src/ports/dispatcher.ts';
import type { Runbook } from '../../src/ports/runbook.ts';
import { type Delivery, defineSource, type Normalised } from '../../src/ports/source.ts';
import type { Store } from '../../src/ports/store.ts';
import sqlite from '../../src/stores/sqlite/index.ts';
import { createClock, type HandClock } from '../doubles/clock.ts';

/** What is between the store and the engine, without files, processes and HTTP: a real store and a clock that is moved by hand. */
export interface FlowPlace {
  clock: HandClock;
  store: Store;
  /** What is in force; a test changes it as an edit of the files does. */
  set: CatalogueSet & { config: Config; runbooks: Map<string, Runbook>; sources: Map<string, ConfiguredSource> };
  node: FlowNode;
  /** Another process over the same store: nothing in memory is shared. */
  another(store?: Store): FlowNode;
  facts<K extends FactKind>(...kinds: K[]): Promise<FactOf<K>[]>;
  close(): Promise<void>;
}

/** The parts of one process. */
export interface FlowNode extends ActParts {
  mutex: KeyedMutex;
  intake: Intake;
  /** Which runs were woken, oldest first. */
  woken: WakeUp[];
  interrupted: string[];
  counted: { name: string; labels: object | undefined }[];
  act(who: Actor, act: Act): Promise<ActAnswer>;
  /** Starts the pipeline; resolves to what waits until it has handled all that was committed, or fails with what a part of it logged. */
  pipeline(): Promise<() => Promise<void>>;
  /** What was logged as a warning or an error. */
  logged: { facts: object; message: string | undefined }[];
  stop(): Promise<void>;
}

export const person = (id: string): Actor => ({ kind: 'person', id, via: 'api', account: null });
export const service = (id: string): Actor => ({ kind: 'service', id, via: 'api' });

export const askOf = (...by: string[]): Ask => ({
  by,
  quorum: 1,
  expires: 1_800_000,
  escalate: null,
  reasonRequired: false,
});

/** A rule that always holds when nothing else is given. */
export const ruleOf = (facts: Partial<Rule> = {}): Rule => ({
  name: 'rule',
  text: 'true',
  when: () => true,
  gate: null,
  decide: 'auto',
  ask: null,
  limit: null,
  ...facts,
});

/** A runbook that any alert of the source `am` asks for, with the parameter `host` of its labels as its target. */
export function runbookOf(id: string, facts: Partial<Runbook> = {}): Runbook {
  return {
    id,
    title: id,
    about: '',
    kind: 'yaml',
    risk: 'low',
    triggers: [
      {
        source: 'am',
        kind: null,
        match: [],
        where: null,
        whereText: null,
        params: ({ event }) => ({ host: event.body.labels['host'] ?? '' }),
      },
    ],
    params: { parse: given => given },
    targets: params => (typeof params['host'] === 'string' && params['host'] !== '' ? [params['host']] : []),
    secrets: [],
    files: new Map([[`${id}.yaml`, Buffer.from(`the text of ${id}`)]]),
    entry: `${id}.yaml`,
    outline: () => [{ id: 'act', title: '', type: 'exec', shows: '["true"]' }],
    view: {} as Runbook['view'],
    body: async () => {},
    ...facts,
  };
}

/** A source whose deliveries are lists of events as JSON. */
export const listSource = (facts: Partial<Normalised> = {}, by: 'hmac' | 'none' = 'hmac') =>
  defineSource({
    id: 'list',
    about: 'Events as they are.',
    options: z.object({}),
    verify: () => ({ ok: true, by }),
    normalise: body => ({ events: body as IncomingEvent[], deliveryId: null, ...facts }),
    examples: [],
  });

export const deliveryOf = (events: readonly IncomingEvent[], at: number): Delivery => ({
  headers: {},
  body: Buffer.from(JSON.stringify(events)),
  at,
});

const people = { alice: {}, bob: {}, carl: {}, rita: {} };

export async function createPlace(
  given: { rules?: readonly Rule[]; runbooks?: readonly Runbook[]; config?: object } = {},
): Promise<FlowPlace> {
  const clock = createClock();
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-flow-'));
  const store = await sqlite.open({ folder, url: null, now: clock.now });
  const nodes: FlowNode[] = [];
  const set: FlowPlace['set'] = {
    config: configFile.parse({ people, groups: { sre: ['alice', 'bob'] }, operators: ['carl'], ...given.config }),
    policy: { rules: given.rules ?? [] },
    gates: new Map(),
    knownBad: { entries: [], feeds: [], clones: new Map() },
    changes: { ledger: null, principals: new Map(), breakGlass: null, claims: null },
    runbooks: new Map((given.runbooks ?? []).map(one => [one.id, one])),
    sources: new Map([['am', { name: 'am', driver: listSource(), options: {} }]]),
    doors: { kubernetes: null },
    route: () => ['console:alerts'],
    targets: [],
    expectations: [],
    digest: 'one',
    view: {} as CatalogueSet['view'],
  };
  const another = (over = store) => {
    const node = createNode(clock, over, () => set);
    nodes.push(node);
    return node;
  };
  return {
    clock,
    store,
    set,
    node: another(),
    another,
    async facts<K extends FactKind>(...kinds: K[]) {
      const entries = await store.journal({ after: 0, limit: 1000, kinds });
      return entries.map(({ fact }) => fact as Fact as FactOf<K>);
    },
    async close() {
      for (const node of nodes) await node.stop();
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function createNode(clock: HandClock, store: Store, set: () => CatalogueSet): FlowNode {
  const woken: WakeUp[] = [];
  const interrupted: string[] = [];
  const counted: FlowNode['counted'] = [];
  const stops: (() => Promise<void>)[] = [];
  const logged: FlowNode['logged'] = [];
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  const note = (facts: object, message?: string) => {
    logged.push({ facts, message });
    failed.reject(new Error(`${message}: ${inspect(facts)}`));
  };
  const log: Log = { ...silentLog, warn: note, error: note };
  const mutex = createKeyedMutex();
  const feed = createFeed({ store, log, sleep: (ms, signal) => clock.sleep(ms, signal) });
  let newest = 0;
  feed.onCommit(seq => {
    newest = seq;
  });
  const catalogue = { current: set } as unknown as Catalogue;
  const dispatcher: Dispatcher = {
    id: 'noted',
    wake: async wakeUp => void woken.push(wakeUp),
    start: () => {},
    busy: () => 0,
    trouble: () => null,
    drain: async () => {},
    close: async () => {},
  };
  const metrics: Metrics = {
    count: (name, labels) => void counted.push({ name, labels }),
    observe: () => {},
    gauge: () => {},
  };
  const parts = {
    clock,
    ids: createIds(clock),
    log,
    store,
    feed,
    catalogue,
    metrics,
    dispatcher,
    mutex,
    knownBad: createKnownBad({ store, clock, file: () => set().knownBad, path: '' }),
  };
  const seals = createSeals('the key of the seals');
  const groups = createGroups({
    ...parts,
    config: () => set().config,
    platform: () => undefined,
    origin: () => undefined,
  });
  const showTime = (at: number) => new Date(at).toISOString();
  const outline = async (run: Run) => set().runbooks.get(run.runbook)?.outline(run.params) ?? [];
  const beforehand = createBeforehand({ ...parts, groups, outline, showTime, platforms: () => [] });
  const acts: ActParts = {
    ...parts,
    streams: createStreams(parts),
    seals,
    groups,
    lookAt(about) {
      const tools = { seals, showTime, page: (path: string) => path };
      const card = approvalCard({ ...about, outline: [], event: null }, tools);
      return beforehand.look(card, { ...about, open: true }, 'press');
    },
    refusals: createRefusals(clock),
    intake: { receive: (...given) => createIntake({ ...parts, metrics }).receive(...given) },
    deliveries: { seen: () => {} },
    recorder: { changed: () => {}, sweep: async () => {} },
    interrupt: run => void interrupted.push(run),
    evidence: createEvidenceOffice({ clock, log, fetch: () => Promise.reject(new Error('nothing is fetched here')) }),
    mayOf: () => null,
  };
  const node: FlowNode = {
    ...acts,
    mutex,
    woken,
    interrupted,
    counted,
    logged,
    async pipeline() {
      const running = await startPipeline(node);
      stops.push(() => running.stop());
      return async () => {
        // A follower waits for what its own process committed last, which may be older than what others did.
        if (newest < (await store.head()).seq) await feed.commit({ entries: [mark(clock.now())] });
        await Promise.race([running.caughtUp(), failed.promise]);
      };
    },
    intake: createIntake(parts),
    act: (who, act) => perform(who, act, node),
    async stop() {
      for (const stop of stops.splice(0)) await stop();
      await feed.close();
    },
  };
  return node;
}

/** Looks again and again until something holds; for what is done in the background of what a test calls. */
export async function until<T>(look: () => Promise<T | null | undefined | false>): Promise<T> {
  for (let tries = 0; tries < 2000; tries++) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found;
    await new Promise(resolve => setTimeout(resolve, 2));
  }
  throw new Error('nothing came of it');
}

/** An entry that nothing follows from. */
const mark = (at: number): NewEntry => ({
  stream: 'system',
  actor: system,
  at,
  fact: { kind: 'rules.loaded', digest: '', runbooks: 0, rules: 0 },
});

/** Stores a run as it is, with its first entry. */
export async function putRun(store: Store, run: Run): Promise<Run> {
  const doc = { ...run, version: 1 };
  const fact: Fact = { kind: 'run.created', run: doc };
  await store.commit({
    entries: [{ stream: `run/${doc.id}`, actor: system, at: doc.createdAt, fact }],
    rows: [{ table: 'run', doc }],
  });
  return doc;
}
