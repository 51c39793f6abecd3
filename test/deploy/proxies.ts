import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { basicConfig, tokens } from '../doubles/app.ts';
import { eventually, freePort, type Program, startProgram } from '../e2e/programs.ts';
import { makeFolder, writeFiles } from '../e2e/real.ts';
import { startHaproxy } from '../real/haproxy.ts';
import { startNginx } from '../real/nginx.ts';
import { programPath } from '../real/programs.ts';

/** The examples of deploy/, each with what starts it: nginx and HAProxy. */
export const proxies = ['nginx', 'haproxy'] as const;
export type ProxyName = (typeof proxies)[number];
const root = join(import.meta.dirname, '../..');
const files = { nginx: 'deploy/nginx/tocsin.conf', haproxy: 'deploy/haproxy/tocsin.cfg' };
export const example = (name: ProxyName) => readFileSync(join(root, files[name]), 'utf8');

/** The name that the examples serve. */
export const site = 'tocsin.example.com';

export interface Asked {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  /** The address of this machine that the client calls from. */
  from?: string;
}

export interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
}

/** A real Tocsin behind a real proxy, which has its example as it stands but for addresses, ports and the certificate. */
export interface BehindProxy {
  /** Tocsin itself, past the proxy. */
  url: string;
  /** The port of http; everything else is https. */
  plainPort: number;
  port: number;
  /** The file of the certificate. */
  certificate: string;
  ask(path: string, asked?: Asked): Promise<Answer>;
  /** An answer that goes on: its pieces as they come, until `close`. */
  open(path: string, asked?: Asked): Promise<OpenAnswer>;
  stop(): Promise<void>;
}

export interface OpenAnswer {
  status: number;
  text(): string;
  /** Resolves when the text matches; rejects when the answer ends before. */
  says(pattern: RegExp): Promise<void>;
  ended(): boolean;
  close(): void;
}

/** `change` makes another example of it; `trusted` is what tocsin.yaml says under `proxies`. */
export async function startBehind(
  name: ProxyName,
  { change = text => text, trusted = true }: { change?: (text: string) => string; trusted?: boolean } = {},
): Promise<BehindProxy> {
  const { folder, remove } = await makeFolder();
  const sources = 'alertmanager: { token: alert-secret }';
  await writeFiles(folder, {
    'tocsin.yaml': [
      basicConfig.replace(sources, `${sources}\n  pagerduty: { secret: signing-secret }`),
      `url: https://${site}\n`,
      trusted ? 'proxies: [127.0.0.1]\n' : '',
    ].join(''),
    'policy.yaml': 'rules: []\n',
    'gates.yaml': 'gates: { deploy: { ask: [ci] } }\n',
    'runbooks/README.md': '',
  });
  const tocsin = await startTocsin(folder);
  const [port, plainPort] = [await freePort(), await freePort()];
  const certificate = join(folder, 'tocsin.crt');
  const key = join(folder, 'tocsin.key');
  const both = join(folder, 'tocsin.pem');
  const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
  const names = ['-subj', `/CN=${site}`, '-addext', `subjectAltName=DNS:${site}`];
  const made = spawnSync(programPath('openssl'), [...words, ...names, '-keyout', key, '-out', certificate]);
  if (made.status !== 0) throw new Error(`openssl: ${made.stderr}`);
  const ca = await readFile(certificate);
  await writeFile(both, Buffer.concat([ca, await readFile(key)]));
  const text = swapAll(change(example(name)), {
    '127.0.0.1:8080': new URL(tocsin.url).host,
    ...(name === 'nginx'
      ? {
          'listen 80;': `listen 127.0.0.1:${plainPort};`,
          'listen 443 ssl': `listen 127.0.0.1:${port} ssl`,
          '/etc/nginx/tls/tocsin.crt': certificate,
          '/etc/nginx/tls/tocsin.key': key,
        }
      : {
          'bind :80\n': `bind 127.0.0.1:${plainPort}\n`,
          'bind :443 ssl': `bind 127.0.0.1:${port} ssl`,
          '/etc/haproxy/tls/tocsin.pem': both,
        }),
  });
  const proxy = await (name === 'nginx' ? startNginx : startHaproxy)(text, port);

  const send = ({ method = 'GET', headers = {}, body, from }: Asked, path: string) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const options = { host: '127.0.0.1', port, path, method, servername: site, ca, agent: false as const };
      const local = from === undefined ? {} : { localAddress: from };
      const sent = request({ ...options, ...local, headers: { host: site, ...headers } }, resolve);
      sent.on('error', reject);
      sent.end(body);
    });
  return {
    url: tocsin.url,
    port,
    plainPort,
    certificate,
    async ask(path, asked = {}) {
      const answer = await send(asked, path);
      answer.setEncoding('utf8');
      let text = '';
      for await (const chunk of answer) text += chunk;
      return { status: answer.statusCode ?? 0, headers: answer.headers, text };
    },
    open: async (path, asked = {}) => follow(await send(asked, path)),
    async stop() {
      await proxy.stop();
      await tocsin.program.stop();
      await remove();
    },
  };
}

