/** Outgoing HTTP: requests that reach only the addresses that the rules allow. */

import { lookup as systemLookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, fetch as undiciFetch } from 'undici';
import { TocsinError } from '../errors.ts';
import { reachOf } from './address.ts';
import { bounded, noAnswer, type Progress } from './answer.ts';

/** Resolves a host name to all of its addresses. */
export type Lookup = (hostname: string) => Promise<readonly { address: string; family: number }[]>;

export interface EgressParts {
  /** Hosts that may be reached, as `host` (any port) or `host:port`; `*.example.com` for subdomains. */
  allow: readonly string[];
  /** In the same form: hosts that may also be in private or loopback ranges. Link-local and metadata addresses must be named themselves. */
  private: readonly string[];
  /** Certificates (PEM) that the servers' must be issued by, in place of the public authorities. */
  ca?: string | undefined;
  /** The system's resolver when left out. */
  lookup?: Lookup;
  /** The most bytes of a response body, decompressed; 1 MiB when left out. */
  maxBody?: number;
  /** Milliseconds that `fetch` waits for a connection, for the headers, and for the body to go on after a pause; 30,000 when left out. */
  patience?: number;
}

export interface Egress {
  /**
   * `fetch` within the rules: http and https to allowed hosts, connected only to an address that was checked. Follows at most three
   * redirects; each is checked again and gets no credentials on another origin. The signal can end it sooner than the patience. Rejects
   * with `egress-refused`, or with `egress-failed`, which says what was waited for; with the signal's reason where that is no time-out.
   * Reading a body fails in the same way, and with `response-too-large`.
   */
  fetch: typeof fetch;
  /**
   * The same for a request whose signal is aborted after this many milliseconds; null for one that may take any time. Nothing else ends it
   * sooner: neither late headers nor a body that pauses.
   */
  within(time: number | null): typeof fetch;
  /** Closes idle connections. */
  close(): Promise<void>;
}

const mostRedirects = 3;
/** Headers that are kept on a redirect to another origin: none of them can be a credential. */
const harmless = new Set(['accept', 'accept-language', 'content-type', 'user-agent']);
/** Milliseconds: the time-out of a connect, of the response headers, and between two chunks of the body, for a caller that names none. */
const usualPatience = 30_000;
/** A day, milliseconds: timers of the system hold no more than 24 days. */
const longestPatience = 86_400_000;

export function createEgress(parts: EgressParts): Egress {
  const rules: Rules = { allow: parts.allow.map(parseHost), private: parts.private.map(parseHost) };
  const maxBody = parts.maxBody ?? 1024 * 1024;
  // One agent for each port, because the lookup function gets only the host, and for each patience.
  const agents = new Map<string, Agent>();
  const agentFor = (port: string, patience: number | null) => {
    // The library takes 0 for any time.
    const timeout = patience ?? 0;
    const known = agents.get(`${port} ${timeout}`);
    if (known !== undefined) return known;
    const lookup = checkedLookup(rules, port, parts.lookup ?? (host => systemLookup(host, { all: true })));
    const agent = new Agent({
      connect: { lookup, timeout, ...(parts.ca === undefined ? {} : { ca: parts.ca }) },
      headersTimeout: timeout,
      bodyTimeout: timeout,
      maxHeaderSize: 64 * 1024,
      // A reused connection was checked when it was made. It is kept for a short time only, because DNS records change.
      keepAliveTimeout: 4000,
      keepAliveMaxTimeout: 60_000,
    });
    agents.set(`${port} ${timeout}`, agent);
    return agent;
  };
  const fetchWith =
    (patience: number | null): typeof fetch =>
    (input, init) =>
      follow({ rules, maxBody, patience, agentFor }, input, init);
  return {
    fetch: fetchWith(parts.patience ?? usualPatience),
    within: time => fetchWith(beyond(time)),
    async close() {
      await Promise.all([...agents.values()].map(agent => agent.close()));
      agents.clear();
    },
  };
}

