/**
 * `npm run bench -- chat`: in the tests' double of Slack, through the unmodified SDK: from a press on Approve to the first line of output in
 * the thread, in 20 threads at the same time; and from an accepted alert to its message, at 50 alerts a second over 50 channels. The second
 * is counted beyond the pace that Slack allows: from the moment in which a sender that loses no time would have sent it within the same
 * limits. Exits with 1 when a target is missed; --quick is short.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import slackPlatform from '../src/chat/slack/index.ts';
import { createRateLimiter } from '../src/flow/deliver/rate-limiter.ts';
import { readable, type SlackDouble, startSlack } from '../test/doubles/slack/index.ts';
import { startTocsin } from './processes.ts';
import { below, type Line, printLines } from './report.ts';
import { token } from './token.ts';

const quick = process.argv.includes('--quick');
const threads = 20;
const rounds = quick ? 1 : 4;
const channels = 50;
const perSecond = 50;
const seconds = quick ? 1 : 2;
/** After so many milliseconds without a request to Slack all that followed is posted, and a burst may go again. */
const quiet = 8000;

const rooms = Array.from({ length: channels }, (_, n) => n);
const files = {
  'tocsin.yaml': `sources:
  alertmanager: { token: "\${BENCH_TOKEN}" }
people:
  alice: { accounts: { slack: T0ACME/U0ALICE } }
groups: { sre: [alice] }
tokens:
  - { env: BENCH_TOKEN, person: alice }
run: { concurrency: ${threads} }
routes:
${rooms.map(n => `  - { to: ["slack:#room-${n}"], when: 'labels.room == "${n}"' }`).join('\n')}
`,
  'policy.yaml': 'rules:\n  - { name: ask, decide: approve, by: sre, expires: 1h }\n',
  'runbooks/print.yaml': `title: Print a line
risk: low
on:
  - source: alertmanager
    match: { alertname: Asks }
params:
  n: { type: string, pattern: "[0-9]+", from: labels.n }
steps:
  - { id: print, exec: [sh, -c, "echo line-of-$0-; sleep 3", "\${{ params.n }}"], idempotent: true }
`,
};

const slack = await startSlack();
for (const n of rooms)
  slack.world.channels.set(`C0ROOM${n}`, { id: `C0ROOM${n}`, name: `room-${n}`, private: false, member: true });
const tocsin = await startTocsin({ files, env: { ...slack.env, BENCH_TOKEN: token } });
let lines: Line[] = [];
try {
  await slack.socket.linked();
  lines = [...(await measureOutput()), ...(await measureAlerts())];
} finally {
  await tocsin.close();
  await slack.close();
}
printLines(lines);
process.exit(lines.every(line => line.reached) ? 0 : 1);

async function measureOutput(): Promise<Line[]> {
  const times: number[] = [];
  // The first round warms up.
  for (let round = -1; round < rounds; round++) {
    const own = await pressAll(round + 1);
    if (round >= 0) times.push(...own);
  }
  const what = `a press on Approve to the first line of output, ${threads} threads at once`;
  return [below(`${what}, p50`, at(times, 0.5), null, 'ms'), below(`${what}, p99`, at(times, 0.99), 400, 'ms')];
}

/** Opens as many threads, waits until the pace allows a burst again, and presses Approve in all of them. */
async function pressAll(round: number): Promise<number[]> {
  const numbers = rooms.slice(0, threads).map(n => round * 1000 + n);
  for (const n of numbers) await send({ alertname: 'Asks', room: String(n % 1000), n: String(n) });
  const cards = await Promise.all(numbers.map(n => cardOf(n, slack)));
  await untilQuiet();
  const pressed = Date.now();
  await Promise.all(cards.map(card => slack.as('U0ALICE').press(card, 'Approve')));
  return await Promise.all(numbers.map(async n => (await timeOf(`line-of-${n}-`, pressed)) - pressed));
}

