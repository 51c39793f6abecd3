import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BrowserContext, chromium } from 'playwright-core';
import { eventually, freePort, type Program, startProgram } from './programs.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const node = join(root, 'node_modules/.bin/node');
const home = (folder: string) => ({ PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: folder, LANG: 'C.UTF-8' });

/** A folder that is gone afterwards. */
export async function makeFolder(): Promise<{ folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-e2e-'));
  return { folder, remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }) };
}

/** Writes files by their path in the folder. Texts stay; anything else becomes JSON, which YAML readers take too. */
export async function writeFiles(folder: string, files: Record<string, unknown>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  }
}

async function whenReady(url: string, program: Program): Promise<void> {
  await Promise.race([
    eventually(`${url} answers`, async () => ((await fetch(url)).ok ? true : null)),
    program.ended.then(code => Promise.reject(new Error(`it ended with ${code}:\n${program.output()}`))),
  ]);
}

export interface Alertmanager {
  url: string;
  /** Delivers alerts as Prometheus does: labels, annotations, startsAt, endsAt. */
  post(alerts: object[]): Promise<void>;
  /** Silences what has this label, from now until then. Resolves once Alertmanager holds the alert for silenced; returns how to end it. */
  silence(label: { name: string; value: string }, until: number): Promise<() => Promise<void>>;
  program: Program;
}

/** What is added to the configuration of Alertmanager. */
export interface MoreConfig {
  /** Settings of the top route. */
  route?: Record<string, unknown>;
  routes?: object[];
  inhibit_rules?: object[];
}

/** Without flags of a cluster it is alone. */
const alone = ['--cluster.listen-address='];

