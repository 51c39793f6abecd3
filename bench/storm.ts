/**
 * `npm run bench -- storm`: how many messages 1,000 alerts make in the tests' double of Slack, which keeps Slack's limits: all in one
 * delivery for one channel, and over 50 services with a delivery each. Everything counts until nothing more is posted. Exits with 1 when a
 * target is missed; --quick sends 200.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { startSlack } from '../test/doubles/slack/index.ts';
import { startTocsin } from './processes.ts';
import { count, type Line, printLines } from './report.ts';
import { token } from './token.ts';

const alerts = process.argv.includes('--quick') ? 200 : 1000;
/** After so many milliseconds without a request to Slack all is posted: a backlog waits for up to half a minute before it becomes a list. */
const quiet = 10_000;

const files = {
  'tocsin.yaml': `sources:
  alertmanager: { token: "\${BENCH_TOKEN}" }
people:
  you: {}
routes:
  - to: ["slack:#alerts"]
`,
  'policy.yaml': 'rules: []\n',
};

const lines = [...(await measureStorm('in one group', 1)), ...(await measureStorm('over 50 services', 50))];
printLines(lines);
process.exit(lines.every(line => line.reached) ? 0 : 1);

async function measureStorm(where: string, services: number): Promise<Line[]> {
  const slack = await startSlack();
  const tocsin = await startTocsin({ files, env: { ...slack.env, BENCH_TOKEN: token } });
  try {
    await slack.socket.linked();
    const began = Date.now();
    for (let service = 0; service < services; service++) await send(tocsin.port, service, alerts / services);
    do await sleep(100);
    while (Date.now() - (slack.api.calls.at(-1)?.at ?? 0) < quiet);
    const { messages } = slack.world;
    const roots = messages.filter(one => one.thread_ts === undefined);
    const replies = roots.map(root => messages.filter(one => one.thread_ts === root.ts).length);
    const took = ((slack.api.calls.at(-1)?.at ?? began) - began) / 1000;
    console.log(
      `      ${alerts} alerts ${where}: the last request after ${took.toFixed(0)} s, ${slack.count('chat.update')} edits, ${slack.api.rates.refused.length} refused by a limit`,
    );
    return [
      count(`messages in the channel for ${alerts} alerts ${where}`, roots.length, null),
      count('the most replies in one of its threads', Math.max(0, ...replies), null),
    ];
  } finally {
    await tocsin.close();
    await slack.close();
  }
}

async function send(port: number, service: number, size: number): Promise<void> {
  const alert = (n: number) => ({
    status: 'firing',
    labels: {
      alertname: 'Unreachable',
      service: `service-${service}`,
      instance: `i-${service}-${n}`,
      severity: 'warning',
    },
    annotations: { summary: `Instance ${n} of service ${service} is unreachable` },
    ...{ startsAt: '2026-03-01T10:00:00Z', endsAt: '0001-01-01T00:00:00Z', fingerprint: `f-${service}-${n}` },
  });
  const body = {
    ...{ version: '4', status: 'firing', receiver: 'x', groupKey: `{}:{service="service-${service}"}` },
    alerts: Array.from({ length: size }, (_, n) => alert(n)),
  };
  const answer = await fetch(`http://127.0.0.1:${port}/events/alertmanager`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
  if (answer.status !== 202) throw new Error(`answered ${answer.status} ${await answer.text()}`);
}
