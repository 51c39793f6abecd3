import fastify, { type FastifyInstance } from 'fastify';
import { TocsinError } from '../kernel/errors.ts';
import { addressTest } from '../kernel/forwarded.ts';
import { apiRoutes } from './api/index.ts';
import { addApi } from './api/register.ts';
import { addDoor, type DoorLimits } from './door.ts';
import { bareError, pathOf, sendError, toTocsinError } from './errors.ts';
import { addGateDoors } from './gate-door.ts';
import { checkHostAndOrigin } from './guards.ts';
import { addHealth } from './health.ts';
import type { HttpParts } from './parts.ts';

/** How long a sender may take, milliseconds. A slow sender occupies a connection and nothing else. */
const times = { headers: 10_000, request: 30_000, keepAlive: 72_000, checkEvery: 2000 };

/** Connections at one time; more are closed at once, before they cost memory. */
const maxConnections = 10_000;

/**
 * The HTTP server with the door, the API, health and metrics; it does not listen yet, so that chat platforms can add their pages.
 * Every route that is added to it is behind the check of Host and Origin.
 */
export async function createHttp(parts: HttpParts, options: { door?: DoorLimits } = {}): Promise<FastifyInstance> {
  let requests = 0;
  const app = fastify({
    logger: false,
    trustProxy: trustedProxies(parts),
    genReqId: () => `req-${(++requests).toString(36)}`,
    requestTimeout: times.request,
    keepAliveTimeout: times.keepAlive,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    exposeHeadRoutes: true,
    routerOptions: { maxParamLength: 200, ignoreDuplicateSlashes: false },
    http: {
      headersTimeout: times.headers,
      connectionsCheckingInterval: times.checkEvery,
      maxHeaderSize: 16 * 1024,
      requireHostHeader: true,
    },
    clientErrorHandler: refuseConnection,
    frameworkErrors: (error, request, reply) => void sendError(reply, toTocsinError(error, parts.log, request)),
  });
  app.server.maxConnections = maxConnections;

  app.addHook('onRequest', (request, _reply, done) => {
    try {
      checkHostAndOrigin(request, pathOf(request.url), parts);
      done();
    } catch (error) {
      done(error as Error);
    }
  });
  app.setErrorHandler((error, request, reply) => sendError(reply, toTocsinError(error, parts.log, request)));
  app.setNotFoundHandler((request, reply) =>
    sendError(reply, new TocsinError('not-found', { given: `${request.method} ${pathOf(request.url).slice(0, 200)}` })),
  );

  addHealth(app, parts);
  if (parts.doors === false) return app;
  await addDoor(app, parts, options.door);
  await addGateDoors(app, parts);
  addOpenApi(app, parts.version);
  await addApi(app, apiRoutes, parts);
  return app;
}

/** Whether tocsin.yaml names this address as a proxy's. The address of a client, `request.ip`, is the last in X-Forwarded-For that is none. */
function trustedProxies(parts: HttpParts): (address: string) => boolean {
  let of: readonly string[] | null = null;
  let trusted = addressTest([]);
  return address => {
    const { proxies } = parts.catalogue.current().config;
    if (proxies !== of) {
      of = proxies;
      trusted = addressTest(proxies);
    }
    return trusted(address);
  };
}

/** Built at the first request, because it would take more time than anything else at start. */
function addOpenApi(app: FastifyInstance, version: string): void {
  let text: string | null = null;
  app.get('/openapi.json', async (_request, reply) => {
    const { openApi } = await import('./openapi.ts');
    text ??= JSON.stringify(openApi(version));
    return reply.header('content-type', 'application/json; charset=utf-8').send(text);
  });
}

/** Answers a request that is not HTTP, too slow or has too many headers with JSON as well, then closes the connection. */
function refuseConnection(error: Error & { code?: string }, socket: import('node:net').Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return void socket.destroy();
  const status = statusOf(error.code);
  const body = JSON.stringify(bareError('bad-request'));
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function statusOf(code: string | undefined): string {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return '408 Request Timeout';
  return code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
}
