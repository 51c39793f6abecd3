import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { createSignIns } from '../../src/flow/people/sign-ins.ts';
import type { SeenDelivery } from '../../src/flow/pipeline/delivery-log.ts';
import type { SourceRefusal } from '../../src/flow/pipeline/refused-sources.ts';
import type { DoorLimits } from '../../src/http/door.ts';
import { createMetrics } from '../../src/http/metrics.ts';
import type { Accepted, HttpParts } from '../../src/http/parts.ts';
import { createHttp } from '../../src/http/server.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { TocsinError } from '../../src/kernel/errors.ts';
import { silentLog } from '../../src/kernel/log.ts';
import type { Act, ActAnswer } from '../../src/model/act.ts';
import type { Actor } from '../../src/model/actor.ts';
import type { Alert } from '../../src/model/alert.ts';
import type { Approval } from '../../src/model/approval.ts';
import { configFile } from '../../src/model/config.ts';
import { foldApproval, foldRun, newStep } from '../../src/model/fold.ts';
import type { Run } from '../../src/model/run.ts';
import type { Catalogue, CatalogueSet, ConfiguredSource } from '../../src/ports/catalogue.ts';
import type { ChatHost, Explanation } from '../../src/ports/chat.ts';
import type { Runbook } from '../../src/ports/runbook.ts';
import { type Delivery, defineSource } from '../../src/ports/source.ts';
import type { Store } from '../../src/ports/store.ts';
import sqlite from '../../src/stores/sqlite/index.ts';
import { sampleRun } from '../contracts/samples.ts';
import { emptyOverview } from '../doubles/chat-host.ts';

export const alice: Actor = { kind: 'person', id: 'alice', via: 'http', account: null };
export const localKey = 'local-key-0123456789';

export interface World {
  app: FastifyInstance;
  parts: HttpParts;
  store: Store;
  url: string;
  port: number;
  /** What the intake was given. */
  received: { source: string; delivery: Delivery }[];
  /** The refusals of proven senders. */
  refused: SourceRefusal[];
  /** What became of deliveries. */
  delivered: SeenDelivery[];
  /** Acts that were performed, with who did them. */
  acts: { who: Actor; act: Act }[];
  /** Replace these to change what the parts do. */
  receive: (source: string, delivery: Delivery) => Promise<Accepted[]>;
  act: (who: Actor, act: Act) => Promise<ActAnswer>;
  health: Record<string, string | null>;
  draining: boolean;
  local: boolean;
  config: CatalogueSet['config'];
  logged: { level: string; facts: object; message: string | undefined }[];
  close(): Promise<void>;
}

/** The real server over a real store on a free port; the flow behind it is what each test makes it. */
export async function createWorld(options: { door?: DoorLimits; local?: boolean; url?: string } = {}): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-http-'));
  const store = await sqlite.open({ folder, url: null, now: Date.now });
  const { metrics, registry } = createMetrics({ process: false });
  const world = {
    store,
    received: [],
    refused: [],
    delivered: [],
    acts: [],
    receive: async () => [{ event: 'evt_1', alert: 'alt_1', duplicate: false }],
    act: async () => ({ ok: true, text: 'done' }),
    health: { store: null, console: null },
    draining: false,
    local: options.local ?? true,
    config: configFile.parse(options.url === undefined ? {} : { url: options.url }),
    logged: [],
  } as unknown as World;
  const log = (level: string) => (facts: object, message?: string) => void world.logged.push({ level, facts, message });
  world.parts = {
    clock: systemClock,
    log: { ...silentLog, warn: log('warn'), error: log('error') },
    store,
    catalogue: catalogueOf(world),
    intake: {
      async receive(source, delivery) {
        world.received.push({ source, delivery });
        return await world.receive(source, delivery);
      },
    },
    hearDoor: async () => {
      throw new TocsinError('not-found');
    },
    records: { receive: () => Promise.reject(new Error('no source here has records')) },
    refused: refusal => void world.refused.push(refusal),
    delivered: seen => void world.delivered.push(seen),
    host: hostOf(world),
    version: '0.0.0-test',
    health: async () => world.health,
    draining: () => world.draining,
    metrics,
    registry,
  };
  world.app = await createHttp(world.parts, options.door === undefined ? {} : { door: options.door });
  await world.app.listen({ host: '127.0.0.1', port: 0 });
  world.port = (world.app.server.address() as AddressInfo).port;
  world.url = `http://127.0.0.1:${world.port}`;
  world.close = async () => {
    world.app.server.closeAllConnections();
    await world.app.close();
    await store.close();
    await rm(folder, { recursive: true, force: true });
  };
  return world;
}

const jsonSource = defineSource({
  id: 'json',
  about: 'For tests.',
  options: z.unknown(),
  examples: [],
  verify: () => ({ ok: true, by: 'none' }),
  normalise: () => ({ events: [], deliveryId: null }),
});

