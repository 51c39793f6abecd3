import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { TocsinError } from '../kernel/errors.ts';
import type { HttpParts } from './parts.ts';

/** Paths that senders, probes and scrapers may reach under any host name. None of them shows or changes what people see. */
const anyHost = /^\/(events\/|gates\/doors\/|healthz$|metrics$)/;
/** Paths of signed requests of chat platforms. POST only, because a page of the console may have such a path (a channel `events`). */
const anyHostPosted = /^\/[a-z0-9-]+\/events$/;

/** What browsers say of a request of our own page, and of one that a person typed. `same-site` is another page: another port, another subdomain. */
const ownSites = ['same-origin', 'none'];

/**
 * Refuses a request with a foreign Host, against DNS rebinding, and a request that a browser sends for another site. An IP address cannot
 * be rebound, so it always passes.
 */
export function checkHostAndOrigin(request: FastifyRequest, path: string, parts: HttpParts): void {
  const host = request.headers.host;
  const open = anyHost.test(path) || (request.method === 'POST' && anyHostPosted.test(path));
  if (!open && !isOurs(hostName(host ?? ''), parts)) {
    throw new TocsinError('wrong-host', { given: clip(host ?? 'none') });
  }
  if (request.method === 'GET' || request.method === 'HEAD') return;
  const origin = request.headers.origin;
  if (origin !== undefined && !isOwnOrigin(origin, host, parts)) {
    throw new TocsinError('wrong-origin', { given: clip(origin) });
  }
  // A browser that names no origin still says where the request comes from; programs say neither.
  const site = request.headers['sec-fetch-site'];
  if (origin === undefined && site !== undefined && !ownSites.includes(String(site)))
    throw new TocsinError('wrong-origin');
}

/**
 * True for a name of this process: loopback, an IP address, or the configured url. Any name will do where tokens guard everything and no
 * url is configured.
 */
function isOurs(name: string | null, parts: HttpParts): boolean {
  if (name === null) return false;
  if (isLoopbackName(name) || isIP(name) !== 0) return true;
  const { url } = parts.catalogue.current().config;
  const served = [parts.host.baseUrl(), ...(url === undefined ? [] : [url])];
  if (served.some(one => name === new URL(one).hostname)) return true;
  return url === undefined && parts.host.localKey === null;
}

function isOwnOrigin(origin: string, host: string | undefined, parts: HttpParts): boolean {
  if (!URL.canParse(origin)) return false;
  const from = new URL(origin);
  const url = parts.catalogue.current().config.url;
  if (url !== undefined && from.origin === new URL(url).origin) return true;
  return from.host === host?.toLowerCase() && isOurs(hostName(from.host), parts);
}

/** The name of a Host header without its port, lower case, brackets taken off; null when it is not one. */
export function hostName(host: string): string | null {
  const found = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(host);
  return (found?.[1] ?? found?.[2])?.toLowerCase().replace(/\.$/, '') ?? null;
}

export function isLoopbackName(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost') || isLoopbackAddress(name);
}

/** 127.0.0.0/8 and ::1, also in the mapped form that a dual-stack socket shows. */
export function isLoopbackAddress(address: string): boolean {
  const plain = address.toLowerCase().replace(/^::ffff:/, '');
  return plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'));
}

function clip(text: string): string {
  return text.length <= 100 ? text : `${text.slice(0, 100)}…`;
}
