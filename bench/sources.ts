/**
 * `npm run bench -- sources`: durable ingest of an alarm that EventBridge delivers beside an alert of Alertmanager of the same size, by one
 * process on SQLite, in turns. Exits with 1 when the target is missed. --quick is short.
 */
import type { LoadOrder } from './load.ts';
import { load, startTocsin } from './processes.ts';
import { atLeast, middle, printLines } from './report.ts';
import { token } from './token.ts';

const quick = process.argv.includes('--quick');
const rounds = quick ? 1 : 5;
const files = {
  'tocsin.yaml': `sources:
  alertmanager: { token: "\${BENCH_TOKEN}" }
  eventbridge: { token: "\${BENCH_TOKEN}" }
people:
  you: {}
`,
  'policy.yaml': 'rules:\n  - name: everything by itself\n    decide: auto\n',
};

const tocsin = await startTocsin({ files, env: { BENCH_TOKEN: token } });
let next = 0;
const ratios: number[] = [];
try {
  for (const sender of ['alertmanager', 'eventbridge'] as const) await measure(sender, 1);
  for (let round = 0; round < rounds; round++) {
    const before = await measure('alertmanager', 2);
    const bus = await measure('eventbridge', 2);
    const after = await measure('alertmanager', 2);
    console.log(`      EventBridge ${bus.toFixed(0)}/s, Alertmanager ${before.toFixed(0)}/s and ${after.toFixed(0)}/s`);
    ratios.push(bus / ((before + after) / 2));
  }
} finally {
  await tocsin.close();
}
const lines = [atLeast('durable ingest of EventBridge, of that of Alertmanager', middle(ratios), 0.8)];
printLines(lines);
process.exit(lines.every(line => line.reached) ? 0 : 1);

/** Deliveries a second. */
async function measure(sender: NonNullable<LoadOrder['sender']>, seconds: number): Promise<number> {
  const headers = { authorization: `Bearer ${token}` };
  const order = { client: 'http' as const, port: tocsin.port, path: `/events/${sender}`, connections: 64 };
  const report = await load({ ...order, seconds, headers, first: next, sender });
  next = report.next;
  const refused = Object.keys(report.statuses).filter(status => status !== '202');
  if (refused.length > 0) throw new Error(`${sender} was answered ${refused.join(', ')}`);
  return report.perSecond;
}