/** Takes 4 MiB from whoever has its token, and does not know whether others prove themselves in the body. */
const largeSource = defineSource({
  ...jsonSource,
  id: 'large',
  maxBody: 4 * 1024 * 1024,
  verifyHeaders(headers) {
    const { authorization } = headers;
    if (authorization === 'Bearer right') return { ok: true, by: 'bearer' };
    if (authorization === 'None') return { ok: true, by: 'none' };
    return authorization === undefined ? null : { ok: false, because: 'another token' };
  },
});

export const sources: [string, ConfiguredSource][] = [
  ['alertmanager', { name: 'alertmanager', driver: { ...jsonSource, id: 'alertmanager' }, options: {} }],
  ['sns', { name: 'sns', driver: { ...jsonSource, id: 'sns', contentTypes: ['text/plain'] }, options: {} }],
  [
    'fields',
    {
      name: 'fields',
      driver: { ...jsonSource, id: 'fields', fields: ['alerts', 'labels'] },
      options: { map: { state: 'a mapping' } },
    },
  ],
  ['any', { name: 'any', driver: { ...jsonSource, id: 'any', contentTypes: 'any', encodings: ['gzip'] }, options: {} }],
  ['large', { name: 'large', driver: largeSource, options: {} }],
  ['small', { name: 'small', driver: { ...jsonSource, id: 'small', maxBody: 100 }, options: {} }],
];

function catalogueOf(world: World): Catalogue {
  const runbooks = new Map([['restart-service', aRunbook()]]);
  const view = { runbooks: [aRunbook().view], rules: [], problems: [] };
  return {
    current: () => ({
      config: world.config,
      policy: { rules: [] },
      runbooks,
      sources: new Map(sources),
      gates: new Map(),
      knownBad: { entries: [], feeds: [], clones: new Map() },
      changes: { ledger: null, principals: new Map(), breakGlass: null, claims: null },
      doors: { kubernetes: null },
      route: () => ['console:alerts'],
      targets: [],
      expectations: [],
      digest: 'd',
      view,
    }),
    problems: () => [
      { file: 'policy.yaml', line: 3, column: 5, code: 'unknown-key', message: 'unknown key wen', level: 'error' },
    ],
    onChange: () => () => {},
    reload: async () => {},
    fromSnapshot: async () => aRunbook(),
    close: async () => {},
  };
}

function hostOf(world: World): ChatHost {
  return {
    clock: systemClock,
    log: silentLog,
    config: () => world.config,
    store: world.store,
    keep: async () => {},
    async act(who, act) {
      world.acts.push({ who, act });
      return await world.act(who, act);
    },
    command: async (_who, line) => ({
      ok: true,
      card: { tone: 'info', title: line, badge: null, blocks: [], buttons: [], mention: [] },
    }),
    commands: () => [],
    explainGate: async () => null,
    explain: async id => (id === anExplanation.alert ? anExplanation : null),
    whoIs: account => ({ kind: 'stranger', id: account.id, via: account.platform, because: 'a test' }),
    bearer: token => (token === 'alice-token' ? alice : world.local && token === localKey ? you : null),
    signIns: createSignIns({
      clock: systemClock,
      store: world.store,
      feed: world.store,
      config: () => world.config,
      key: 'key of the test',
      identities: { proof: () => null, proofOf: () => null },
    }),
    picture: async () => null,
    details: async () => null,
    fleet: () => ({ nodes: [], problems: [] }),
    troubles: () => [],
    sources: () => [],
    source: () => null,
    overview: emptyOverview(),
    catalogue: () => ({ runbooks: [aRunbook().view], rules: [], problems: [] }),
    once: async () => true,
    membersChanged: () => {},
    onChange: () => () => {},
    onOutput: () => () => {},
    journalState: async () => ({ ok: true, head: 0, checked: 0, because: null }),
    http: null,
    baseUrl: () => world.url,
    env: () => undefined,
    get localKey() {
      return world.local ? localKey : null;
    },
  };
}

export const anExplanation: Explanation = {
  event: 'evt_0000000001',
  alert: 'alt_0000000001',
  title: 'Disk full',
  started: null,
  runbooks: [
    {
      runbook: 'disk-full',
      holds: true,
      because: 'alertname = "DiskFull"',
      decision: { verdict: 'approve', rule: 'otherwise ask', because: 'it always holds' },
      rules: [
        { name: 'reading', when: 'runbook.risk == "none"', result: 'does not hold', because: null },
        { name: 'otherwise ask', when: 'true', result: 'holds', because: null },
      ],
    },
    { runbook: 'other', holds: false, because: 'alertname is "a\x1b[2Jb"', decision: null, rules: [] },
  ],
};

