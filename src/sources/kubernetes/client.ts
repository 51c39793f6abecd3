import { readFile } from 'node:fs/promises';
import type { KubeConfig, RequestContext } from '@kubernetes/client-node';
import { messageOf, TocsinError } from '../../kernel/errors.ts';
import type { Access, Options } from './options.ts';
import { kubeList, kubeStatus } from './shapes.ts';

/**
 * The API server through @kubernetes/client-node: kubeconfig, TLS, tokens and watches are its own. Lists and single objects are read as
 * the JSON that was sent, not through its models, which turn times into Date and leave out what they do not know.
 * Facts: packages.md of the project's notes, and the code of 2.0.1: a watch ends after 30 s without a byte; bookmarks must be asked for; an
 * error of the callback is swallowed; plain calls have no time-out.
 */
export interface Client {
  /** Where the API server is, for messages and keys. */
  readonly server: string;
  /** One object or list as JSON. Rejects with an ApiRefusal for each answer that is not 2xx. */
  get(path: string, query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<unknown>;
  /** Creates a review; nothing is stored by it. */
  post(path: string, body: object, signal: AbortSignal): Promise<unknown>;
  /** All pages of a list: the items one by one, and the version that they have together. */
  list(
    path: string,
    signal: AbortSignal,
    query?: Readonly<Record<string, string>>,
  ): Promise<{ items: unknown[]; version: string }>;
  /**
   * Watches from a version on; resolves when the stream ended in order, rejects with why it broke. `hear` must not throw. Aborting the
   * signal ends it.
   */
  watch(
    path: string,
    version: string,
    hear: (type: string, object: unknown) => void,
    signal: AbortSignal,
  ): Promise<void>;
}

/** An answer of the API server that is not 2xx. */
export class ApiRefusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = 'ApiRefusal';
    this.status = status;
  }
}

/** The longest answer, bytes; a page of a list has at most `perPage` objects. */
const mostBytes = 64 * 1024 * 1024;
const perPage = 250;
const mostPages = 4000;

/** Milliseconds. */
const callTimeout = 30_000;

/**
 * How long one watch lasts, seconds: below the 30 s after which the client takes a silent stream for broken. The API server sends a bookmark
 * before it ends a watch in order, where the kind has a watch cache. Events have none by default (kubernetes/kubernetes#96052), and no
 * bookmarks then (#120348).
 */
const watchSeconds = 25;

const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount';

type Library = typeof import('@kubernetes/client-node');

/** The library is large (about 90 MB of memory), so it is loaded by the first source that is configured. */
export async function openClient({ access }: Pick<Options, 'access'>): Promise<Client> {
  const library = await import('@kubernetes/client-node');
  const config = configOf(access, library);
  const cluster = safeCluster(config);
  const http = new library.IsomorphicFetchHttpLibrary();
  const watcher = new library.Watch(config);

  async function call(method: 'GET' | 'POST', url: URL, body: object | null, signal: AbortSignal): Promise<unknown> {
    const context = new library.RequestContext(url.href, library.HttpMethod[method]);
    context.setHeaderParam('accept', 'application/json');
    if (body !== null) {
      context.setHeaderParam('content-type', 'application/json');
      context.setBody(JSON.stringify(body));
    }
    await config.applySecurityAuthentication(context);
    context.setSignal(AbortSignal.any([signal, AbortSignal.timeout(callTimeout)]));
    try {
      const answer = await http.send(context).toPromise();
      const text = await readText(answer.body.stream());
      if (answer.httpStatusCode < 200 || answer.httpStatusCode > 299)
        throw new ApiRefusal(answer.httpStatusCode, refusalOf(answer.httpStatusCode, text));
      return JSON.parse(text);
    } finally {
      await release(context);
    }
  }

  const urlOf = (path: string, query: Readonly<Record<string, string>>) => {
    const url = new URL(cluster.server.replace(/\/+$/, '') + path);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return url;
  };

  return {
    server: cluster.server,
    get: (path, query, signal) => call('GET', urlOf(path, query), null, signal),
    post: (path, body, signal) => call('POST', urlOf(path, {}), body, signal),
    async list(path, signal, query = {}) {
      const items: unknown[] = [];
      let next = '';
      for (let page = 0; page < mostPages; page++) {
        const paging = { limit: String(perPage), ...(next === '' ? {} : { continue: next }) };
        const { metadata, items: some } = kubeList.parse(
          await call('GET', urlOf(path, { ...query, ...paging }), null, signal),
        );
        items.push(...some);
        next = metadata.continue;
        if (next === '') return { items, version: metadata.resourceVersion };
      }
      throw new Error(`the list has more than ${mostPages} pages`);
    },
    watch(path, version, hear, signal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return resolve();
        const query = { resourceVersion: version, allowWatchBookmarks: 'true', timeoutSeconds: String(watchSeconds) };
        const end = (error: unknown) => (error == null || signal.aborted ? resolve() : reject(asRefusal(error)));
        signal.addEventListener('abort', () => resolve(), { once: true });
        watcher
          .watch(path, query, (type, object) => hear(type, object), end)
          .then(stop => {
            if (signal.aborted) stop.abort();
            else signal.addEventListener('abort', () => stop.abort(), { once: true });
          }, end);
      });
    },
  };
}

