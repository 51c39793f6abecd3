import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { makeCertificate } from '../../kernel/egress/certificate.ts';
import { createObjects, type Objects, type Stored } from './objects.ts';

/** What a token may do, as rules of RBAC: verbs, resources (`pods`, `deployments.apps`) and namespaces; `*` for all. */
export interface Rule {
  verbs: readonly string[];
  resources: readonly string[];
  namespaces?: readonly string[];
}

/**
 * An API server over TLS, as far as a client that lists and watches sees it. It refuses what the real one refuses: a missing or unknown
 * token (401), what RBAC does not allow (403), a version that it no longer has (410) or that is none (400); it sends bookmarks only where they
 * are asked for, and none for events (kubernetes/kubernetes#96052, #120348).
 */
export interface KubernetesDouble extends Objects {
  url: string;
  ca: string;
  token: string;
  rules: Rule[];
  /** Each list and watch that arrived: `list /api/v1/pods`, `watch /api/v1/events 12`. */
  requests: string[];
  /** How a version that was compacted is refused: as an answer, or as an ERROR in a stream that was begun. */
  gone: 'status' | 'stream';
  /** Answers everything with this status. */
  down: number | null;
  /** True: streams say nothing, as behind a connection that died. */
  stalled: boolean;
  /** Sends a bookmark to each watch of the path that asked for it. */
  bookmark(path: string): void;
  /** How many watches of the path are open. */
  watching(path: string): number;
  /** Breaks all streams in the middle of a line. */
  cut(): void;
  close(): Promise<void>;
}

interface Watch {
  path: string;
  response: ServerResponse;
  matches(stored: Stored): boolean;
  bookmarks: boolean;
  kind: string;
}

const kinds: Readonly<Record<string, { kind: string; apiVersion: string }>> = {
  events: { kind: 'Event', apiVersion: 'v1' },
  pods: { kind: 'Pod', apiVersion: 'v1' },
  nodes: { kind: 'Node', apiVersion: 'v1' },
  deployments: { kind: 'Deployment', apiVersion: 'apps/v1' },
};