const you: Actor = { kind: 'person', id: 'you', via: 'http', account: null };

function aRunbook(): Runbook {
  return {
    id: 'restart-service',
    title: 'Restart a service',
    about: 'For tests.',
    kind: 'yaml',
    risk: 'medium',
    triggers: [],
    params: {
      parse(given) {
        if (given['service'] === 'api') return given;
        throw new TocsinError('params-invalid', {
          message: 'service is not one of its values',
          allowed: ['api', 'worker'],
        });
      },
    },
    targets: () => [],
    secrets: [],
    files: new Map(),
    entry: 'restart-service.yaml',
    outline: () => [],
    view: {
      id: 'restart-service',
      title: 'Restart a service',
      about: 'For tests.',
      risk: 'medium',
      params: [],
      steps: [],
      on: [],
      kind: 'yaml',
    },
    body: async () => {},
  };
}

export function aRun(facts: Partial<Run> = {}): Run {
  return sampleRun({
    id: 'run_0000000001',
    runbook: 'restart-service',
    title: 'Restart a service',
    risk: 'medium',
    params: { service: 'api' },
    targets: ['api'],
    planHash: 'ab'.repeat(32),
    state: 'waiting',
    trigger: 'manual',
    requestedBy: 'person:alice',
    reason: 'it hangs',
    decision: { verdict: 'approve', rule: 'otherwise ask', because: 'rule holds', ask: null },
    steps: [
      newStep('restart', { type: 'exec', state: 'done', attempts: 2, exitCode: 0, startedAt: 1000, finishedAt: 2500 }),
    ],
    createdAt: 1_700_000_000_000,
    ...facts,
  });
}

export function anApproval(facts: Partial<Approval> = {}): Approval {
  return {
    id: 'apv_0000000001',
    run: 'run_0000000001',
    gate: null,
    claim: null,
    step: null,
    alert: null,
    runbook: 'restart-service',
    planHash: 'ab'.repeat(32),
    title: 'Restart a service',
    question: 'Run it?',
    risk: 'medium',
    rule: 'otherwise ask',
    ask: { by: ['sre'], quorum: 2, expires: 60_000, escalate: null, reasonRequired: false },
    barred: [],
    state: 'open',
    votes: [],
    because: null,
    createdAt: 1_700_000_000_000,
    expiresAt: 1_700_000_060_000,
    closedAt: null,
    escalated: false,
    warned: [],
    version: 1,
    ...facts,
  };
}

export function anAlert(facts: Partial<Alert> = {}): Alert {
  return {
    id: 'alt_0000000001',
    source: 'alertmanager',
    fingerprint: 'f1',
    title: 'Disk full',
    severity: 'critical',
    state: 'firing',
    labels: { alertname: 'NodeDiskFull' },
    annotations: {},
    links: [],
    trusted: true,
    episode: 2,
    count: 3,
    firstSeen: 1_700_000_000_000,
    lastSeen: 1_700_000_001_000,
    lastFiring: 1_700_000_001_000,
    startsAt: 1_700_000_000_000,
    resolvedAt: null,
    end: null,
    reopenedAt: null,
    newsAt: null,
    acknowledgedBy: null,
    acknowledgedUntil: null,
    silencedUntil: null,
    silencedBy: null,
    silencedAtOrigin: null,
    quietSince: null,
    version: 1,
    ...facts,
  };
}

/** Stores a run with its journal entry, as the flow does. */
export async function storeRun(store: Store, run: Run): Promise<void> {
  const fact = { kind: 'run.created', run } as const;
  const entry = { stream: `run/${run.id}`, actor: alice, at: run.createdAt, fact };
  await store.commit({ entries: [entry], rows: [{ table: 'run', doc: foldRun(null, fact, run.createdAt) }] });
}

export async function storeApproval(store: Store, approval: Approval): Promise<void> {
  const fact = { kind: 'approval.requested', approval } as const;
  const entry = { stream: `approval/${approval.id}`, actor: alice, at: approval.createdAt, fact };
  const doc = foldApproval(null, fact, approval.createdAt);
  await store.commit({ entries: [entry], rows: [{ table: 'approval', doc }] });
}

/** A request as the bytes that go over the wire, for what fetch would refuse or add. Resolves to everything that was answered. */
export function rawRequest(port: number, text: string, options: { end?: boolean } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => (options.end ? socket.end(text) : socket.write(text)));
    let answer = '';
    socket.setEncoding('utf8').on('data', chunk => {
      answer += chunk;
    });
    socket.on('close', () => resolve(answer)).on('error', reject);
  });
}

/** GET with a Host header of one's own, which fetch does not allow. */
export async function withHost(
  port: number,
  host: string,
  line: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string }> {
  const extra = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const text = await rawRequest(
    port,
    `${line} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${extra.join('')}\r\n`,
  );
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]), text };
}
