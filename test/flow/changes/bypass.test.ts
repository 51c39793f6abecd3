import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Held } from '../../../src/model/ledger/held.ts';
import { basicConfig, type Files, startTestApp, type TestApp } from '../../doubles/app.ts';

const digestOf = (number: number) => `sha256:${String(number).repeat(64)}`;
const imageOf = (number: number) => `registry.example/checkout@${digestOf(number)}`;

const files: Files = {
  'tocsin.yaml': basicConfig.replace(
    'sources:',
    'sources:\n  kubernetes-audit: { token: audit-secret, cluster: blue }',
  ),
  'gates.yaml': `
gates:
  deploy:
    ask: [ci]
    needs: [image, environment]
    guards:
      - { environment: production, sources: [kubernetes-audit], resources: ["*/shop/*"] }
      - { environment: production }
  other: { ask: [ci] }
`,
  'policy.yaml': `
rules:
  - { name: fine, when: 'gate.name != ""', decide: auto }
  - { name: ask, decide: approve, by: sre }
`,
  'changes.yaml': `
matchAfter: 0s
skew: 0s
known: [{ reason: our deployer, principals: ["deployer"] }]
`,
};

/** An audit event of a request that patches the Deployment. */
function patched(image: string, by = 'mallory', object: unknown = null) {
  return {
    level: 'Request',
    auditID: crypto.randomUUID(),
    stage: 'ResponseComplete',
    requestURI: '/apis/apps/v1/namespaces/shop/deployments/checkout',
    verb: 'patch',
    user: { username: by },
    sourceIPs: ['203.0.113.9'],
    objectRef: { resource: 'deployments', namespace: 'shop', name: 'checkout', apiGroup: 'apps', apiVersion: 'v1' },
    responseStatus: { metadata: {}, code: 200 },
    requestObject: object ?? { spec: { template: { spec: { containers: [{ name: 'checkout', image }] } } } },
    stageTimestamp: new Date().toISOString(),
  };
}