export async function startKubernetes(): Promise<KubernetesDouble> {
  const authority = makeCertificate('the cluster', { ca: true });
  const { cert, key } = makeCertificate('localhost', { issuer: { ...authority, name: 'the cluster' } });
  const watches = new Set<Watch>();
  const objects = createObjects(stored => {
    if (double.stalled) return;
    for (const watch of watches) if (watch.matches(stored)) line(watch.response, stored.type, stored.object);
  });

  const server = createServer({ cert, key }, (request, response) => void answer(request, response));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'https://localhost');
    if (double.down !== null) return status(response, double.down, 'InternalError', 'the double is down');
    if (request.headers.authorization !== `Bearer ${double.token}`)
      return status(response, 401, 'Unauthorized', 'Unauthorized');
    if (request.method === 'POST') return await review(url, request, response);
    if (request.method !== 'GET')
      return status(response, 405, 'MethodNotAllowed', 'the server does not allow this method');
    const found = /^\/(?:api\/v1|apis\/apps\/v1)\/(?:namespaces\/([^/]+)\/)?([a-z]+)(?:\/([^/]+))?$/.exec(url.pathname);
    const [, namespace = null, resource = '', name = null] = found ?? [];
    const meta = kinds[resource];
    const base = meta?.apiVersion === 'v1' ? '/api/v1/' : '/apis/apps/v1/';
    if (meta === undefined || !url.pathname.startsWith(base))
      return status(response, 404, 'NotFound', 'the server could not find the requested resource');
    const isWatch = ['true', '1'].includes(url.searchParams.get('watch') ?? '');
    const verb = isWatch ? 'watch' : name === null ? 'list' : 'get';
    if (!mayDo(verb, resource, namespace))
      return status(
        response,
        403,
        'Forbidden',
        `${resource} is forbidden: User "tocsin" cannot ${verb} resource "${resource}"`,
      );
    const inScope = (stored: Stored) =>
      stored.resource === resource && (namespace === null || stored.namespace === namespace);
    if (name !== null) {
      const one = objects.all().find(stored => inScope(stored) && stored.name === name);
      if (one === undefined) return status(response, 404, 'NotFound', `${resource} "${name}" not found`);
      return json(response, 200, { ...meta, ...one.object });
    }
    const fields = fieldsOf(url.searchParams.get('fieldSelector') ?? '');
    const matches = (stored: Stored) =>
      inScope(stored) && fields.every(([path, value]) => valueAt(stored.object, path) === value);
    if (isWatch) return watch(url, { resource, matches, kind: meta.kind, apiVersion: meta.apiVersion }, response);
    double.requests.push(`list ${url.pathname}`);
    list(url, matches, meta, response);
  }

  function list(
    url: URL,
    matches: (stored: Stored) => boolean,
    meta: { kind: string; apiVersion: string },
    response: ServerResponse,
  ) {
    const all = objects.all().filter(matches);
    const from = Number(url.searchParams.get('continue') ?? 0);
    const limit = Number(url.searchParams.get('limit') ?? 0) || all.length;
    const more =
      from + limit < all.length
        ? { continue: String(from + limit), remainingItemCount: all.length - from - limit }
        : {};
    json(response, 200, {
      kind: `${meta.kind}List`,
      apiVersion: meta.apiVersion,
      metadata: { resourceVersion: String(objects.version()), ...more },
      // Items of a list have no kind of their own.
      items: all.slice(from, from + limit).map(({ object }) => object),
    });
  }

  function watch(
    url: URL,
    of: { resource: string; matches: (stored: Stored) => boolean; kind: string; apiVersion: string },
    response: ServerResponse,
  ): void {
    const version = url.searchParams.get('resourceVersion') ?? '';
    double.requests.push(`watch ${url.pathname} ${version}`);
    if (!/^\d+$/.test(version))
      return void status(
        response,
        400,
        'BadRequest',
        `Invalid value: ${JSON.stringify(version)}: strconv.ParseUint: parsing`,
      );
    const from = Number(version);
    const tooOld = from < objects.compacted();
    const message = `too old resource version: ${from} (${objects.compacted()})`;
    if (tooOld && double.gone === 'status') return void status(response, 410, 'Expired', message);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    if (tooOld) {
      line(response, 'ERROR', statusObject(410, 'Expired', message));
      return void response.end();
    }
    const one: Watch = {
      path: url.pathname,
      response,
      matches: of.matches,
      bookmarks: url.searchParams.get('allowWatchBookmarks') === 'true' && of.resource !== 'events',
      kind: of.kind,
    };
    if (!double.stalled)
      for (const stored of objects.since(from)) if (of.matches(stored)) line(response, stored.type, stored.object);
    watches.add(one);
    const seconds = Number(url.searchParams.get('timeoutSeconds') ?? 1800);
    const timer = setTimeout(() => {
      if (double.stalled) return;
      mark(one);
      response.end();
    }, seconds * 1000);
    response.on('close', () => {
      clearTimeout(timer);
      watches.delete(one);
    });
  }

  function mark(one: Watch): void {
    if (!one.bookmarks) return;
    const apiVersion = one.kind === 'Deployment' ? 'apps/v1' : 'v1';
    line(one.response, 'BOOKMARK', {
      kind: one.kind,
      apiVersion,
      metadata: { resourceVersion: String(objects.version()), creationTimestamp: null },
    });
  }

  function mayDo(verb: string, resource: string, namespace: string | null): boolean {
    const has = (list: readonly string[], one: string) => list.includes('*') || list.includes(one);
    return double.rules.some(
      ({ verbs, resources, namespaces = ['*'] }) =>
        has(verbs, verb) &&
        has(resources, resource) &&
        (namespace === null ? namespaces.includes('*') : has(namespaces, namespace)),
    );
  }

  async function review(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (url.pathname !== '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews')
      return status(response, 404, 'NotFound', 'the server could not find the requested resource');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = JSON.parse(Buffer.concat(chunks).toString());
    const asked = body?.spec?.resourceAttributes;
    if (
      body.kind !== 'SelfSubjectAccessReview' ||
      body.apiVersion !== 'authorization.k8s.io/v1' ||
      typeof asked?.verb !== 'string'
    )
      return status(response, 422, 'Invalid', 'SelfSubjectAccessReview is invalid');
    const allowed = mayDo(asked.verb, asked.resource, asked.namespace || null);
    json(response, 201, { ...body, status: { allowed, ...(allowed ? { reason: 'RBAC: allowed' } : {}) } });
  }

  const double: KubernetesDouble = {
    ...objects,
    url: `https://localhost:${port}`,
    ca: authority.cert,
    token: 'token-of-the-cluster',
    rules: [{ verbs: ['get', 'list', 'watch'], resources: ['events', 'pods', 'nodes', 'deployments'] }],
    requests: [],
    gone: 'status',
    down: null,
    stalled: false,
    bookmark(path) {
      for (const one of watches) if (one.path === path) mark(one);
    },
    watching: path => [...watches].filter(one => one.path === path).length,
    cut() {
      for (const { response } of watches) {
        response.write('{"type":"ADDED","object":{"metadata":{"na');
        response.socket?.destroy();
      }
    },
    async close() {
      server.closeAllConnections();
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
  return double;
}

function line(response: ServerResponse, type: string, object: object): void {
  response.write(`${JSON.stringify({ type, object })}\n`);
}

function json(response: ServerResponse, code: number, body: object): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function statusObject(code: number, reason: string, message: string): object {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code };
}

function status(response: ServerResponse, code: number, reason: string, message: string): void {
  json(response, code, statusObject(code, reason, message));
}

function fieldsOf(selector: string): (readonly [string, string])[] {
  return selector === ''
    ? []
    : selector.split(',').map(one => [one.split('=')[0] ?? '', one.split('=').at(-1) ?? ''] as const);
}

function valueAt(object: object, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((found, part) => (found as Record<string, unknown> | undefined)?.[part], object);
}
