import { isIP } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { pageHeaders } from '../../kernel/plain-page.ts';
import type { ChatHost } from '../../ports/chat.ts';

/**
 * Guards the console against other sites. The Host must be a name of this process, against DNS rebinding, and a change must come from a
 * page of the same origin.
 */

/** Whether the Host header is allowed. An IP address cannot be rebound, so where tokens guard the page every address is. */
export function hostAllowed(header: string | undefined, host: ChatHost): boolean {
  const name = hostName(header);
  if (name === null) return false;
  if (isLoopbackName(name)) return true;
  const configured = [host.config().url, host.baseUrl()].map(url => hostOfUrl(url));
  if (configured.includes(name)) return true;
  return host.localKey === null && isIP(name) !== 0;
}

function isLoopbackName(name: string): boolean {
  return name === 'localhost' || name === '::1' || /^127(\.\d{1,3}){3}$/.test(name);
}

/** The name without port and brackets, lower case; null when the header is not a plain host. */
function hostName(header: string | undefined): string | null {
  if (header === undefined || !/^[A-Za-z0-9.:[\]-]{1,255}$/.test(header)) return null;
  return URL.canParse(`http://${header}`) ? bare(new URL(`http://${header}`).hostname) : null;
}

function hostOfUrl(url: string | undefined): string | null {
  return url !== undefined && URL.canParse(url) ? bare(new URL(url).hostname) : null;
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '').toLowerCase();
}

/** Why a POST does not come from our own page; null when it does. Browsers send Origin with every POST. */
export function foreignOrigin(request: FastifyRequest, host: ChatHost): string | null {
  const site = header(request, 'sec-fetch-site');
  if (site !== undefined && site !== 'same-origin') return `it came from another site (Sec-Fetch-Site: ${site})`;
  const origin = header(request, 'origin');
  if (origin === undefined) return site === 'same-origin' ? null : 'it has no Origin';
  if (origin === 'null' || !URL.canParse(origin)) return 'its Origin is not this page';
  // A proxy may have replaced Host; the configured address stays ours.
  const ours = [`http://${header(request, 'host')}`, host.config().url, host.baseUrl()];
  const same = ours.some(url => url !== undefined && URL.canParse(url) && new URL(url).host === new URL(origin).host);
  return same ? null : 'its Origin is not this page';
}

export function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

export function secureHeaders(reply: FastifyReply): void {
  reply.headers(pageHeaders);
}