function configOf(access: Access, library: Library): KubeConfig {
  const config = new library.KubeConfig();
  if (access === 'in-cluster') {
    config.loadFromCluster();
    if (config.getCurrentCluster()?.server.includes('//undefined:') !== false)
      throw refuse('this is no pod of a cluster', 'Run Tocsin in a pod, or give kubeconfig or server.');
  } else if ('kubeconfig' in access) {
    try {
      config.loadFromFile(access.kubeconfig);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      throw refuse(
        `${access.kubeconfig} cannot be read${code === undefined ? '' : ` (${code})`}`,
        'Give a kubeconfig file.',
      );
    }
    if (access.context !== undefined) config.setCurrentContext(access.context);
  } else {
    const { server, ca, token, tokenFile } = access;
    const trusted = ca.includes('-----BEGIN') ? { caData: Buffer.from(ca).toString('base64') } : { caFile: ca };
    const file = tokenFile === undefined ? {} : { authProvider: { name: ownProvider, config: { tokenFile } } };
    if (tokenFile !== undefined) config.addAuthenticator(fromFile(tokenFile));
    config.loadFromClusterAndUser(
      { name: 'cluster', server, skipTLSVerify: false, ...trusted },
      { name: 'user', ...(token === undefined ? file : { token }) },
    );
  }
  return config;
}

const ownProvider = 'token-file';

/** The library's own provider for token files (2.0.1) keeps the line end with which most of them end, and no client sends that. */
function fromFile(path: string): Parameters<KubeConfig['addAuthenticator']>[0] {
  return {
    isAuthProvider: user => user.authProvider?.name === ownProvider,
    async applyAuthentication(_user, options) {
      const token = (await readFile(path, 'utf8')).trim();
      options.headers = { ...options.headers, Authorization: `Bearer ${token}` } as typeof options.headers;
    },
  };
}

/** The cluster of the context, if the way to it is safe: https, verified, and no program is run for a token. */
function safeCluster(config: KubeConfig): { server: string } {
  const cluster = config.getCurrentCluster();
  const user = config.getCurrentUser();
  if (cluster === null) throw refuse('the kubeconfig has no such context', 'Name a context that it has.');
  if (!/^https:\/\//i.test(cluster.server)) throw refuse('the address is not https', 'Give the https address.');
  if (cluster.skipTLSVerify)
    throw refuse(
      'insecure-skip-tls-verify is set',
      'Give certificate-authority or certificate-authority-data instead.',
    );
  const file = user?.authProvider?.config?.tokenFile;
  if (user?.exec != null || (user?.authProvider != null && file === undefined))
    throw refuse('a program would be run for the token', `Use a service account's token; in a pod, ${serviceAccount}.`);
  // The library (2.0.1) drops `tokenFile` of a kubeconfig without a word, and would ask as nobody.
  if (user?.token === undefined && user?.certFile === undefined && user?.certData === undefined && file === undefined)
    throw refuse(
      'the user of the kubeconfig has neither a token nor a client certificate',
      'For a tokenFile give server, ca and tokenFile in place of the kubeconfig.',
    );
  return cluster;
}

function refuse(message: string, remedy: string): TocsinError {
  return new TocsinError('file-invalid', { message: `The API server cannot be reached safely: ${message}.`, remedy });
}

async function readText(stream: ReadableStream<Uint8Array> | null): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream ?? []) {
    size += chunk.byteLength;
    if (size > mostBytes) throw new Error(`the answer is longer than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The client makes a connection pool for each call, and leaves it open. */
async function release(context: RequestContext): Promise<void> {
  await context
    .getDispatcher()
    ?.close()
    .catch(() => {});
}

function refusalOf(status: number, text: string): string {
  try {
    const { message } = kubeStatus.parse(JSON.parse(text));
    if (message !== '') return `${status} ${message.slice(0, 300)}`;
  } catch {
    // A proxy before the API server answers with a page of its own: then the status is all that is known.
  }
  return `HTTP ${status}`;
}

/** A watch is refused with `statusCode`; all else is a failure of the connection. */
function asRefusal(error: unknown): Error {
  const status = (error as { statusCode?: unknown }).statusCode;
  if (typeof status === 'number') return new ApiRefusal(status, `HTTP ${status} ${messageOf(error)}`);
  return error instanceof Error ? error : new Error(messageOf(error));
}
