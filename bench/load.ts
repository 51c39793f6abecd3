/**
 * The load: keep-alive connections that each send the next delivery when the last one was answered, in a process of its own. Speaks
 * HTTP over plain sockets, so that it costs less than any server it is pointed at. Prints one line of JSON.
 *
 * node bench/load.ts '{"port":1,"path":"/","connections":64,"seconds":3,"headers":{},"first":0}'
 */
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';

export interface LoadOrder {
  port: number;
  path: string;
  connections: number;
  seconds: number;
  headers: Record<string, string>;
  /** The number of the first delivery: each has a fingerprint of its own. */
  first: number;
}

export interface LoadReport {
  answered: number;
  perSecond: number;
  p50: number;
  p99: number;
  worst: number;
  /** How often each status was answered. */
  statuses: Record<string, number>;
  next: number;
}

const digits = 12;

/** A delivery as Alertmanager 0.28 sends it, about 2 KB; the marks are where its number goes. */
function deliveryText(): string {
  const mark = '#'.repeat(digits);
  const annotations = {
    summary: `The disk of web-${mark} will be full in four hours`,
    description: 'x'.repeat(700),
    runbook_url: 'https://runbooks.example/disk-full',
  };
  const labels = {
    alertname: 'NodeDiskFilling',
    env: 'staging',
    instance: `web-${mark}:9100`,
    job: 'node',
    mountpoint: '/var',
    severity: 'warning',
    team: 'platform',
  };
  const alert = {
    status: 'firing',
    labels,
    annotations,
    startsAt: '2026-03-01T10:00:00.000Z',
    endsAt: '0001-01-01T00:00:00Z',
    generatorURL: 'http://prometheus.example:9090/graph?g0.expr=predict_linear',
    fingerprint: mark,
  };
  return JSON.stringify({
    receiver: 'tocsin',
    status: 'firing',
    alerts: [alert],
    groupLabels: { alertname: 'NodeDiskFilling' },
    commonLabels: labels,
    commonAnnotations: annotations,
    externalURL: 'http://alertmanager.example:9093',
    version: '4',
    groupKey: `{}:{instance="web-${mark}"}`,
    truncatedAlerts: 0,
  });
}

function offsetsOf(text: string, mark: string): number[] {
  const found: number[] = [];
  for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + 1)) found.push(at);
  return found;
}

async function run(order: LoadOrder): Promise<LoadReport> {
  const body = deliveryText();
  const headers = Object.entries({
    Host: `127.0.0.1:${order.port}`,
    'Content-Type': 'application/json',
    'Content-Length': String(body.length),
    ...order.headers,
  });
  const text = `POST ${order.path} HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`;
  const offsets = offsetsOf(text, '#'.repeat(digits));
  const latencies: number[] = [];
  const statuses: Record<string, number> = {};
  let next = order.first;
  const began = performance.now();
  const end = began + order.seconds * 1000;

  const worker = () =>
    new Promise<void>((resolve, reject) => {
      const socket = connect(order.port, '127.0.0.1');
      const request = Buffer.from(text);
      let sent = 0;
      let pending = '';
      const send = () => {
        const number = String(next++).padStart(digits, '0');
        for (const offset of offsets) request.write(number, offset, 'latin1');
        sent = performance.now();
        socket.write(request);
      };
      socket.setNoDelay(true).setEncoding('latin1').on('connect', send).on('error', reject);
      socket.on('close', () => resolve());
      socket.on('data', (chunk: string) => {
        pending += chunk;
        const head = pending.indexOf('\r\n\r\n');
        if (head < 0) return;
        const length = /content-length: (\d+)/i.exec(pending.slice(0, head));
        if (length !== null && pending.length < head + 4 + Number(length[1])) return;
        if (length === null && !pending.endsWith('0\r\n\r\n')) return;
        const now = performance.now();
        latencies.push(now - sent);
        const status = pending.slice(9, 12);
        statuses[status] = (statuses[status] ?? 0) + 1;
        pending = '';
        if (now < end) send();
        else socket.end();
      });
    });
  await Promise.all(Array.from({ length: order.connections }, worker));
  const seconds = (performance.now() - began) / 1000;
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  return {
    answered: latencies.length,
    perSecond: latencies.length / seconds,
    p50: at(0.5),
    p99: at(0.99),
    worst: at(1),
    statuses,
    next,
  };
}

if (import.meta.main) console.log(JSON.stringify(await run(JSON.parse(process.argv[2] ?? '{}'))));
