import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type App, createApp } from '../../src/app.ts';
import { type Clock, systemClock } from '../../src/kernel/clock.ts';
import { createIds, type Ids } from '../../src/kernel/ids.ts';
import { type Log, silentLog } from '../../src/kernel/log.ts';
import type { Entry } from '../../src/model/journal.ts';
import type { Role } from '../../src/model/node.ts';
import { isEnded, type Run } from '../../src/model/run.ts';
import type { Store } from '../../src/ports/store.ts';

/** The files of a user, by path relative to their folder. */
export type Files = Record<string, string>;

export const basicConfig = `
sources:
  alertmanager: { token: alert-secret }
people: { alice: {}, bob: {}, rita: {} }
groups: { sre: [alice, bob] }
operators: [sre]
tokens:
  - { env: ALICE, person: alice }
  - { env: BOB, person: bob }
  - { env: RITA, person: rita }
  - { env: CI, service: ci }
`;

export const tokens: Record<string, string> = {
  ALICE: 'token-of-alice',
  BOB: 'token-of-bob',
  RITA: 'token-of-rita',
  CI: 'token-of-ci',
};

export interface TestApp {
  app: App;
  folder: string;
  /** Sends to the app as somebody; the answer parsed. */
  call(
    method: string,
    path: string,
    options?: { as?: keyof typeof tokens | null; body?: unknown; headers?: Record<string, string> },
  ): Promise<{ status: number; body: Json }>;
  /** Delivers an Alertmanager payload of one alert; labels by name. */
  alert(
    labels: Record<string, string>,
    facts?: { status?: 'firing' | 'resolved'; startsAt?: string; fingerprint?: string },
  ): Promise<{ event: string; alert: string }>;
  /** Waits until something holds, looking at each commit; fails after ten seconds with what was seen last. */
  until<T>(look: () => Promise<T | null | undefined | false>): Promise<T>;
  runs(): Promise<Run[]>;
  ended(id: string): Promise<Run>;
  journal(): Promise<Entry[]>;
  stop(): Promise<void>;
}

// biome-ignore lint/suspicious/noExplicitAny: answers of the API are looked at by tests, each in its own shape
type Json = any;

export async function startTestApp(
  files: Files,
  options: {
    clock?: Clock;
    ids?: Ids;
    log?: Log;
    folder?: string;
    wrapStore?: (store: Store) => Store;
    keep?: boolean;
    /** Further environment variables, such as the tokens of a chat platform. */
    env?: Record<string, string>;
    role?: Role;
    fetchPublic?: typeof fetch;
  } = {},
): Promise<TestApp> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'tocsin-test-')));
  for (const [path, text] of Object.entries({ 'tocsin.yaml': basicConfig, ...files })) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  const clock = options.clock ?? systemClock;
  const app = await createApp({
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...tokens, ...options.env },
    clock,
    ids: options.ids ?? createIds(clock),
    log: options.log ?? silentLog,
    listen: { host: '127.0.0.1', port: 0 },
    configPath: join(folder, 'tocsin.yaml'),
    configExplicit: true,
    dataFolder: join(folder, 'data'),
    version: 'test',
    localKey: null,
    ...(options.role === undefined ? {} : { role: options.role }),
    ...(options.fetchPublic === undefined ? {} : { fetchPublic: options.fetchPublic }),
    ...(options.wrapStore === undefined ? {} : { wrapStore: options.wrapStore }),
  });
  const call: TestApp['call'] = async (method, path, { as = 'ALICE', body, headers } = {}) => {
    const answer = await fetch(app.url + path, {
      method,
      headers: {
        ...(as === null ? {} : { authorization: `Bearer ${tokens[as]}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? null : JSON.parse(text) };
  };
  const until: TestApp['until'] = async look => {
    for (let tries = 0; tries < 400; tries++) {
      const found = await look();
      if (found !== null && found !== undefined && found !== false) return found;
      await new Promise(resolve => setTimeout(resolve, 25));
    }
    throw new Error(
      `nothing came of it in ten seconds; the runs are ${JSON.stringify(await app.store.runs({}), null, 1)}`,
    );
  };
  return {
    app,
    folder,
    call,
    async alert(labels, facts = {}) {
      const answer = await call('POST', '/events/alertmanager', {
        as: null,
        headers: { authorization: 'Bearer alert-secret' },
        body: payload(labels, facts),
      });
      if (answer.status !== 202) throw new Error(`the door answered ${answer.status} ${JSON.stringify(answer.body)}`);
      return answer.body.accepted[0];
    },
    until,
    runs: () => app.store.runs({}),
    ended: id =>
      until(async () => {
        const run = await app.store.run(id);
        return run !== null && isEnded(run.state) ? run : null;
      }),
    journal: () => app.store.journal({ after: 0, limit: 1000 }),
    async stop() {
      await app.stop('the test is over');
      if (options.keep !== true) await rm(folder, { recursive: true, force: true });
    },
  };
}

function payload(
  labels: Record<string, string>,
  facts: { status?: 'firing' | 'resolved'; startsAt?: string; fingerprint?: string },
) {
  const { status = 'firing', startsAt = '2026-11-20T09:14:07.331Z', fingerprint = 'b3c1d5e2a9f0476c' } = facts;
  const endsAt = status === 'firing' ? '0001-01-01T00:00:00Z' : new Date(Date.parse(startsAt) + 60_000).toISOString();
  const alert = {
    status,
    labels: { alertname: 'Test', severity: 'warning', ...labels },
    annotations: { summary: 'a test alert' },
    startsAt,
    endsAt,
    generatorURL: '',
    fingerprint,
  };
  return {
    receiver: 'tocsin',
    status,
    alerts: [alert],
    groupLabels: {},
    commonLabels: {},
    commonAnnotations: {},
    externalURL: 'http://127.0.0.1',
    version: '4',
    groupKey: '{}',
    truncatedAlerts: 0,
  };
}