/** The real process, with tokens. */
async function startTocsin(folder: string): Promise<{ url: string; program: Program }> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const program = startProgram(join(root, 'node_modules/.bin/node'), [join(root, 'src/main.ts')], {
    cwd: folder,
    env: {
      ...tokens,
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      HOME: folder,
      TOCSIN_CONFIG: join(folder, 'tocsin.yaml'),
      TOCSIN_DATA: join(folder, 'data'),
      TOCSIN_LISTEN: `127.0.0.1:${port}`,
    },
  });
  await Promise.race([
    eventually('Tocsin is ready', async () => ((await fetch(`${url}/readyz`)).ok ? true : null)),
    program.ended.then(code => Promise.reject(new Error(`it ended with ${code}:\n${program.output()}`))),
  ]);
  return { url, program };
}

/** Each of these texts must be there, so that an example that changes is not tested by half. */
function swapAll(text: string, changes: Record<string, string>): string {
  return Object.entries(changes).reduce((now, [from, to]) => {
    if (!now.includes(from)) throw new Error(`the example does not say ${from}`);
    return now.replaceAll(from, to);
  }, text);
}

function follow(answer: IncomingMessage): OpenAnswer {
  let text = '';
  let ended = false;
  const lookers = new Set<() => void>();
  const look = () => {
    for (const one of lookers) one();
  };
  answer.setEncoding('utf8');
  answer.on('data', chunk => {
    text += chunk;
    look();
  });
  answer.on('error', () => {});
  answer.on('close', () => {
    ended = true;
    look();
  });
  return {
    status: answer.statusCode ?? 0,
    text: () => text,
    ended: () => ended,
    close: () => void answer.destroy(),
    says: pattern =>
      new Promise((resolve, reject) => {
        const one = () => {
          if (pattern.test(text)) resolve();
          else if (ended) reject(new Error(`it ended before it said ${pattern}:\n${text}`));
          else return;
          lookers.delete(one);
        };
        lookers.add(one);
        one();
      }),
  };
}

/** Signs in by the form of the console, as a browser does. */
export function signIn(behind: BehindProxy, token: string, asked: Asked = {}): Promise<Answer> {
  return behind.ask('/login', {
    method: 'POST',
    body: new URLSearchParams({ token, to: '/' }).toString(),
    ...asked,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      origin: `https://${site}`,
      'sec-fetch-site': 'same-origin',
      ...asked.headers,
    },
  });
}

/** The cookie of a sign-in, for the requests that follow. */
export function cookieOf(answer: Answer): string {
  return (answer.headers['set-cookie'] ?? []).map(line => line.split(';')[0]).join('; ');
}
