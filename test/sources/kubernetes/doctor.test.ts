import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import type { CheckTools } from '../../../src/ports/check.ts';
import { check, needed } from '../../../src/sources/kubernetes/check.ts';
import { openClient } from '../../../src/sources/kubernetes/client.ts';
import source from '../../../src/sources/kubernetes/index.ts';
import { options as schema, warnings } from '../../../src/sources/kubernetes/options.ts';
import { type KubernetesDouble, startKubernetes } from '../../doubles/kubernetes/server.ts';

let cluster: KubernetesDouble;
let folder: string;
beforeEach(async () => {
  cluster = await startKubernetes();
  folder = await mkdtemp(join(tmpdir(), 'tocsin-kube-'));
});
afterEach(async () => {
  await cluster.close();
  await rm(folder, { recursive: true, force: true });
});

const tools = {
  clock: systemClock,
  fetch,
  env: () => undefined,
  signal: new AbortController().signal,
  url: null,
  name: 'kubernetes',
  channels: [],
  groups: [],
  accounts: {},
} satisfies CheckTools;
const parse = (over: object = {}) =>
  schema.parse({ access: { server: cluster.url, ca: cluster.ca, token: cluster.token }, ...over });
const signal = () => AbortSignal.timeout(20_000);

/** A kubeconfig as JSON, which is YAML. */
async function kubeconfig(parts: { cluster?: object; user?: object }): Promise<string> {
  const path = join(folder, 'config');
  const certificate = { 'certificate-authority-data': Buffer.from(cluster.ca).toString('base64') };
  const text = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: cluster.url, ...certificate, ...parts.cluster } }],
    users: [{ name: 'u', user: parts.user ?? { token: cluster.token } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  await writeFile(path, JSON.stringify(text));
  return path;
}

describe('doctor', () => {
  test('is content with the least that is needed, and asks for nothing else', async () => {
    expect(await check(parse(), tools)).toEqual([{ what: 'the API server', state: 'ok' }]);
    cluster.rules = [
      { verbs: ['get', 'list', 'watch'], resources: ['events', 'pods', 'deployments'], namespaces: ['shop'] },
    ];
    expect(await check(parse({ namespaces: ['shop'], nodes: false }), tools)).toEqual([
      { what: 'the API server', state: 'ok' },
    ]);
    expect(needed(parse({ pods: false, deployments: false, nodes: false }))).toEqual([
      { verb: 'list', group: '', resource: 'events', namespace: '' },
      { verb: 'watch', group: '', resource: 'events', namespace: '' },
    ]);
  });

  test('names each permission that is missing, and each that is too much', async () => {
    cluster.rules = [{ verbs: ['get', 'list'], resources: ['events', 'pods', 'nodes', 'secrets'] }];
    const found = await check(parse({ deployments: false }), tools);
    expect(found.map(({ what, state, because }) => [what, state, because])).toEqual([
      ['the API server', 'ok', undefined],
      ['the permission to watch events', 'bad', 'the token does not have it'],
      ['the permission to watch pods', 'bad', 'the token does not have it'],
      ['the permission to watch nodes', 'bad', 'the token does not have it'],
      ['the permissions of the token', 'warning', 'it may read Secrets, which watching does not need'],
    ]);
  });

  test('says why the server cannot be asked: another token, another authority, nobody there', async () => {
    const because = async (over: object) =>
      (
        await check(schema.parse({ access: { server: cluster.url, ca: cluster.ca, token: 'wrong', ...over } }), tools)
      )[0];
    expect(await because({})).toMatchObject({
      state: 'bad',
      because: expect.stringContaining('401'),
      remedy: 'Give a token that holds.',
    });
    const other = await startKubernetes();
    expect(await because({ ca: other.ca, token: cluster.token })).toMatchObject({ state: 'bad' });
    expect(cluster.requests).toEqual([]);
    const { url } = other;
    await other.close();
    expect(await because({ server: url })).toMatchObject({ state: 'bad' });
  });
});

describe('the way to a cluster', () => {
  test('a kubeconfig with a token, and a file with a token that changes, are taken', async () => {
    const client = await openClient({ access: { kubeconfig: await kubeconfig({}) } });
    await expect(client.list('/api/v1/pods', signal())).resolves.toMatchObject({ items: [] });
    const tokenFile = join(folder, 'token');
    await writeFile(tokenFile, `${cluster.token}\n`);
    await writeFile(join(folder, 'ca.crt'), cluster.ca);
    const other = await openClient({ access: { server: cluster.url, ca: join(folder, 'ca.crt'), tokenFile } });
    await expect(other.list('/api/v1/pods', signal())).resolves.toMatchObject({ items: [] });
  });

  test.each([
    [
      'a program for the token',
      { user: { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'touch', args: ['/tmp/never'] } } },
      'a program would be run',
    ],
    ['a plug-in for the token', { user: { 'auth-provider': { name: 'gcp', config: {} } } }, 'a program would be run'],
    ['a file for the token', { user: { tokenFile: '/var/run/token' } }, 'neither a token nor a client certificate'],
    ['TLS without verification', { cluster: { 'insecure-skip-tls-verify': true } }, 'insecure-skip-tls-verify'],
    ['plain http', { cluster: { server: 'http://127.0.0.1:1', 'insecure-skip-tls-verify': true } }, 'not https'],
  ])('a kubeconfig with %s is refused', async (_what, parts, text) => {
    const path = await kubeconfig(parts);
    await expect(openClient({ access: { kubeconfig: path } })).rejects.toMatchObject({
      code: 'file-invalid',
      message: expect.stringContaining(text),
    });
    await expect(openClient({ access: { kubeconfig: path, context: 'nobody' } })).rejects.toMatchObject({
      code: 'file-invalid',
    });
  });

  test('outside a pod, in-cluster is refused in plain words', async () => {
    await expect(openClient({ access: 'in-cluster' })).rejects.toThrow('this is no pod of a cluster');
    await expect(openClient({ access: { kubeconfig: join(folder, 'none') } })).rejects.toThrow(
      'cannot be read (ENOENT)',
    );
  });

  test('a list of many pages is read to its end, and a refusal says what it is', async () => {
    for (let n = 0; n < 620; n++) cluster.put('pods', { metadata: { name: `p${n}`, namespace: 'shop' } });
    const client = await openClient(parse());
    const { items, version } = await client.list('/api/v1/pods', signal());
    expect([items.length, version]).toEqual([620, String(cluster.version())]);
    cluster.rules = [];
    await expect(client.list('/api/v1/pods', signal())).rejects.toMatchObject({
      status: 403,
      message: expect.stringContaining('pods is forbidden'),
    });
    cluster.down = 500;
    await expect(client.list('/api/v1/pods', signal())).rejects.toMatchObject({ status: 500 });
  });
});

test('what weakens it is told, and what is unsafe is refused', () => {
  expect(warnings(parse()).map(({ at }) => at)).toEqual([['access', 'token']]);
  expect(warnings(parse({ silence: '1m' })).map(({ at }) => at.join('.'))).toEqual(['access.token', 'silence']);
  const refused = [
    { access: { server: 'http://10.0.0.1', ca: 'x', token: 't' } },
    { access: { server: cluster.url, ca: 'x' } },
    { access: { server: cluster.url, ca: 'x', token: 't', tokenFile: '/t' } },
    { access: { server: cluster.url, token: 't' } },
    { access: { kubeconfig: 'relative' } },
    { access: 'in-cluster', namespaces: ['../../secrets'] },
    { access: 'in-cluster', namespaces: [] },
  ];
  expect(refused.map(one => source.options.safeParse(one).success)).toEqual(refused.map(() => false));
});