/** A kubectl that knows one Deployment, in a file, and nothing else: any other command fails. */
async function fakeKubectl(image: string) {
  const folder = await mkdtemp(join(tmpdir(), 'tocsin-kubectl-'));
  const [state, log] = [join(folder, 'image'), join(folder, 'log')];
  await writeFile(state, image);
  await writeFile(log, '');
  const program = `#!${process.execPath}
const { appendFileSync, readFileSync, writeFileSync } = require('node:fs');
const argv = process.argv.slice(2);
appendFileSync(${JSON.stringify(log)}, JSON.stringify(argv) + '\\n');
const [verb, ...rest] = argv;
const is = (...words) => JSON.stringify(argv.slice(0, words.length)) === JSON.stringify(words);
if (!argv.includes('--namespace=shop')) process.exit(2);
if (is('get', 'deployment/checkout')) process.stdout.write(readFileSync(${JSON.stringify(state)}, 'utf8'));
else if (is('set', 'image', 'deployment/checkout')) {
  if (!argv[3].startsWith('checkout=')) process.exit(3);
  writeFileSync(${JSON.stringify(state)}, argv[3].slice('checkout='.length));
} else if (!is('rollout', 'status', 'deployment/checkout')) process.exit(4);
`;
  await writeFile(join(folder, 'kubectl'), program);
  await chmod(join(folder, 'kubectl'), 0o755);
  return {
    path: `${folder}:${process.env['PATH'] ?? ''}`,
    image: () => readFile(state, 'utf8'),
    set: (now: string) => writeFile(state, now),
    calls: async () => (await readFile(log, 'utf8')).split('\n').filter(Boolean),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

describe('a deployment past its gate', () => {
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  const start = async (more: Files = {}, options: Parameters<typeof startTestApp>[1] = {}) => {
    const app = await startTestApp({ ...files, ...more }, options);
    ends.push(() => app.stop());
    return app;
  };
  const tell = async (app: TestApp, ...items: object[]) => {
    const body = { kind: 'EventList', apiVersion: 'audit.k8s.io/v1', metadata: {}, items };
    const headers = { authorization: 'Bearer audit-secret' };
    const answer = await app.call('POST', '/events/kubernetes-audit', { as: null, headers, body });
    expect(answer.status).toBe(202);
  };
  const letIn = async (app: TestApp, number: number, environment = 'production', gate = 'deploy') => {
    const subject = { image: imageOf(number), environment };
    const { body } = await app.call('POST', '/gates', { as: 'CI', body: { gate, subject } });
    expect(body).toMatchObject({ verdict: 'allow' });
    return body.id as string;
  };
  const judged = async (app: TestApp, count: number): Promise<Held> =>
    await app.until(async () => {
      const all = await app.app.store.documents('held', {});
      return all.length === count && all.every(one => one.state !== 'open') ? all[0] : null;
    });

  it('is unpermitted, also by automation that needs no permit otherwise; with the verdict of the gate it is permitted', async () => {
    const app = await start();
    await letIn(app, 1);
    await tell(app, patched(imageOf(1), 'deployer'));
    expect(await judged(app, 1)).toMatchObject({ state: 'permitted', bypassed: null, environment: null });
    await tell(app, patched(imageOf(2), 'deployer'));
    const past = await judged(app, 2);
    expect(past).toMatchObject({ state: 'unpermitted', bypassed: 'deploy' });
    expect(past.because).toMatch(/^it came into production past the gate deploy: /);
    expect(await app.app.store.alert(past.alert ?? '')).toMatchObject({
      state: 'firing',
      labels: { gate: 'bypassed', bypassed: 'deploy', unpermitted: 'true' },
      annotations: { before: `image of checkout: ${imageOf(1)}`, after: `image of checkout: ${imageOf(2)}` },
    });
    // More pods of what runs there bring nothing in.
    await tell(app, patched('', 'deployer', { spec: { replicas: 9 } }));
    expect(await judged(app, 3)).toMatchObject({ state: 'known', bypassed: null });
  });

  it('is unpermitted when the verdict was of another gate, for another environment, or revoked before', async () => {
    const app = await start();
    await letIn(app, 1, 'staging');
    await letIn(app, 2, 'production', 'other');
    const revoked = await letIn(app, 3);
    const { status } = await app.call('POST', `/api/v1/gates/${revoked}/revoke`, { body: { reason: 'it leaks' } });
    expect(status).toBe(200);
    for (const number of [1, 2, 3]) {
      await tell(app, patched(imageOf(number)));
      expect(await judged(app, number)).toMatchObject({ state: 'unpermitted', bypassed: 'deploy' });
    }
    const { because } = await judged(app, 3);
    expect(because).toContain('it leaks');
  });

  it('is unpermitted when a part of it was not let in: a second image, one that a JSON patch names, a tag', async () => {
    const app = await start();
    await letIn(app, 1);
    const two = { name: 'proxy', image: imageOf(2) };
    const containers = [{ name: 'checkout', image: imageOf(1) }];
    const pod = (spec: object) => ({ spec: { template: { spec } } });
    const op = (path: string, value: unknown) => [{ op: 'replace', path, value }];
    const sent = [
      pod({ containers: [...containers, two] }),
      pod({ containers, initContainers: [two] }),
      op('/spec/template/spec/containers/0/image', imageOf(2)),
      op('/spec/template', { spec: { containers: [two] } }),
      op('/spec/template/spec/initContainers/-', two),
      pod({ containers: [{ name: 'checkout', image: 'registry.example/checkout:8' }] }),
    ];
    for (const [index, object] of sent.entries()) {
      await tell(app, patched('', 'mallory', object));
      expect(await judged(app, index + 1)).toMatchObject({ state: 'unpermitted', bypassed: 'deploy' });
    }
    expect((await judged(app, sent.length)).because).toContain('registry.example/checkout:8 names no digest');
  });

  it('is rolled back when people agree, to the image that was let in, and read again', async () => {
    const kubectl = await fakeKubectl(imageOf(2));
    ends.push(kubectl.remove);
    const runbook = await readFile(resolve(import.meta.dirname, '../../../runbooks/roll-back-image.yaml'), 'utf8');
    const app = await start({ 'runbooks/roll-back-image.yaml': runbook }, { env: { PATH: kubectl.path } });
    await letIn(app, 1);
    await tell(app, patched(imageOf(1)));
    await judged(app, 1);
    // What came in by right starts nothing.
    expect(await app.runs()).toEqual([]);
    await tell(app, patched(imageOf(2)));
    const held = await judged(app, 2);
    const waiting = await app.until(async () => (await app.runs())[0]);
    expect(waiting).toMatchObject({
      runbook: 'roll-back-image',
      state: 'waiting',
      undoes: held.id,
      params: { namespace: 'shop', deployment: 'checkout', container: 'checkout', image: imageOf(1) },
    });
    expect(await kubectl.calls()).toEqual([]);
    const vote = await app.call('POST', `/api/v1/approvals/${waiting.approval}/votes`, {
      as: 'BOB',
      body: { vote: 'approve' },
    });
    expect(vote.status).toBe(200);
    const run = await app.ended(waiting.id);
    expect(run).toMatchObject({ state: 'succeeded' });
    expect(await kubectl.image()).toBe(imageOf(1));
    await app.until(async () => (await app.app.store.document('held', held.id))?.state === 'undone');
    await app.until(async () => (await app.app.store.alert(held.alert ?? ''))?.state === 'resolved');
    // The cluster tells of the rollback too: what it brings was let in.
    await tell(app, patched(imageOf(1), 'tocsin'));
    const back = await judged(app, 3);
    expect(back).toMatchObject({ state: 'permitted' });
    expect(await app.runs()).toHaveLength(1);
    const explained = async (event: string) => (await app.call('GET', `/api/v1/explain/${event}`)).body.runbooks[0];
    expect(await explained(held.event)).toMatchObject({ holds: true });
    expect(await explained(back.event)).toMatchObject({
      holds: false,
      because: expect.stringContaining('takes only changes that nobody permitted, and this one is permitted'),
    });
  });
});
