import { messageOf } from '../../kernel/errors.ts';
import type { CheckTools, Finding } from '../../ports/check.ts';
import { ApiRefusal, type Client, openClient } from './client.ts';
import type { Options } from './options.ts';

interface Wish {
  verb: string;
  group: string;
  resource: string;
  namespace: string;
  /** What is read of a Pod's parts. */
  subresource?: string;
}

/** Pure: what the token must be allowed by these options. `get` is for a look at one object. */
export function needed({ namespaces, nodes, pods, deployments }: Options): Wish[] {
  const within = [
    { group: '', resource: 'events', on: true, verbs: ['list', 'watch'] },
    { group: '', resource: 'pods', on: pods, verbs: ['get', 'list', 'watch'] },
    { group: 'apps', resource: 'deployments', on: deployments, verbs: ['get', 'list', 'watch'] },
  ];
  const scoped = within
    .filter(({ on }) => on)
    .flatMap(({ group, resource, verbs }) =>
      (namespaces ?? ['']).flatMap(namespace => verbs.map(verb => ({ verb, group, resource, namespace }))),
    );
  const global = nodes
    ? ['get', 'list', 'watch'].map(verb => ({ verb, group: '', resource: 'nodes', namespace: '' }))
    : [];
  return [...scoped, ...global];
}

/** What a watcher must never be allowed: each lets whoever has the token take over the cluster, or read its secrets. */
const excess: readonly (Wish & { what: string })[] = [
  { verb: 'get', group: '', resource: 'secrets', namespace: '', what: 'read Secrets' },
  { verb: 'create', group: '', resource: 'pods', namespace: '', what: 'start pods' },
  { verb: 'create', group: '', resource: 'pods', subresource: 'exec', namespace: '', what: 'run commands in pods' },
  { verb: 'patch', group: 'apps', resource: 'deployments', namespace: '', what: 'change Deployments' },
  { verb: 'delete', group: '', resource: 'nodes', namespace: '', what: 'delete nodes' },
];

/** For `tocsin doctor`: asks the API server itself what the token may do (SelfSubjectAccessReview, which stores nothing). */
export async function check(options: Options, { signal }: CheckTools): Promise<Finding[]> {
  const what = 'the API server';
  try {
    const client = await openClient(options);
    const [missing, found] = [await missingOf(client, options, signal), await excessOf(client, options, signal)];
    return [{ what, state: 'ok' }, ...missing, ...found];
  } catch (error) {
    return [
      { what, state: 'bad', asks: true, because: `it cannot be asked: ${messageOf(error)}`, remedy: remedyOf(error) },
    ];
  }
}

function remedyOf(error: unknown): string {
  if (error instanceof ApiRefusal && error.status === 401) return 'Give a token that holds.';
  return 'See that the address is reached from this machine, and that ca is the authority that signed its certificate.';
}

async function missingOf(client: Client, options: Options, signal: AbortSignal): Promise<Finding[]> {
  const asked = await Promise.all(
    needed(options).map(async wish => ((await mayDo(client, wish, signal)) ? [] : [wish])),
  );
  return asked.flat().map(({ verb, resource, namespace }) => ({
    what: `the permission to ${verb} ${resource}${namespace === '' ? '' : ` in ${namespace}`}`,
    state: 'bad' as const,
    because: 'the token does not have it',
    remedy: 'Apply the role of docs/kubernetes.md, or leave this out of the options.',
  }));
}

async function excessOf(client: Client, { namespaces }: Options, signal: AbortSignal): Promise<Finding[]> {
  const everywhere = excess.flatMap(one => (namespaces ?? ['']).map(namespace => ({ ...one, namespace })));
  const asked = await Promise.all(
    everywhere.map(async wish => ((await mayDo(client, wish, signal)) ? [wish.what] : [])),
  );
  return [...new Set(asked.flat())].map(may => ({
    what: 'the permissions of the token',
    state: 'warning' as const,
    because: `it may ${may}, which watching does not need`,
    remedy: 'Give Tocsin a service account of its own with the role of docs/kubernetes.md.',
  }));
}

async function mayDo(client: Client, wish: Wish, signal: AbortSignal): Promise<boolean> {
  const { verb, group, resource, namespace, subresource = '' } = wish;
  const body = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes: { verb, group, resource, subresource, namespace } },
  };
  const answer = await client.post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', body, signal);
  return (answer as { status?: { allowed?: unknown } }).status?.allowed === true;
}
