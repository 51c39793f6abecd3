/**
 * The load, in a process of its own: keep-alive connections, each of which sends the next delivery when the last one was answered. Prints
 * one line of JSON. `client: "http"` uses Node's own client, as in the trials that the targets come from; it takes as much processor time
 * as the bare server. `client: "sockets"` uses plain sockets, which take almost none, so the comparison is harder.
 *
 * node bench/load.ts '{"client":"http","port":1,"path":"/","connections":64,"seconds":3,"headers":{},"first":0}'
 */
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';

export interface LoadOrder {
  client: 'http' | 'sockets';
  port: number;
  path: string;
  connections: number;
  seconds: number;
  headers: Record<string, string>;
  /** The number of the first delivery: each has a fingerprint of its own. */
  first: number;
  /** Whose deliveries; Alertmanager's when left out. */
  sender?: 'alertmanager' | 'eventbridge';
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

/** An alarm of CloudWatch as EventBridge delivers it, of the same size. */
function busEventText(): string {
  const mark = '#'.repeat(digits);
  const arn = `arn:aws:cloudwatch:eu-west-1:123456789012:alarm:checkout-${mark}`;
  const metric = {
    namespace: 'AWS/ApplicationELB',
    name: 'HTTPCode_Target_5XX_Count',
    dimensions: { LoadBalancer: `app/checkout/${mark}` },
  };
  return JSON.stringify({
    version: '0',
    id: `c4c1c1c9-6542-e61b-6ef0-${mark}`,
    'detail-type': 'CloudWatch Alarm State Change',
    source: 'aws.cloudwatch',
    account: '123456789012',
    time: '2026-03-01T10:00:00Z',
    region: 'eu-west-1',
    resources: [arn],
    detail: {
      alarmName: `checkout-${mark}`,
      alarmTags: { team: 'shop', env: 'staging', severity: 'warning' },
      configuration: {
        description: 'x'.repeat(700),
        metrics: [{ id: 'm1', metricStat: { metric, period: 60, stat: 'Sum' }, returnData: true }],
      },
      previousState: { value: 'OK', reason: 'It was well', timestamp: '2026-03-01T09:50:00.000+0000' },
      state: { value: 'ALARM', reason: 'y'.repeat(300), timestamp: '2026-03-01T10:00:00.000+0000' },
    },
  });
}

/** Sends one body and resolves to the status that was answered. */
type Send = (body: string) => Promise<string>;

interface Connection {
  send: Send;
  close(): void;
}

function openHttp({ port, path, headers }: LoadOrder): Connection {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const send: Send = body =>
    new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, path, method: 'POST', agent, headers }, answer => {
        answer.resume().on('end', () => resolve(String(answer.statusCode)));
      });
      sent.on('error', reject).end(body);
    });
  return { send, close: () => agent.destroy() };
}

function openSocket({ port, path, headers }: LoadOrder): Connection {
  const lines = Object.entries({ Host: `127.0.0.1:${port}`, ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const head = `POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
  const socket = connect(port, '127.0.0.1').setNoDelay(true).setEncoding('latin1');
  let waiting: { resolve(status: string): void; reject(error: Error): void } | null = null;
  let pending = '';
  socket.on('error', error => waiting?.reject(error));
  socket.on('data', (chunk: string) => {
    pending += chunk;
    const end = pending.indexOf('\r\n\r\n');
    if (end < 0) return;
    const length = /content-length: (\d+)/i.exec(pending.slice(0, end));
    const whole = length === null ? pending.endsWith('0\r\n\r\n') : pending.length >= end + 4 + Number(length[1]);
    if (!whole) return;
    const status = pending.slice(9, 12);
    pending = '';
    waiting?.resolve(status);
  });
  const send: Send = body =>
    new Promise((resolve, reject) => {
      waiting = { resolve, reject };
      socket.write(head + body, 'latin1');
    });
  return { send, close: () => socket.end() };
}

async function run(order: LoadOrder): Promise<LoadReport> {
  const body = order.sender === 'eventbridge' ? busEventText() : deliveryText();
  const mark = '#'.repeat(digits);
  const headers = { 'Content-Type': 'application/json', 'Content-Length': String(body.length), ...order.headers };
  const latencies: number[] = [];
  const statuses: Record<string, number> = {};
  let next = order.first;
  const began = performance.now();
  const end = began + order.seconds * 1000;

  async function work(): Promise<void> {
    const connection = (order.client === 'http' ? openHttp : openSocket)({ ...order, headers });
    while (performance.now() < end) {
      const text = body.replaceAll(mark, String(next++).padStart(digits, '0'));
      const sent = performance.now();
      const status = await connection.send(text);
      latencies.push(performance.now() - sent);
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
    connection.close();
  }

  await Promise.all(Array.from({ length: order.connections }, work));
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
