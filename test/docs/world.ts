import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { systemClock } from '../../src/kernel/clock.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { hasMembers, loadShelf } from '../../src/kernel/shelf.ts';
import { checkFiles, type LoadParts, runRunbookTests, showProblems, showTests } from '../../src/load/index.ts';
import type { ChatPlatform } from '../../src/ports/chat.ts';
import type { Source } from '../../src/ports/source.ts';
import type { StepType } from '../../src/ports/step.ts';
import { root } from './pages.ts';

/** The tocsin.yaml that the pages' runbooks and rules are checked with: it names everybody and everything that they speak of. */
const config = `
sources:
  alertmanager: { token: a, url: 'http://127.0.0.1:9093' }
  github: { secret: a-secret }
  pagerduty: { secret: b }
  kubernetes: { access: in-cluster }
  schedule: { jobs: { nightly: { cron: '0 3 * * *' } } }
  backups: { type: webhook, auth: { bearer: c }, map: { fingerprint: body.id, state: '"firing"', title: body.id } }
people: { alice: {}, bob: {}, carol: {}, dan: {} }
groups: { sre: [alice, bob], sre-leads: [alice, carol], on-call: [bob, dan], dba: [carol, dan] }
operators: [sre]
secrets: { deployKey: d, pagerToken: e, apiToken: f }
tokens: [{ env: CI_TOKEN, service: ci }]
egress: { allow: [api.example.com], private: ['127.0.0.1:8081'] }
`;

export type Files = Readonly<Record<string, string>>;

let shelves: Promise<Pick<LoadParts, 'sources' | 'steps' | 'platforms'>> | null = null;

async function loadShelves() {
  const [sources, steps, platforms] = await Promise.all([
    loadShelf<Source>(`${root}/src/sources`, hasMembers('about', 'options', 'normalise')),
    loadShelf<StepType>(`${root}/src/steps`, hasMembers('about', 'input', 'run')),
    loadShelf<ChatPlatform>(`${root}/src/chat`, hasMembers('about', 'options', 'open')),
  ]);
  return { sources, steps, platforms };
}

/** Writes the files into a folder of their own, beside the tocsin.yaml above when there is none among them. */
export async function inFolder<T>(files: Files, work: (parts: LoadParts) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-docs-'));
  try {
    for (const [path, text] of Object.entries({ 'tocsin.yaml': config, ...files })) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    shelves ??= loadShelves();
    return await work({
      configPath: join(folder, 'tocsin.yaml'),
      explicit: true,
      env: envOf(files['tocsin.yaml'] ?? config),
      ...(await shelves),
      clock: systemClock,
      log: silentLog,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function privateKey(): string {
  const form = { type: 'pkcs1', format: 'pem' } as const;
  const { privateKey: key } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: form,
    publicKeyEncoding: form,
  });
  return key;
}

/** A value for every variable that the file speaks of. */
function envOf(text: string): Record<string, string> {
  const names = [...text.matchAll(/\$\{([A-Za-z_]\w*)|\benv:\s*([A-Za-z_]\w*)/g)].map(
    match => match[1] ?? match[2] ?? '',
  );
  // A key and a certificate have to be ones.
  const valueFor = (name: string) => {
    if (name.endsWith('_PRIVATE_KEY')) return privateKey();
    return name.endsWith('_CA') ? (rootCertificates[0] ?? '') : `value-of-${name}`;
  };
  return Object.fromEntries(names.map(name => [name, valueFor(name)]));
}

/** What `tocsin check --strict` would say; the empty text when all is well. */
export function problemsIn(files: Files): Promise<string> {
  return inFolder(files, async parts => showProblems(await checkFiles(parts)));
}

/** What `tocsin test` would say, and whether all of it passed. */
export function testsIn(files: Files): Promise<{ ok: boolean; text: string }> {
  return inFolder(files, async parts => {
    const report = await runRunbookTests(parts);
    const ok = report.problems.length === 0 && report.results.every(result => result.ok);
    return { ok, text: `${showProblems(report.problems)}\n${showTests(report)}` };
  });
}

/** `# steps` and `# rules` are parts of files; this is the rest. */
export function wholeRunbook(steps: string): string {
  return `title: From the page
risk: high
on: [{ source: alertmanager, match: { alertname: Example } }]
params:
  host: { type: string, pattern: '[a-z0-9][a-z0-9.-]{0,63}', from: 'hostOf(labels.instance)' }
  service: { type: enum, options: [api, worker], default: api }
  replicas: { type: integer, min: 1, max: 20, default: 3 }
target: params.host
secrets: [deployKey, apiToken]
steps:
${steps.replace(/^/gm, '  ')}
`;
}
