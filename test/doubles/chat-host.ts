import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fastify, { type FastifyInstance } from 'fastify';
import { runCommand } from '../../src/flow/acts/commands.ts';
import type { Identities, Proof } from '../../src/flow/people/identify.ts';
import { createSignIns } from '../../src/flow/people/sign-ins.ts';
import { type Clock, systemClock } from '../../src/kernel/clock.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { hasMembers, loadShelf } from '../../src/kernel/shelf.ts';
import type { Act, ActAnswer } from '../../src/model/act.ts';
import type { Actor } from '../../src/model/actor.ts';
import type { Card, Post } from '../../src/model/card.ts';
import { type Config, configFile } from '../../src/model/config.ts';
import type { CatalogueView, ChatHost, Explanation, SourceDetail } from '../../src/ports/chat.ts';
import type { Command } from '../../src/ports/command.ts';
import type { Overview } from '../../src/ports/overview.ts';
import type { Change, Store } from '../../src/ports/store.ts';
import sqlite from '../../src/stores/sqlite/index.ts';

export interface HostDouble {
  host: ChatHost;
  store: Store;
  http: FastifyInstance;
  /** What was asked of `act`, in order. */
  acts: { who: Actor; act: Act }[];
  /** What the next acts are answered with; the last one stays. */
  answers: ActAnswer[];
  /** Whose members were said to have changed. */
  changed: { platform: string; group: string | null }[];
  details: Map<string, Card>;
  explanations: Map<string, Explanation>;
  view: { -readonly [K in keyof CatalogueView]: CatalogueView[K] };
  tokens: Map<string, Actor>;
  /** What is wrong with other platforms. */
  troubles: string[];
  sources: SourceDetail[];
  /** What the pages about the house read; empty, and nothing waits for anybody. */
  overview: Overview;
  journal: { ok: boolean; head: number; checked: number; because: string | null };
  /** Commits, and tells listeners as the feed does. */
  commit(change: Change): Promise<void>;
  put(...posts: Post[]): Promise<void>;
  wakeOutput(run: string): void;
  /** How many listen for changes and output: none may be left after a close. */
  listeners(): number;
  /** Starts the server on a free loopback port; call it after the platform was opened. */
  listen(): Promise<string>;
  close(): Promise<void>;
}

export interface HostDoubleOptions {
  clock?: Clock;
  localKey?: string | null;
  config?: unknown;
  url?: string;
  http?: boolean;
  env?: Readonly<Record<string, string>>;
}

export const localKey = 'k'.repeat(32);

