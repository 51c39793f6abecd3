import type { FastifyReply } from 'fastify';
import { catalogue } from '../kernel/catalogue.ts';
import { type ErrorCode, TocsinError } from '../kernel/errors.ts';
import type { Log } from '../kernel/log.ts';
import { pageHeaders, renderProblem, wantsPage } from '../kernel/plain-page.ts';

/** How long a sender should wait before it sends again, seconds. */
export const retryAfter = 5;

/**
 * Answers with an error: status and body from the catalogue, the headers that belong to the status, never a stack. A browser gets a page,
 * every other caller JSON.
 */
export function sendError(reply: FastifyReply, error: TocsinError): FastifyReply {
  if (error.status === 401) reply.header('www-authenticate', 'Bearer');
  if (error.status === 503) reply.header('retry-after', String(retryAfter));
  const { url, headers } = reply.request;
  if (wantsPage(pathOf(url), headers.accept))
    return reply.code(error.status).headers(pageHeaders).type('text/html; charset=utf-8').send(renderProblem(error));
  return reply.code(error.status).header('cache-control', 'no-store').send({ error: error.toJSON() });
}

/** Converts anything that was thrown. An error that is neither a TocsinError nor Fastify's is logged and shown as `internal`. */
export function toTocsinError(
  error: unknown,
  log: Log,
  request: { id: string; method: string; url: string },
): TocsinError {
  if (error instanceof TocsinError) return error;
  const code = frameworkCode(error);
  if (code !== null) return new TocsinError(code);
  log.error({ err: error, request: request.id, method: request.method, path: pathOf(request.url) }, 'a request failed');
  return new TocsinError('internal', { given: request.id });
}

/** The catalogue's bare entry for a code: nothing in it comes from the request. */
export function bareError(code: ErrorCode): { error: { code: string; message: string; remedy: string } } {
  const { message, remedy } = catalogue[code];
  return { error: { code, message, remedy } };
}

/** The path without the query, which may hold a key. */
export function pathOf(url: string): string {
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
}

/** Maps Fastify's own refusals by their status, because its codes may change. */
function frameworkCode(error: unknown): ErrorCode | null {
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  if (status === 413) return 'body-too-large';
  if (status === 415) return 'wrong-content-type';
  if (status === 404) return 'not-found';
  if (status === 503) return 'draining';
  return typeof status === 'number' && status >= 400 && status < 500 ? 'bad-request' : null;
}
