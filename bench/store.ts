/** Commits per second of the SQLite store: 64 concurrent committers, each with an entry, a claim, an alert row and a 2 KB blob. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256 } from '../src/kernel/canonical.ts';
import { systemClock } from '../src/kernel/clock.ts';
import { createIds } from '../src/kernel/ids.ts';
import { effectOf, foldAlert } from '../src/model/alert.ts';
import type { Event, IncomingAlert } from '../src/model/event.ts';
import { streamOf } from '../src/model/journal.ts';
import type { Change } from '../src/ports/store.ts';
import sqlite from '../src/stores/sqlite/index.ts';

const committers = 64;
const seconds = Number(process.argv[2] ?? 5);
const folder = await mkdtemp(join(tmpdir(), 'tocsin-bench-'));
const store = await sqlite.open({ folder, url: null, now: Date.now });
const ids = createIds(systemClock);
const filler = 'x'.repeat(1900);
const latencies: number[] = [];
let made = 0;

function makeChange(): Change {
  const number = made++;
  const at = Date.now();
  const raw = `${number} ${filler}`;
  const body: IncomingAlert = {
    kind: 'alert',
    title: `Disk is filling on web-${number}`,
    labels: {
      alertname: 'NodeDiskFull',
      instance: `web-${number}:9100`,
      job: 'node',
      env: 'staging',
      severity: 'warning',
    },
    links: [{ label: 'Prometheus', url: 'http://prometheus.example/graph' }],
    occurredAt: at,
    state: 'firing',
    fingerprint: `f${number}`,
    severity: 'warning',
    annotations: { summary: 'The disk will be full in four hours', runbook: 'disk-full' },
    startsAt: at,
    endsAt: null,
  };
  const event: Event & { body: IncomingAlert } = {
    id: ids.next('evt'),
    source: 'alertmanager',
    receivedAt: at,
    raw: sha256(raw),
    trusted: true,
    body,
  };
  const doc = foldAlert(null, event, effectOf(null, body), ids.next('alt'));
  const stream = streamOf.alert(doc.id);
  return {
    guards: [
      { kind: 'stream', stream, version: 0 },
      { kind: 'claim', space: 'delivery', key: event.id, at, keep: 3_600_000 },
    ],
    entries: [
      {
        stream,
        actor: { kind: 'source', id: 'alertmanager' },
        at,
        fact: { kind: 'event.accepted', event, effect: 'opened', alert: doc.id, episode: 1 },
      },
    ],
    rows: [{ table: 'alert', doc }],
    blobs: [{ digest: event.raw ?? '', bytes: raw }],
  };
}

const until = performance.now() + seconds * 1000;
async function commitAgainAndAgain(): Promise<void> {
  while (performance.now() < until) {
    const start = performance.now();
    await store.commit(makeChange());
    latencies.push(performance.now() - start);
  }
}

const cpu = process.cpuUsage();
await Promise.all(Array.from({ length: committers }, commitAgainAndAgain));
const used = process.cpuUsage(cpu);
latencies.sort((a, b) => a - b);
const quantile = (q: number) => (latencies[Math.floor(latencies.length * q)] ?? 0).toFixed(1);
console.log(
  `${Math.round(latencies.length / seconds)} commits/s; ms p50 ${quantile(0.5)}, p99 ${quantile(0.99)}, most ${quantile(0.9999)}; cpu us per commit ${Math.round((used.user + used.system) / latencies.length)}; rss MB ${Math.round(process.memoryUsage().rss / 1e6)}`,
);
await store.close();
await rm(folder, { recursive: true });
