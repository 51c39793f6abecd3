/**
 * `npm run bench -- console`: the page of 5,000 alerts in a real Chromium beside the same page with none, in one run: the first paint, the longest
 * task, and the bytes on the wire with the style sheet and scripts. Exits with 1 when a target is missed; --quick looks once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Browser, chromium } from 'playwright-core';
import { startTocsin } from './processes.ts';
import { below, middle, printLines } from './report.ts';
import { token } from './token.ts';

const rounds = process.argv.includes('--quick') ? 1 : 5;
const alerts = 5000;
const perBody = 500;

const tocsin = await startTocsin({
  files: { 'tocsin.yaml': 'sources:\n  alertmanager: { token: "${BENCH_TOKEN}" }\npeople:\n  you: {}\n' },
  env: { BENCH_TOKEN: token },
});
const at = `http://127.0.0.1:${tocsin.port}`;
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  for (let from = 0; from < alerts; from += perBody) await send(from);
  await settle();
  const [full, empty]: Look[][] = [[], []];
  for (let round = -1; round < rounds; round++) {
    const looks = [await look(browser, '/alerts', alerts), await look(browser, '/alerts?q=nothing%3Dhere', 0)] as const;
    // The first round warms up.
    if (round < 0) continue;
    full?.push(looks[0]);
    empty?.push(looks[1]);
  }
  const of = (looks: readonly Look[] | undefined, what: keyof Look) => middle((looks ?? []).map(one => one[what]));
  const lines = [
    below('5,000 alerts: first paint', of(full, 'paint'), 700, 'ms'),
    below('5,000 alerts: longest task', of(full, 'task'), 100, 'ms'),
    below('5,000 alerts: KB on the wire, with all files', of(full, 'bytes') / 1000, 150, ''),
    below('no alert: first paint', of(empty, 'paint'), null, 'ms'),
    below('no alert: longest task', of(empty, 'task'), null, 'ms'),
    below('no alert: KB on the wire, with all files', of(empty, 'bytes') / 1000, null, ''),
  ];
  printLines(lines, { Chromium: browser.version() });
  process.exitCode = lines.every(({ reached }) => reached) ? 0 : 1;
} finally {
  await browser.close();
  await tocsin.close();
}

interface Look {
  /** Milliseconds from the start of the navigation to the first content. */
  paint: number;
  /** Milliseconds; what is shorter than 50 ms is no long task to a browser, and counts as 0. */
  task: number;
  bytes: number;
}

/** One look at a page with nothing kept from before. */
async function look(from: Browser, path: string, count: number): Promise<Look> {
  const context = await from.newContext();
  const page = await context.newPage();
  const network = await context.newCDPSession(page);
  let bytes = 0;
  network.on('Network.loadingFinished', ({ encodedDataLength }) => {
    bytes += encodedDataLength;
  });
  await network.send('Network.enable');
  await page.addInitScript(
    'window.tasks = []; new PerformanceObserver(list => list.getEntries().forEach(one => window.tasks.push(one.duration))).observe({ type: "longtask", buffered: true });',
  );
  await page.goto(at + path);
  await page.locator('#live-state[data-state="live"]').waitFor();
  await page.locator('#total', { hasText: count.toLocaleString('en-GB') }).waitFor();
  await page.waitForTimeout(1000);
  const paint = await page.evaluate('performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN');
  const task = await page.evaluate('Math.max(0, ...window.tasks)');
  await context.close();
  return { paint: Number(paint), task: Number(task), bytes };
}

/** Waits until the deliveries are worked through: nothing was appended to the journal for two seconds. */
async function settle(): Promise<void> {
  let head = '';
  for (let quiet = 0; quiet < 4; ) {
    await sleep(500);
    const answer = await (await fetch(`${at}/metrics`)).text();
    const now = /^tocsin_journal_head.*$/m.exec(answer)?.[0];
    if (now === undefined) throw new Error(`the metrics do not tell the head of the journal: ${answer.slice(0, 300)}`);
    quiet = now === head ? quiet + 1 : 0;
    head = now;
  }
}

async function send(from: number): Promise<void> {
  const answer = await fetch(`${at}/events/alertmanager`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({
      version: '4',
      status: 'firing',
      receiver: 'tocsin',
      groupKey: '{}:{alertname="KubePodNotReady"}',
      truncatedAlerts: 0,
      groupLabels: { alertname: 'KubePodNotReady' },
      commonLabels: {},
      commonAnnotations: {},
      externalURL: 'http://am.example:9093',
      alerts: Array.from({ length: perBody }, (_, n) => alert(from + n)),
    }),
  });
  if (answer.status !== 202) throw new Error(`the alerts were answered ${answer.status}: ${await answer.text()}`);
}

function alert(n: number) {
  const severity = ['critical', 'warning', 'info'][n % 3];
  return {
    status: 'firing',
    labels: { alertname: 'KubePodNotReady', pod: `web-${n}`, node: `node-${n % 40}`, cluster: `eu-${n % 4}`, severity },
    annotations: { summary: `Pod web-${n} is not ready` },
    startsAt: '2026-11-28T10:00:00Z',
    endsAt: '0001-01-01T00:00:00Z',
    generatorURL: 'http://prom.example:9090/graph?g0.expr=up',
    fingerprint: `c${String(n).padStart(15, '0')}`,
  };
}
