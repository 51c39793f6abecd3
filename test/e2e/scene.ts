import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '../../src/kernel/clock.ts';
import type { Alert } from '../../src/model/alert.ts';
import type { Card } from '../../src/model/card.ts';
import { streamOf } from '../../src/model/journal.ts';
import type { Run } from '../../src/model/run.ts';
import { basicConfig, startTestApp, type TestApp } from '../doubles/app.ts';
import { eventually, freePort, type Programs } from './programs.ts';
import { type Alertmanager, type MoreConfig, makeFolder, type Prometheus, startAlertmanager } from './real.ts';

/** The whole app with one real Alertmanager, or a cluster of them, that post to it. */
export interface Scene {
  app: TestApp;
  /** The place of the programs' files. */
  folder: string;
  /** By their number; one that was killed is started again by `start`. */
  alertmanagers: Alertmanager[];
  start(index: number): Promise<void>;
  /** The alert with this name and these labels, once it is as wanted. */
  alert(what: string, labels: Record<string, string>, holds: (alert: Alert) => boolean): Promise<Alert>;
  /** All runs of the alert, by episode and runbook. */
  runsOf(alert: Alert): Promise<Run[]>;
  /** The run of this runbook in this episode, once it is in the state. */
  run(alert: Alert, wanted: { episode: number; runbook: string; state: Run['state'] }): Promise<Run>;
  /** The cards of the episode's thread in the console, its first post too. */
  thread(alert: Alert, episode: number): Promise<Card[]>;
  /** What the deliveries about the alert did to it, in order. */
  effects(alert: Alert): Promise<string[]>;
}

const policy = `
rules:
  - { name: looking is free, when: 'runbook.risk == "none"', decide: auto }
  - { name: people, decide: approve, by: [sre], expires: 30m }
`;

/** Begins by itself with each alert, and waits until it is gone. */
const look = `
title: Look after it
risk: none
on: [{ source: alertmanager, match: { alertname: { re: "Sample.*" } } }]
steps:
  - { id: say, exec: [echo, looked] }
  - { id: gone, verify: { resolved: true, within: 30m } }
`;

/** Asks people. */
const mend = `
title: Mend it
risk: low
on: [{ source: alertmanager, match: { alertname: { re: "Sample.*" } } }]
params: { name: { type: string, pattern: "[A-Za-z0-9]{1,100}", from: labels.alertname } }
target: params.name
steps:
  - { id: mend, exec: ["true"] }
`;

const secret = 'alert-secret';

export interface SceneParts {
  /** Further options of the source. */
  source: { settle: string; reopenAfter?: string; prometheus?: object };
  clock?: Clock;
  /** Two Alertmanagers that know of each other. */
  cluster?: boolean;
  route?: MoreConfig['route'];
}

export async function openScene(cleanUp: AsyncDisposableStack, programs: Programs, parts: SceneParts): Promise<Scene> {
  const { folder, remove } = await makeFolder();
  cleanUp.defer(remove);
  const members = parts.cluster === true ? [0, 1] : [0];
  const ports = await Promise.all(members.map(freePort));
  const gossip = await Promise.all(members.map(freePort));
  const options = { token: secret, url: `http://127.0.0.1:${ports[0]}`, groupInterval: '1s', ...parts.source };
  const files = {
    'tocsin.yaml': basicConfig.replace('{ token: alert-secret }', JSON.stringify(options)),
    'policy.yaml': policy,
    'runbooks/look.yaml': look,
    'runbooks/mend.yaml': mend,
  };
  const app = await startTestApp(files, parts.clock === undefined ? {} : { clock: parts.clock });
  cleanUp.defer(() => app.stop());
  const alertmanagers: Alertmanager[] = [];

  async function start(index: number): Promise<void> {
    alertmanagers[index] = await startAlertmanager(
      programs.alertmanager,
      join(folder, `alertmanager-${index}`),
      { url: `${app.app.url}/events/alertmanager`, token: secret },
      ports[index] ?? 0,
      parts.route === undefined ? {} : { route: parts.route },
      members.length === 1 ? undefined : clusterFlags(index, gossip),
    );
  }

  cleanUp.defer(async () => void (await Promise.all(alertmanagers.map(one => one.program.stop()))));
  // The members of a cluster wait for each other before they are ready.
  await Promise.all(members.map(start));
  return { app, folder, alertmanagers, start, ...questions(app) };
}

/** A peer waits for the others before it posts, which makes its news old; three seconds of it are enough. */
function clusterFlags(index: number, gossip: readonly number[]): string[] {
  return [
    `--cluster.listen-address=127.0.0.1:${gossip[index]}`,
    ...gossip.filter((_, other) => other !== index).map(port => `--cluster.peer=127.0.0.1:${port}`),
    '--cluster.peer-timeout=3s',
    '--cluster.settle-timeout=5s',
    '--cluster.gossip-interval=50ms',
  ];
}

function questions({ app }: TestApp): Pick<Scene, 'alert' | 'runsOf' | 'run' | 'thread' | 'effects'> {
  const { store } = app;
  const runsOf = async (alert: Alert) =>
    (await store.runs({ alert: alert.id, limit: 1000 })).toSorted(
      (a, b) => (a.episode ?? 0) - (b.episode ?? 0) || a.runbook.localeCompare(b.runbook),
    );
  return {
    runsOf,
    alert: (what, labels, holds) =>
      eventually(what, async () => {
        const alerts = await store.alerts({ limit: 1000 });
        const found = alerts.find(one => Object.entries(labels).every(([name, value]) => one.labels[name] === value));
        return found !== undefined && holds(found) ? found : null;
      }),
    run: (alert, { episode, runbook, state }) =>
      eventually(`${runbook} of episode ${episode} is ${state}`, async () => {
        const found = (await runsOf(alert)).find(run => run.episode === episode && run.runbook === runbook);
        return found?.state === state ? found : null;
      }),
    async thread(alert, episode) {
      const key = `alert/${alert.id}/${episode}`;
      const root = await store.post('console', key);
      const replies = await store.posts({ platform: 'console', thread: key, limit: 1000 });
      return [root, ...replies].flatMap(post => (post === null ? [] : [post.card]));
    },
    async effects(alert) {
      const entries = await store.stream(streamOf.alert(alert.id));
      return entries.flatMap(({ fact }) => (fact.kind === 'event.accepted' ? [String(fact.effect)] : []));
    },
  };
}

/** A target of Prometheus in this process, whose metrics the test sets. */
export async function startGauges(): Promise<{
  address: string;
  set(name: string, value: number): void;
  close(): Promise<void>;
}> {
  const values = new Map<string, number>();
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end([...values].map(([name, value]) => `${name} ${value}\n`).join(''));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    set: (name, value) => void values.set(name, value),
    async close() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Waits until Prometheus itself holds this alert for over. */
export async function whenPrometheusEnds(prometheus: Prometheus, name: string): Promise<void> {
  await eventually(`Prometheus says that ${name} is over`, async () => {
    const answer = await fetch(`${prometheus.url}/api/v1/alerts`);
    const { data } = (await answer.json()) as { data: { alerts: { labels: Record<string, string> }[] } };
    return data.alerts.some(one => one.labels['alertname'] === name) ? null : true;
  });
}

/** The sum of a counter in the metrics of a program, over the label sets in which `labels` stands. */
export async function counted(url: string, name: string, labels = ''): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const lines = text.split('\n').filter(line => line.startsWith(name) && line.includes(labels));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