/** Alertmanager that posts every change at once to the webhook, with a bearer token. `more` is added to its configuration. */
export async function startAlertmanager(
  command: string,
  folder: string,
  webhook: { url: string; token: string },
  port: number,
  more: MoreConfig = {},
  cluster: readonly string[] = alone,
): Promise<Alertmanager> {
  const { route = {}, routes = [], ...further } = more;
  const times = { group_wait: '0s', group_interval: '1s', repeat_interval: '1h' };
  await writeFiles(folder, {
    'alertmanager.yml': {
      ...further,
      route: { receiver: 'tocsin', group_by: ['...'], ...times, ...route, routes },
      receivers: [
        {
          name: 'tocsin',
          webhook_configs: [{ url: webhook.url, http_config: { authorization: { credentials: webhook.token } } }],
        },
      ],
    },
  });
  const args = [
    `--config.file=${join(folder, 'alertmanager.yml')}`,
    `--storage.path=${join(folder, 'alertmanager')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    ...cluster,
  ];
  const program = startProgram(command, args, { env: home(folder), cwd: folder });
  const url = `http://127.0.0.1:${port}`;
  await whenReady(`${url}/-/ready`, program);
  const api = `${url}/api/v2`;
  return {
    url,
    program,
    post: async alerts => void (await send('POST', `${api}/alerts`, alerts)),
    async silence({ name, value }, until) {
      const answer = await send('POST', `${api}/silences`, {
        matchers: [{ name, value, isRegex: false, isEqual: true }],
        startsAt: new Date().toISOString(),
        endsAt: new Date(until).toISOString(),
        createdBy: 'sam',
        comment: 'We are at it',
      });
      const { silenceID } = (await answer.json()) as { silenceID: string };
      await eventually(`what has ${name}=${value} is silenced`, async () => {
        const list = await fetch(`${api}/alerts?filter=${encodeURIComponent(`${name}="${value}"`)}`);
        const alerts = (await list.json()) as { status: { state: string } }[];
        return alerts.length > 0 && alerts.every(alert => alert.status.state === 'suppressed') ? true : null;
      });
      return async () => void (await send('DELETE', `${api}/silence/${silenceID}`));
    },
  };
}

async function send(method: string, url: string, body?: unknown): Promise<Response> {
  const json = { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const answer = await fetch(url, { method, ...(body === undefined ? {} : json) });
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`);
  return answer;
}

export interface Prometheus extends Program {
  url: string;
  /** Takes other rules, as an edit of the rule file and a reload do. */
  reload(rules: object[]): Promise<void>;
}

/** Prometheus that looks at the targets and evaluates the rules every second. It starts again with what is in the folder. */
export async function startPrometheus(
  command: string,
  folder: string,
  parts: {
    alertmanager: string;
    targets: { job: string; address: string }[];
    rules: object[];
    /** How often it repeats an alert that goes on (default 1m). Alertmanager expires it four times as long after the last of these. */
    resendDelay?: string;
    /** A free one when left out. */
    port?: number;
  },
): Promise<Prometheus> {
  const writeRules = (rules: object[]) =>
    writeFiles(folder, { 'rules.yml': { groups: [{ name: 'sample', interval: '1s', rules }] } });
  await writeRules(parts.rules);
  await writeFiles(folder, {
    'prometheus.yml': {
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: ['rules.yml'],
      alerting: { alertmanagers: [{ static_configs: [{ targets: [new URL(parts.alertmanager).host] }] }] },
      scrape_configs: parts.targets.map(({ job, address }) => ({
        job_name: job,
        static_configs: [{ targets: [address] }],
      })),
    },
  });
  const url = `http://127.0.0.1:${parts.port ?? (await freePort())}`;
  const args = [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'prometheus')}`,
    `--web.listen-address=${new URL(url).host}`,
    '--web.enable-lifecycle',
    ...(parts.resendDelay === undefined ? [] : [`--rules.alert.resend-delay=${parts.resendDelay}`]),
  ];
  const program = startProgram(command, args, { env: home(folder), cwd: folder });
  await whenReady(`${url}/-/ready`, program);
  return {
    ...program,
    url,
    async reload(rules) {
      await writeRules(rules);
      const answer = await fetch(`${url}/-/reload`, { method: 'POST' });
      if (!answer.ok) throw new Error(`Prometheus did not reload: ${answer.status} ${await answer.text()}`);
    },
  };
}

/** The sample service; it is up while `file` is there. */
export async function startTarget(folder: string): Promise<{ address: string; file: string; program: Program }> {
  const port = await freePort();
  const file = join(folder, 'target-is-up');
  const script = fileURLToPath(new URL('./sample-target.ts', import.meta.url));
  const program = startProgram(node, [script, String(port), file], { env: home(folder), cwd: folder });
  await program.says(/ready/);
  return { address: `127.0.0.1:${port}`, file, program };
}

export interface Tocsin {
  url: string;
  /** The link that start prints, with the key of the local person. */
  link: string;
  /** A GET of the API as the local person. */
  get(path: string): Promise<unknown>;
  program: Program;
}

/** The real process, with a config folder, a data folder and an environment of its own. */
export async function startTocsin(folder: string, port: number, env: Record<string, string> = {}): Promise<Tocsin> {
  const settings = {
    TOCSIN_CONFIG: join(folder, 'tocsin.yaml'),
    TOCSIN_DATA: join(folder, 'data'),
    TOCSIN_LISTEN: `127.0.0.1:${port}`,
  };
  const program = startProgram(node, [join(root, 'src/main.ts')], {
    env: { ...home(folder), ...settings, ...env },
    cwd: folder,
  });
  const [, link = ''] = await program.says(/(http:\/\/127\.0\.0\.1:\d+\/\S*key=\S+)/);
  const url = new URL(link).origin;
  const key = new URL(link).searchParams.get('key') ?? '';
  await whenReady(`${url}/readyz`, program);
  return {
    url,
    link,
    program,
    async get(path) {
      const answer = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${key}` } });
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
      return await answer.json();
    },
  };
}

/** A real browser with an empty profile that talks to nobody else. */
export async function startBrowser(command: string, folder: string): Promise<BrowserContext> {
  return await chromium.launchPersistentContext(join(folder, 'browser'), {
    executablePath: command,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