/** A host for platforms and commands: a real SQLite store, a real HTTP server and the real commands; only `act` is answered by the test. */
export async function createHostDouble(options: HostDoubleOptions = {}): Promise<HostDouble> {
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-host-'));
  const clock = options.clock ?? systemClock;
  const store = await sqlite.open({ folder, url: null, now: clock.now });
  const http = fastify({ forceCloseConnections: true });
  const changed = new Set<(seq: number) => void>();
  const outputs = new Map<string, Set<() => void>>();
  const config: Config = configFile.parse(options.config ?? { people: { you: {}, sam: {} } });
  const commands = await loadCommands();
  const double: HostDouble = {
    host: {} as ChatHost,
    store,
    http,
    acts: [],
    answers: [{ ok: true, text: 'Done.' }],
    changed: [],
    details: new Map(),
    explanations: new Map(),
    view: { runbooks: [], rules: [], problems: [] },
    tokens: new Map(),
    troubles: [],
    sources: [],
    overview: emptyOverview(),
    journal: { ok: true, head: 0, checked: 0, because: null },
    async commit(change) {
      await store.commit(change);
      const { seq } = await store.head();
      for (const listener of changed) listener(seq);
    },
    put: (...posts) => double.commit({ rows: posts.map(doc => ({ table: 'post', doc })) }),
    wakeOutput(run) {
      for (const listener of outputs.get(run) ?? []) listener();
    },
    listeners: () => changed.size + [...outputs.values()].reduce((sum, set) => sum + set.size, 0),
    listen: () => http.listen({ host: '127.0.0.1', port: 0 }),
    async close() {
      await http.close();
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  const host: ChatHost = {
    clock,
    log: silentLog,
    config: () => config,
    store,
    keep: (name, value) => double.commit({ rows: [{ table: 'memo', name, value }] }),
    async act(who, act) {
      double.acts.push({ who, act });
      const next = double.answers.length > 1 ? double.answers.shift() : double.answers[0];
      return next ?? { ok: true, text: 'Done.' };
    },
    command: (who, line, context) => runCommand(line, who, context, { commands, host }),
    whoIs: account => findPerson(config, account),
    bearer: token => double.tokens.get(token) ?? null,
    signIns: createSignIns({
      clock,
      store,
      feed: store,
      config: () => config,
      key: 'key of the double',
      identities: proofsOf(double, options.localKey === undefined ? localKey : options.localKey),
    }),
    picture: async () => null,
    details: async (subject, id) => double.details.get(`${subject}/${id}`) ?? null,
    explainGate: async () => null,
    explain: async id => double.explanations.get(id) ?? null,
    catalogue: () => double.view,
    fleet: () => ({ nodes: [], problems: [] }),
    troubles: () => double.troubles,
    sources: () => double.sources,
    source: name => double.sources.find(one => one.name === name) ?? null,
    get overview() {
      return double.overview;
    },
    commands: () =>
      [...commands.values()].map(({ id, about, usage, args, examples }) => ({ id, about, usage, args, examples })),
    async once(key, keep) {
      const claim = { kind: 'claim' as const, space: 'chat', key, at: clock.now(), keep };
      return await store.commit({ guards: [claim] }).then(
        () => true,
        () => false,
      );
    },
    membersChanged: (platform, group) => void double.changed.push({ platform, group }),
    onChange: listener => subscribe(changed, listener),
    onOutput(run, listener) {
      const set = outputs.get(run) ?? new Set();
      outputs.set(run, set);
      return subscribe(set, listener);
    },
    journalState: async () => double.journal,
    http: options.http === false ? null : http,
    baseUrl: () => options.url ?? addressOf(http),
    env: name => options.env?.[name],
    localKey: options.localKey === undefined ? localKey : options.localKey,
  };
  double.host = host;
  return double;
}

export function emptyOverview(): Overview {
  return {
    waitingFor: async () => [],
    people: async () => ({ people: [], groups: [], operators: [] }),
    mayDo: async () => [],
    schedules: async () => [],
    status: async () => ({
      ...{ version: 'double', ready: true, draining: false, parts: { store: null }, node: 'nod_1', nodes: [] },
      ...{ problems: [], dispatcher: 'local', store: 'sqlite', work: { busy: 0, places: 4 } },
    }),
    checks: async () => [],
    tests: async () => null,
  };
}

/** A token of the double is its own name. */
function proofsOf(double: HostDouble, key: string | null): Pick<Identities, 'proof' | 'proofOf'> {
  const local: Actor = { kind: 'person', id: 'you', via: 'api', account: null };
  const proof = (secret: string): Proof | null => {
    if (secret === key) return { name: secret, secret, who: local, local: true };
    const who = double.tokens.get(secret);
    return who === undefined ? null : { name: secret, secret, who, local: false };
  };
  return { proof, proofOf: proof };
}

function subscribe<T>(set: Set<T>, listener: T): () => void {
  set.add(listener);
  return () => void set.delete(listener);
}

function findPerson(config: Config, account: { platform: string; id: string }): Actor {
  const { platform, id } = account;
  for (const [person, { accounts }] of Object.entries(config.people)) {
    if (accounts[platform] === id) return { kind: 'person', id: person, via: platform, account: `${platform}:${id}` };
  }
  return { kind: 'stranger', id, via: platform, because: 'no entry of people names this account' };
}

function addressOf(http: FastifyInstance): string {
  const address = http.server.address();
  return address !== null && typeof address === 'object' ? `http://127.0.0.1:${address.port}` : 'http://127.0.0.1:8080';
}

let shelf: Promise<Map<string, Command>> | null = null;

/** The bundled commands, loaded once for all tests of a file. */
export function loadCommands(): Promise<Map<string, Command>> {
  shelf ??= loadShelf<Command>(
    join(import.meta.dirname, '../../commands'),
    hasMembers<Command>('about', 'usage', 'args', 'run'),
  );
  return shelf;
}