async function cardOf(n: number, { world }: SlackDouble) {
  for (const until = performance.now() + 120_000; performance.now() < until; await sleep(50)) {
    const root = world.messages.find(one => one.thread_ts === undefined && readable(one).includes(`alert-${n}-`));
    const card = world.messages.find(one => one.thread_ts === root?.ts && readable(one).includes('[Approve]'));
    if (root !== undefined && card !== undefined) return card;
  }
  throw new Error(`alert ${n} did not ask within two minutes`);
}

/** When Slack first showed a text, milliseconds since the epoch. */
async function timeOf(text: string, after: number): Promise<number> {
  for (const until = performance.now() + 120_000; performance.now() < until; await sleep(50)) {
    const call = slack.api.calls.find(one => one.at >= after && one.answer === 'ok' && shows(one, text));
    if (call !== undefined) return call.at;
  }
  throw new Error(`${text} was not shown within two minutes`);
}

async function untilQuiet(): Promise<void> {
  while (Date.now() - (slack.api.calls.at(-1)?.at ?? 0) < quiet) await sleep(100);
}

function shows({ method, args }: { method: string; args: unknown }, text: string): boolean {
  return (method === 'chat.postMessage' || method === 'chat.update') && JSON.stringify(args).includes(text);
}

/** Sends at a steady rate, and compares when each message came with when the limits would have let it go. */
async function measureAlerts(): Promise<Line[]> {
  await untilQuiet();
  const accepted: number[] = [];
  const began = performance.now();
  const open: Promise<void>[] = [];
  for (let n = 0; n < perSecond * seconds; n++) {
    await sleep(Math.max(0, began + (n * 1000) / perSecond - performance.now()));
    const sent = send({ alertname: 'Tells', room: String(n % channels), n: `9${n}` });
    open.push(
      sent.then(() => {
        accepted[n] = Date.now();
      }),
    );
  }
  await Promise.all(open);
  const from = Math.min(...accepted) - 1000;
  const shown = await Promise.all(accepted.map((_, n) => timeOf(`alert-9${n}-`, from)));
  const ideal = idealTimes(accepted);
  const late = [...shown].sort((a, b) => a - b).map((time, index) => Math.max(0, time - (ideal[index] ?? time)));
  const what = `an accepted alert to its message beyond Slack’s pace, ${perSecond}/s over ${channels} channels`;
  console.log(`      the last of ${shown.length} messages came after ${(Math.max(...shown) - from) / 1000} s`);
  return [below(`${what}, p50`, at(late, 0.5), 60, 'ms'), below(`${what}, p99`, at(late, 0.99), 300, 'ms')];
}

/** When a sender that loses no time would have sent each, by the limits that Tocsin keeps for Slack. */
function idealTimes(accepted: readonly number[]): number[] {
  const limiter = createRateLimiter(slackPlatform.capabilities.rateLimits);
  let now = 0;
  return accepted
    .map((time, n) => ({ time, channel: `room-${n % channels}` }))
    .sort((a, b) => a.time - b.time)
    .map(({ time, channel }) => {
      const request = { kind: 'post', channel, patient: true } as const;
      now = Math.max(now, time);
      now += limiter.wait(request, now);
      limiter.take(request, now);
      return now;
    });
}

async function send(labels: Record<string, string>): Promise<void> {
  const alert = {
    ...{ status: 'firing', labels, annotations: { summary: `This is alert-${labels['n']}-` } },
    ...{ startsAt: new Date().toISOString(), endsAt: '0001-01-01T00:00:00Z', fingerprint: `f${labels['n']}` },
  };
  const answer = await fetch(`http://127.0.0.1:${tocsin.port}/events/alertmanager`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ version: '4', status: 'firing', receiver: 'x', groupKey: labels['n'], alerts: [alert] }),
  });
  if (answer.status !== 202) throw new Error(`answered ${answer.status}`);
}

function at(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
