/** Sends AdmissionReviews of pods, about 3 KB each, over plain TLS sockets, which take less processor time than Node's client. */
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { runAside } from './processes.ts';

export interface AdmissionOrder {
  port: number;
  ca: string;
  seconds: number;
  connections: number;
  /** At this rate, whatever is answered; null for one after the other on each connection. */
  perSecond: number | null;
}

export interface AdmissionReport {
  answered: number;
  allowed: number;
  perSecond: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
}

/** So many images, each with a decision of its own. */
const images = 50;

/** Runs the load in a process of its own. */
export function admissions(order: AdmissionOrder): Promise<AdmissionReport> {
  return runAside(import.meta.filename, order);
}

function requestText(number: number): string {
  const digest = (number % images).toString(16).padStart(64, '0');
  const env = Array.from({ length: 20 }, (_, index) => ({ name: `SETTING_${index}`, value: 'x'.repeat(60) }));
  const container = { name: 'checkout', image: `registry.example/checkout@sha256:${digest}`, env };
  const metadata = { name: `checkout-${number}`, namespace: 'shop', labels: { app: 'checkout' }, uid: `${number}` };
  const gvk = { group: '', version: 'v1', kind: 'Pod' };
  const body = JSON.stringify({
    ...{ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' },
    request: {
      ...{ uid: `uid-${number}`, kind: gvk, resource: { group: '', version: 'v1', resource: 'pods' } },
      ...{ namespace: 'shop', operation: 'CREATE', dryRun: false, oldObject: null },
      userInfo: {
        username: 'system:serviceaccount:kube-system:replicaset-controller',
        groups: ['system:authenticated'],
      },
      object: { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [container] } },
    },
  });
  const head = `POST /admission?timeout=5s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  return head + body;
}

/** One request at a time. */
async function openConnection({ port, ca }: AdmissionOrder) {
  const socket = connect({ port, host: '127.0.0.1', ca, servername: 'localhost' });
  await once(socket, 'secureConnect');
  socket.setNoDelay(true);
  let text = '';
  let done: (answer: string) => void = () => {};
  let failed: (error: Error) => void = () => {};
  socket.on('data', chunk => {
    text += chunk;
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) return;
    const length = Number(/content-length: (\d+)/i.exec(text.slice(0, end))?.[1]);
    if (Buffer.byteLength(text) < end + 4 + length) return;
    const answer = text;
    text = '';
    done(answer);
  });
  socket.on('error', error => failed(error));
  socket.on('close', () => failed(new Error('the connection was closed')));
  return {
    send: (request: string) =>
      new Promise<string>((resolve, reject) => {
        [done, failed] = [resolve, reject];
        socket.write(request);
      }),
    close: () => socket.destroy(),
  };
}

async function run(order: AdmissionOrder): Promise<AdmissionReport> {
  const open = await Promise.all(Array.from({ length: order.connections }, () => openConnection(order)));
  const requests = Array.from({ length: images }, (_, number) => requestText(number));
  const times: number[] = [];
  let [allowed, number] = [0, 0];
  const began = performance.now();
  const end = began + order.seconds * 1000;
  const work = async ({ send }: (typeof open)[number]) => {
    for (;;) {
      const own = number++;
      const due = order.perSecond === null ? performance.now() : began + (own * 1000) / order.perSecond;
      if (due >= end) return;
      const waited = due > performance.now();
      if (waited) await sleep(due - performance.now());
      const sent = waited ? performance.now() : due;
      // Of a timer that fires late the client is to blame; where all connections are busy, the wait for one counts.
      const answer = await send(requests[own % images] ?? '');
      times.push(performance.now() - sent);
      if (answer.includes('"allowed":true')) allowed++;
    }
  };
  await Promise.all(open.map(work));
  for (const one of open) one.close();
  times.sort((a, b) => a - b);
  const at = (part: number) => times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? Number.NaN;
  const perSecond = times.length / ((performance.now() - began) / 1000);
  return { answered: times.length, allowed, perSecond, p50: at(0.5), p99: at(0.99) };
}

if (process.argv[1] === import.meta.filename)
  console.log(JSON.stringify(await run(JSON.parse(process.argv[2] ?? '{}'))));
