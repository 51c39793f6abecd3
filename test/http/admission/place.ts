import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Files, startTestApp, type TestApp } from '../../doubles/app.ts';
import { type Admitted, type ApiServer, createApiServer, type Write } from '../../doubles/kubernetes/api-server.ts';
import { makeAuthority } from '../../sources/syslog/certificates.ts';

type Options = NonNullable<Parameters<typeof startTestApp>[1]>;

/** The image of a number: registry.example/checkout@sha256:… */
export function imageOf(number: number, name = 'checkout'): string {
  return `registry.example/${name}@${digestOf(number)}`;
}
export const digestOf = (number: number) => `sha256:${number.toString(16).padStart(64, '0')}`;

export const controller = 'system:serviceaccount:kube-system:replicaset-controller';

export const gatesYaml = (more = '') => `
gates:
  deploy: { about: Deployments, ask: ["door:kubernetes", ci], needs: [image, environment] }
doors:
  kubernetes:
    listen: 127.0.0.1:0
    cert: ./tls.crt
    key: ./tls.key
    clientCa: ./ca.crt
    gate: deploy
    cluster: prod
    namespaces:
      shop: { environment: production, service: checkout }
      shop-two: { environment: production, service: checkout }
      staging-*: { environment: staging }
      legacy: { environment: legacy }
      told: { environment: told }
    breakGlass: { group: platform-oncall, for: 1h }
${more}`;

export const policyYaml = `
rules:
  - { name: staging, when: 'gate.subject.environment == "staging"', decide: auto }
  - { name: told, when: 'gate.subject.environment == "told"', decide: notify }
  - { name: never, when: 'gate.subject.environment == "legacy"', decide: deny }
  - { name: ask, decide: approve, by: sre, quorum: 1, expires: 10m }
`;

export interface Place {
  app: TestApp;
  api: ApiServer;
  folder: string;
  authority: ReturnType<typeof makeAuthority>;
  /** Another caller, with this certificate. */
  caller(pair: { cert: string; key: string } | null, ca?: string): Promise<ApiServer>;
  pod(image: string, more?: Partial<Write>): Promise<Admitted>;
  approve(gate: string, as?: string): Promise<void>;
  deny(gate: string): Promise<void>;
  stop(): Promise<void>;
}

export const pod = (...images: string[]) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'checkout-1' },
  spec: { containers: images.map((image, index) => ({ name: `c${index}`, image })) },
});

export async function createAdmissionPlace(files: Files = {}, options: Options = {}): Promise<Place> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'tocsin-admission-')));
  const authority = makeAuthority(folder, 'ca');
  const server = authority.issue('localhost');
  const client = authority.issue('kube-apiserver');
  const text = (path: string) => readFile(path, 'utf8');
  const app = await startTestApp(
    {
      'gates.yaml': gatesYaml(),
      'policy.yaml': policyYaml,
      'tls.crt': await text(server.cert),
      'tls.key': await text(server.key),
      'ca.crt': await text(authority.ca),
      ...files,
    },
    { ...options, folder },
  );
  const apis: ApiServer[] = [];
  const caller: Place['caller'] = async (pair, ca = authority.ca) => {
    const own = pair === null ? {} : { cert: await text(pair.cert), key: await text(pair.key) };
    const made = createApiServer({ port: app.app.admissionPort() ?? 0, ca: await text(ca), ...own });
    apis.push(made);
    return made;
  };
  const api = await caller(client);
  const vote = async (gate: string, as: string, word: string) => {
    const doc = await app.app.store.document('gate', gate);
    const answer = await app.call('POST', `/api/v1/approvals/${doc?.approval}/votes`, { as, body: { vote: word } });
    if (answer.status !== 200) throw new Error(`the vote was answered ${answer.status} ${JSON.stringify(answer.body)}`);
  };
  return {
    ...{ app, api, folder, authority, caller },
    pod: (image, more = {}) => api.admit({ kind: 'Pod', object: pod(image), ...more }),
    approve: (gate, as = 'ALICE') => vote(gate, as, 'approve'),
    deny: gate => vote(gate, 'ALICE', 'deny'),
    async stop() {
      for (const one of apis) one.close();
      await app.stop();
    },
  };
}