/** The next power of two after the time: the signal is the bound, this only its backstop, and few agents do for all times. */
function beyond(time: number | null): number | null {
  return time === null || time > longestPatience ? null : 2 ** Math.ceil(Math.log2(Math.max(0, time) + 1000));
}

interface HostRule {
  host: string;
  port: string | null;
}

interface Rules {
  allow: readonly HostRule[];
  private: readonly HostRule[];
}

/** Parses `host`, `host:port`, `[v6]:port` or a bare IPv6 address. */
function parseHost(text: string): HostRule {
  const trimmed = text.trim().toLowerCase();
  if (isIP(trimmed) === 6) return { host: plainHost(`[${trimmed}]`), port: null };
  const match = /^(.*?)(?::(\d+))?$/.exec(trimmed);
  const host = match?.[1] ?? trimmed;
  return { host: plainHost(host), port: match?.[2] ?? null };
}

/** The host as WHATWG URL normalises it (lower case, punycode, full addresses), without a trailing dot or brackets. */
function plainHost(host: string): string {
  const spelled = URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : host;
  return spelled.replace(/\.$/, '').replace(/^\[|\]$/g, '');
}

function matches(rules: readonly HostRule[], host: string, port: string): boolean {
  return rules.some(
    rule =>
      (rule.port === null || rule.port === port) &&
      (rule.host.startsWith('*.')
        ? host.endsWith(rule.host.slice(1)) && host.length > rule.host.length - 1
        : rule.host === host),
  );
}

interface Tools {
  rules: Rules;
  maxBody: number;
  patience: number | null;
  agentFor(port: string, patience: number | null): Agent;
}

interface Attempt {
  url: URL;
  method: string;
  headers: Headers;
  body: RequestInit['body'] | undefined;
}

async function follow(tools: Tools, input: Parameters<typeof fetch>[0], init: RequestInit = {}): Promise<Response> {
  let attempt = firstAttempt(input, init);
  const signal = init.signal ?? (input instanceof Request ? input.signal : null);
  const mode = init.redirect ?? (input instanceof Request ? input.redirect : 'follow');
  const since = performance.now();
  for (let redirects = 0; ; redirects++) {
    const progress: Progress = { url: attempt.url, signal, patience: tools.patience, since };
    const answer = await ask(tools, attempt, progress);
    const location = answer.headers.get('location');
    if (mode === 'manual' || location === null || ![301, 302, 303, 307, 308].includes(answer.status)) {
      return bounded(answer, tools.maxBody, progress);
    }
    await answer.body?.cancel();
    if (mode === 'error') throw refused(attempt.url, 'It redirects, and redirects are not wanted here.');
    if (redirects === mostRedirects) throw refused(attempt.url, `It redirects more than ${mostRedirects} times.`);
    attempt = redirected(attempt, answer.status, location);
  }
}

function firstAttempt(input: Parameters<typeof fetch>[0], init: RequestInit): Attempt {
  const request = input instanceof Request ? input : null;
  const text = request?.url ?? String(input);
  if (!URL.canParse(text)) {
    throw new TocsinError('egress-refused', {
      message: 'This is not an address.',
      allowed: 'http://... or https://...',
      given: text.slice(0, 200),
    });
  }
  return {
    url: new URL(text),
    method: (init.method ?? request?.method ?? 'GET').toUpperCase(),
    headers: new Headers(init.headers ?? request?.headers),
    body: init.body ?? request?.body ?? undefined,
  };
}

async function ask(tools: Tools, attempt: Attempt, progress: Progress): Promise<Response> {
  const { url, signal } = progress;
  checkUrl(tools.rules, url);
  try {
    const answer = await undiciFetch(url, {
      method: attempt.method,
      headers: [...attempt.headers],
      redirect: 'manual',
      dispatcher: tools.agentFor(portOf(url), tools.patience),
      ...(attempt.body == null ? {} : { body: attempt.body as string, duplex: 'half' as const }),
      ...(signal === null ? {} : { signal }),
    });
    // Undici's classes are not the global ones, but they have the same members.
    return answer as unknown as Response;
  } catch (error) {
    throw noAnswer(error, progress);
  }
}

