/**
 * Sends alerts at a steady rate, in a process of its own, without waiting for answers. Prints one line of JSON at the end.
 *
 * node bench/paced.ts '{"port":1,"perSecond":1000,"seconds":10,"token":"t"}'
 */
import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

export interface PacedOrder {
  port: number;
  perSecond: number;
  seconds: number;
  token: string;
}

export interface PacedReport {
  sent: number;
  /** How often each status was answered; `error` where nothing was. */
  statuses: Record<string, number>;
}

const order: PacedOrder = JSON.parse(process.argv[2] ?? '{}');
const agent = new Agent({ keepAlive: true, maxSockets: 128 });
const report: PacedReport = { sent: 0, statuses: {} };
const open: Promise<void>[] = [];
const began = performance.now();
while (performance.now() - began < order.seconds * 1000) {
  const due = Math.floor(((performance.now() - began) / 1000) * order.perSecond);
  while (report.sent < due) open.push(send(report.sent++));
  await sleep(5);
}
await Promise.all(open);
agent.destroy();
console.log(JSON.stringify(report));

function send(number: number): Promise<void> {
  const body = bodyOf(number);
  return new Promise(resolve => {
    const done = (status: string) => {
      report.statuses[status] = (report.statuses[status] ?? 0) + 1;
      resolve();
    };
    const { port, token } = order;
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    };
    const call = request(
      { agent, host: '127.0.0.1', port, path: '/events/alertmanager', method: 'POST', headers },
      answer => {
        answer.resume().on('end', () => done(String(answer.statusCode)));
      },
    );
    call.on('error', () => done('error'));
    call.end(body);
  });
}

function bodyOf(number: number): string {
  const labels = { alertname: 'Busy', instance: `web-${number}`, severity: 'warning', team: 'platform', job: 'node' };
  const annotations = { summary: `web-${number} is busy`, description: 'x'.repeat(900) };
  const times = { startsAt: '2026-03-01T10:00:00.000Z', endsAt: '0001-01-01T00:00:00Z' };
  const alert = { status: 'firing', labels, annotations, ...times, generatorURL: '', fingerprint: `f${number}` };
  const common = { groupLabels: {}, commonLabels: labels, commonAnnotations: annotations, externalURL: '' };
  return JSON.stringify({
    receiver: 't',
    status: 'firing',
    alerts: [alert],
    ...common,
    version: '4',
    groupKey: `{}:${number}`,
    truncatedAlerts: 0,
  });
}
