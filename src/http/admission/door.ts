import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { isCode, messageOf, TocsinError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import type { KubernetesDoor } from '../../ports/catalogue.ts';
import { readBody } from '../body.ts';
import { type Answer, denied, reviewText } from './answer.ts';
import { createJudge, type JudgeParts } from './judge.ts';
import { createPatience, type Patience } from './patience.ts';
import { parseReview, type Review } from './review.ts';

export interface AdmissionParts extends JudgeParts {
  log: Log;
  metrics: Metrics;
  /** The settings in force. */
  settings(): KubernetesDoor | null;
}

export interface Identity {
  cert: string;
  key: string;
  /** Who signs the certificates of clients; null when they need none. */
  ca: string | null;
}

/** The largest body, bytes: two objects of 1.5 MiB, the most that etcd holds. */
const mostBytes = 3 * 1024 * 1024;
/** How long an answer may take, milliseconds: the API server waits 5 s, and then its failurePolicy answers. */
const longestAnswer = 3000;
/** Longer than the 90 s after which the API server (Go) closes an idle connection, so that it never writes into one that we close. */
const keepAlive = 120_000;
const mostConnections = 1024;

/** The server of the door: AdmissionReview v1 at POST /admission, and nothing else. It listens when `listen` is called. */
export function createDoor({ cert, key, ca }: Identity, parts: AdmissionParts): Server {
  const judge = createJudge(parts);
  const patience = createPatience(parts.clock, longestAnswer);
  const serving = { ...parts, judge, patience, names: createNames() };
  const server = createServer(
    {
      ...{ cert, key, minVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'] },
      ...(ca === null ? {} : { ca, requestCert: true, rejectUnauthorized: true }),
      ...{ keepAliveTimeout: keepAlive, requestTimeout: 10_000, headersTimeout: 10_000 },
    },
    (request, response) => {
      serve(request, response, serving).catch(error => refuse(error, response, parts));
    },
  );
  server.maxConnections = mostConnections;
  server.on('close', () => patience.stop());
  // Strangers with wrong certificates and half-open connections are no news.
  server.on('tlsClientError', error => parts.log.debug({ because: messageOf(error) }, 'a client was refused'));
  return server;
}

/** The identity as options of a context that replaces the one in use. */
export function contextOf({ cert, key, ca }: Identity) {
  return { cert, key, minVersion: 'TLSv1.2' as const, ...(ca === null ? {} : { ca }) };
}

/** The port that it listens on. Rejects when it cannot. */
export async function listen(server: Server, { host, port }: KubernetesDoor['listen']): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, () => resolve(void server.off('error', reject)));
  });
  return (server.address() as AddressInfo).port;
}

interface Serving extends AdmissionParts {
  judge: ReturnType<typeof createJudge>;
  patience: Patience;
  names: Names;
}

async function serve(request: IncomingMessage, response: ServerResponse, serving: Serving): Promise<void> {
  const settings = serving.settings();
  if (settings === null) throw new TocsinError('not-found');
  checkClient(request, settings, serving.names);
  checkHead(request);
  const review = parseReview(await bodyOf(request));
  const answer = await inTime(review, settings, serving);
  serving.metrics.count('tocsin_admission_total', { verdict: answer.outcome });
  send(response, 200, reviewText(review.uid, answer));
}

/** The name that the certificate of a connection has; empty for none. */
type Names = (socket: TLSSocket) => string;

/** Reads the certificate once for each connection: parsing it takes longer than the rest of a check. */
function createNames(): Names {
  const known = new WeakMap<TLSSocket, string>();
  return socket => {
    const before = known.get(socket);
    if (before !== undefined) return before;
    const given: unknown = socket.getPeerCertificate().subject?.CN;
    const name = typeof given === 'string' ? given : '';
    known.set(socket, name);
    return name;
  };
}

function checkClient({ socket }: IncomingMessage, { clientCa, clientNames }: KubernetesDoor, names: Names): void {
  if (clientCa === undefined) return;
  const tls = socket as TLSSocket;
  if (tls.authorized && (clientNames === undefined || clientNames.includes(names(tls)))) return;
  throw new TocsinError('unauthenticated', {
    message: 'The client certificate is not one that gets in.',
    remedy: 'Give the API server a certificate of the authority and the name that gates.yaml names.',
  });
}

function checkHead({ url, method, headers }: IncomingMessage): void {
  // The API server adds ?timeout=5s.
  if ((url ?? '').replace(/\?.*$/s, '') !== '/admission')
    throw new TocsinError('not-found', { remedy: 'Send it to /admission.' });
  if (method !== 'POST')
    throw new TocsinError('method-not-allowed', { allowed: 'POST', remedy: 'Send an AdmissionReview with POST.' });
  const type = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw new TocsinError('wrong-content-type', { allowed: 'application/json' });
  if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity')
    throw new TocsinError('wrong-content-type', {
      message: 'The content encoding is not one that this address takes.',
      allowed: 'none',
    });
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0);
  let left = mostBytes;
  const take = (bytes: number) => {
    left -= bytes;
    if (left < 0)
      throw new TocsinError('body-too-large', {
        message: 'The review is larger than two objects can be.',
        allowed: `${mostBytes} bytes`,
      });
  };
  if (declared > mostBytes) take(declared);
  return await readBody(request, declared, take);
}

/** The judge's answer; what `onFailure` says when it fails or takes too long. */
async function inTime(review: Review, settings: KubernetesDoor, serving: Serving): Promise<Answer> {
  try {
    const answer = await serving.patience.within(serving.judge(review, settings));
    return answer ?? onFailure('it took too long', review, settings, serving);
  } catch (error) {
    if (isCode(error, 'forbidden')) return denied(error.message);
    return onFailure(messageOf(error), review, settings, serving);
  }
}

function onFailure(
  because: string,
  { namespace, kind, user }: Review,
  { onFailure: answer }: KubernetesDoor,
  { log }: AdmissionParts,
): Answer {
  log.warn({ because, namespace, kind, user, answer }, 'an admission was answered without a decision');
  const allowed = answer === 'allow';
  return {
    outcome: 'failure',
    allowed,
    message: `Tocsin cannot read or write its decisions now, so nothing new is let in: ${because}`,
    code: 503,
    warnings: allowed ? ['Tocsin cannot read its decisions now; this was let in without one (onFailure: allow)'] : [],
    audit: { verdict: 'failure', 'on-failure': answer },
  };
}

function refuse(error: unknown, response: ServerResponse, { log, metrics }: AdmissionParts): void {
  if (!(error instanceof TocsinError)) log.error({ err: error }, 'an admission failed');
  const told = error instanceof TocsinError ? error : new TocsinError('internal');
  metrics.count('tocsin_admission_total', { verdict: 'refused' });
  if (!response.headersSent && !response.destroyed)
    send(response, told.status, JSON.stringify({ error: told.toJSON() }));
}

function send(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
