import type { LoadOrder, LoadReport } from './load.ts';
import { load, processorTimeOf, type Running, startBare } from './processes.ts';
import { type Line, middle } from './report.ts';

export const token = 'bench-token-0123456789abcdef';
const connections = 64;
const quick = process.argv.includes('--quick');
const client: LoadOrder['client'] = process.argv.includes('--sockets') ? 'sockets' : 'http';
const rounds = quick ? 1 : 5;
const seconds = quick ? 2 : 4;

/**
 * Sends alerts that are all new over keep-alive connections, and compares with Node's bare server. Rounds of both alternate, so that other
 * load on the machine affects both.
 */
export async function measureIngest(tocsin: Running, where: string): Promise<Line[]> {
  const bare = await startBare();
  try {
    const headers = { Authorization: `Bearer ${token}` };
    const order = { client, path: '/events/alertmanager', connections, seconds, headers };
    const warm = { ...order, seconds: quick ? 1 : 3 };
    await load({ ...warm, port: bare.port, first: 0 });
    let first = (await load({ ...warm, port: tocsin.port, first: 0 })).next;
    const [ratios, p99s]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      const bareReport = await costOf(bare, { ...order, port: bare.port, first: 0 });
      const report = await costOf(tocsin, { ...order, port: tocsin.port, first });
      first = report.next;
      if (Object.keys(report.statuses).join() !== '202')
        throw new Error(`answered otherwise: ${JSON.stringify(report.statuses)}`);
      ratios.push(report.perSecond / bareReport.perSecond);
      p99s.push(report.p99);
      console.log(`      bare          ${showLoad(bareReport)}\n      durable       ${showLoad(report)}`);
    }
    const [ratio, p99] = [middle(ratios), middle(p99s)];
    return [
      {
        what: `durable ingest on ${where} against bare node:http, ${connections} connections`,
        value: ratio,
        shown: ratio.toFixed(3),
        target: '>= 0.20',
        reached: ratio >= 0.2,
      },
      {
        what: 'p99 of an answer under that load',
        value: p99,
        shown: `${p99.toFixed(1)} ms`,
        target: '< 100 ms',
        reached: p99 < 100,
      },
    ];
  } finally {
    await bare.close();
  }
}

function showLoad(report: LoadReport & { cost: number }): string {
  const { perSecond, p50, p99, worst, cost } = report;
  return `${perSecond.toFixed(0)}/s, ${cost.toFixed(0)} µs processor each, p50 ${p50.toFixed(1)} p99 ${p99.toFixed(1)} worst ${worst.toFixed(0)} ms`;
}

/** Runs a load and adds its cost: processor microseconds of the server for each answer. */
async function costOf(server: Running, order: LoadOrder): Promise<LoadReport & { cost: number }> {
  const before = await processorTimeOf(server.pid);
  const report = await load(order);
  return { ...report, cost: ((await processorTimeOf(server.pid)) - before) / report.answered };
}