function portOf(url: URL): string {
  return url.port || (url.protocol === 'https:' ? '443' : '80');
}

/** The checks that need no lookup. A host that is an address is checked here, because there will be no lookup for it. */
function checkUrl(rules: Rules, url: URL): void {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw refused(url, 'Only http and https are spoken.');
  if (url.username !== '' || url.password !== '')
    throw refused(url, 'A user or password in an address is not allowed; use a header.');
  const host = plainHost(url.hostname);
  const port = portOf(url);
  if (host === '') throw refused(url, 'There is no host.');
  if (!matches(rules.allow, host, port) && !matches(rules.private, host, port))
    throw refused(url, `${host}:${port} is not allowed.`);
  if (isIP(host) !== 0) checkAddress(rules, host, port, host);
}

/** Throws `egress-refused` unless this address may be reached under this host name. */
function checkAddress(rules: Rules, host: string, port: string, address: string): void {
  const reach = reachOf(address);
  if (reach === 'public') return;
  if (reach === 'private' && matches(rules.private, host, port)) return;
  if (reach === 'guarded' && host === address && matches(rules.private, address, port)) return;
  const what = reach === 'private' ? 'a private or loopback range' : 'a link-local, metadata or reserved range';
  throw new TocsinError('egress-refused', {
    message: `${host === address ? host : `${host} is ${address}, which`} lies in ${what}.`,
    allowed: reach === 'private' ? 'hosts under egress.private' : 'addresses that egress.private names themselves',
    given: `${host}:${port}`,
  });
}

function refused(url: URL, message: string): TocsinError {
  // Without path and query: both may hold a secret.
  return new TocsinError('egress-refused', {
    message,
    given: url.host === '' ? url.protocol : `${url.protocol}//${url.host}`,
  });
}

/** Looks up once, checks every address and connects only to those, so that the name cannot change between check and use (DNS rebinding). */
function checkedLookup(rules: Rules, port: string, lookup: Lookup): LookupFunction {
  return (hostname, options, callback) => {
    resolveChecked(rules, port, lookup, hostname).then(
      found => {
        const [first] = found;
        if (options.all) callback(null, found);
        else callback(null, first?.address ?? '', first?.family);
      },
      error => callback(error instanceof Error ? error : new Error(String(error)), ''),
    );
  };
}

async function resolveChecked(rules: Rules, port: string, lookup: Lookup, hostname: string) {
  const host = plainHost(hostname);
  const found = await lookup(host);
  if (found.length === 0) throw new TocsinError('egress-failed', { message: `${host} has no address.`, given: host });
  for (const { address } of found) checkAddress(rules, host, port, address);
  return found.map(({ address, family }) => ({ address, family }));
}

function redirected(attempt: Attempt, status: number, location: string): Attempt {
  if (!URL.canParse(location, attempt.url.href)) throw refused(attempt.url, 'It redirects to what is not an address.');
  const url = new URL(location, attempt.url);
  const same = url.origin === attempt.url.origin;
  if (attempt.url.protocol === 'https:' && url.protocol === 'http:')
    throw refused(url, 'A redirect from https to http is not followed.');
  const drop = status === 303 ? attempt.method !== 'HEAD' : status < 303 && attempt.method === 'POST';
  const headers = new Headers(
    [...attempt.headers].filter(([name]) => (same || harmless.has(name)) && !(drop && name.startsWith('content-'))),
  );
  if (drop) return { url, headers, method: 'GET', body: undefined };
  if (attempt.body != null && (!same || typeof attempt.body !== 'string')) {
    throw refused(url, 'A redirect that would send the body elsewhere, or again, is not followed.');
  }
  return { ...attempt, url, headers };
}
