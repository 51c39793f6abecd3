/**
 * `node bench/clicks.ts`: how long a press in Slack waits for its acknowledgement while 1,000 alerts a second arrive, each with a message
 * in Slack. Slack is the tests' double, in this process; the alerts come from another process. Exits with 1 when the target is missed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { startSlack } from '../test/doubles/slack/index.ts';
import type { PacedOrder, PacedReport } from './paced.ts';
import { startTocsin } from './processes.ts';
import { printLines } from './report.ts';

const perSecond = 1000;
const seconds = 10;
const target = 500;
const token = 'bench-token-0123456789abcdef';

const config = `sources:
  alertmanager: { token: ${token} }
people:
  alice: { accounts: { slack: T0ACME/U0ALICE } }
routes:
  - to: ["slack:#alerts"]
tokens:
  - { env: ALICE, person: alice }
`;

const slack = await startSlack();
const tocsin = await startTocsin({
  files: { 'tocsin.yaml': config, 'policy.yaml': 'rules: []\n' },
  env: { ...slack.env, ALICE: 'token-of-alice' },
});
try {
  await slack.socket.linked();
  const sending = sendAlerts({ port: tocsin.port, perSecond, seconds, token });
  const message = await slack.until(() => slack.find('[Acknowledge]'), 'the first message');
  const waits: number[] = [];
  const until = performance.now() + (seconds - 1) * 1000;
  while (performance.now() < until) {
    const began = performance.now();
    await slack.as('U0ALICE').press(message, 'Details');
    waits.push(performance.now() - began);
    await sleep(20);
  }
  const report = await sending;
  const sorted = waits.sort((a, b) => a - b);
  const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN;
  const p50 = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  console.log(`${report.sent} alerts ${JSON.stringify(report.statuses)}, ${waits.length} presses`);
  printLines([
    {
      what: 'a press is acknowledged, p50',
      value: p50,
      shown: `${p50.toFixed(1)} ms`,
      target: 'for information',
      reached: true,
    },
    {
      what: 'a press is acknowledged, p99',
      value: p99,
      shown: `${p99.toFixed(1)} ms`,
      target: `${target} ms`,
      reached: p99 <= target,
    },
  ]);
  process.exitCode = p99 <= target ? 0 : 1;
} finally {
  await tocsin.close();
  await slack.close();
}

async function sendAlerts(order: PacedOrder): Promise<PacedReport> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'paced.ts'), JSON.stringify(order)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', chunk => {
    text += chunk;
  });
  await once(child, 'close');
  return JSON.parse(text);
}
