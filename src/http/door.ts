import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { acceptedOutcome } from '../flow/pipeline/delivery-log.ts';
import { catalogue } from '../kernel/catalogue.ts';
import { isCode, TocsinError } from '../kernel/errors.ts';
import type { ConfiguredSource } from '../ports/catalogue.ts';
import { type Delivery, type Source, takesAnybody } from '../ports/source.ts';
import { admit, flatHeaders, refuseStranger, tooLarge } from './admit.ts';
import { discard, readBody } from './body.ts';
import { bareError, retryAfter } from './errors.ts';
import type { HttpParts } from './parts.ts';
import { factsForLog, factsForSender, isProven, refusalOf, refusedOutcome } from './refusal.ts';

/** Limits of the deliveries between their first byte and their durable answer; more are answered 503. */
export interface DoorLimits {
  events: number;
  /** Bytes of bodies. */
  bytes: number;
}

export const doorLimits: DoorLimits = { events: 2000, bytes: 64 * 1024 * 1024 };

/**
 * The same for every source and for none. SNS sends a password only after it was asked for one in this way, with a realm. Source:
 * terraform-provider-aws, acceptance test of topic subscriptions with a password.
 */
const challenges = ['Basic realm="tocsin", charset="UTF-8"', 'Bearer'];

const answerType = 'application/json; charset=utf-8';

/**
 * `POST /events/{source}`: 202 once every event is durable. The answer repeats nothing of the body, and not which sources exist.
 * `OPTIONS /events/{source}`: 200 with the headers of the source's consent, for senders that ask first; 405 at any other address.
 */
export async function addDoor(app: FastifyInstance, parts: HttpParts, limits: DoorLimits = doorLimits): Promise<void> {
  const load: Load = { events: 0, bytes: 0, told: new Map() };
  await app.register(async door => {
    // The signature covers the raw bytes, so there is no parser: the handler reads the stream itself.
    door.removeAllContentTypeParsers();
    door.addContentTypeParser('*', (_request, _payload, done) => done(null));
    // Fastify refuses a malformed type by itself, untold and uncounted; here it counts as none, and the source decides.
    door.addHook('onRequest', (request, _reply, done) => {
      if (!/^[^\s/;,]+\/[^\s/;,]+\s*(;|$)/.test(request.headers['content-type'] ?? ''))
        delete request.raw.headers['content-type'];
      done();
    });
    door.post<{ Params: { source: string } }>('/events/:source', { exposeHeadRoute: false }, (request, reply) =>
      answer(request, reply, parts, limits, load),
    );
    addCollector(door, parts, (request, reply) => answer(request, reply, parts, limits, load));
    door.options<{ Params: { source: string } }>('/events/:source', (request, reply) =>
      answerConsent(request, reply, parts, load),
    );
  });
}

/**
 * Clients of the Splunk HTTP Event Collector put its paths behind the address that they are given. They are taken for sources of raw records.
 * The health says nothing of the source, so it needs no proof. Source: docs.splunk.com, HTTP Event Collector REST API endpoints.
 */
const collectorPaths = ['', '/event', '/event/1.0'];
const collectorHealth = ['/health', '/health/1.0'];

function addCollector(
  door: FastifyInstance,
  parts: HttpParts,
  take: (request: DoorRequest, reply: FastifyReply) => Promise<FastifyReply>,
): void {
  for (const path of collectorPaths)
    door.post<{ Params: { source: string } }>(
      `/events/:source/services/collector${path}`,
      { exposeHeadRoute: false, config: { recordsOnly: true } },
      take,
    );
  for (const path of collectorHealth)
    door.get(`/events/:source/services/collector${path}`, { exposeHeadRoute: false }, (_request, reply) =>
      parts.draining()
        ? reply.code(503).header('retry-after', String(retryAfter)).send({ text: 'HEC is shutting down', code: 23 })
        : reply.code(200).send({ text: 'HEC is healthy', code: 17 }),
    );
}

/** The source of a request; null when there is none that takes it. */
function sourceOf(request: DoorRequest, parts: HttpParts): ConfiguredSource | null {
  const found = parts.catalogue.current().sources.get(request.params.source) ?? null;
  const { recordsOnly } = request.routeOptions.config as { recordsOnly?: boolean };
  return recordsOnly === true && found?.driver.records === undefined ? null : found;
}

/** The deliveries under way, and when each kind of refusal was last logged. */
interface Load {
  events: number;
  bytes: number;
  told: Map<string, { at: number; more: number }>;
}

type DoorRequest = FastifyRequest<{ Params: { source: string } }>;

async function answer(
  request: DoorRequest,
  reply: FastifyReply,
  parts: HttpParts,
  limits: DoorLimits,
  load: Load,
): Promise<FastifyReply> {
  const source = sourceOf(request, parts);
  const held = { bytes: 0 };
  let delivery: Delivery | null = null;
  load.events += 1;
  try {
    if (parts.draining()) throw new TocsinError('draining');
    checkType(request, source?.driver ?? null);
    const admitted = admit(request, source);
    const declared = Number(request.headers['content-length'] ?? 0);
    if (declared > admitted.limit) throw tooLarge(admitted);
    if (load.events > limits.events || load.bytes + declared > limits.bytes) throw new TocsinError('overloaded');
    // Only what has arrived counts: who promises much and sends little must not shut the door on others.
    const body = await readBody(request.raw, declared, bytes => {
      held.bytes += bytes;
      load.bytes += bytes;
      if (held.bytes > admitted.limit) throw tooLarge(admitted);
      if (load.bytes > limits.bytes) throw new TocsinError('overloaded');
    });
    delivery = { headers: flatHeaders(request.headers), body, at: parts.clock.now() };
    if (source === null || admitted.by === 'stranger') refuseStranger(source, body, admitted.doubt);
    const { status, json } = await take(request, parts, source, delivery);
    return reply.code(status).header('content-type', answerType).send(JSON.stringify(json));
  } catch (error) {
    discard(request.raw);
    return refuse(error, request, reply, parts, source?.name ?? 'unknown', load, delivery);
  } finally {
    load.events -= 1;
    load.bytes -= held.bytes;
  }
}

async function answerConsent(
  request: DoorRequest,
  reply: FastifyReply,
  parts: HttpParts,
  load: Load,
): Promise<FastifyReply> {
  const name = request.params.source;
  const source = parts.catalogue.current().sources.get(name) ?? null;
  discard(request.raw);
  const headers = source?.driver.consent?.(flatHeaders(request.headers), source.options) ?? null;
  if (headers !== null)
    return reply
      .code(200)
      .headers({ ...headers, allow: 'POST', 'cache-control': 'no-store' })
      .send();
  const error = new TocsinError('method-not-allowed', {
    message: 'A sender asked whether it may deliver, and may not.',
  });
  return refuse(error, request, reply, parts, source === null ? 'unknown' : name, load);
}

/** A delivery is events, or a batch of raw records. */
async function take(
  request: DoorRequest,
  parts: HttpParts,
  source: ConfiguredSource,
  delivery: Delivery,
): Promise<{ status: number; json: unknown }> {
  const began = parts.clock.monotonic();
  const { name, driver, options } = source;
  const seen = { source: name, address: addressOf(request), bytes: delivery.body.length };
  const answered =
    driver.records?.(options) == null
      ? {
          status: 202,
          json: {
            accepted: await parts.intake.receive(name, delivery, {
              taken: report =>
                parts.delivered({ ...seen, proven: report.trusted, outcome: acceptedOutcome(report, false) }, delivery),
            }),
          },
        }
      : await parts.records.receive(name, delivery);
  if ('records' in answered) {
    const outcome = { ...acceptedOutcome({ events: [], echo: null }, false), records: answered.records };
    parts.delivered({ ...seen, proven: !takesAnybody(source), outcome }, delivery);
  }
  parts.metrics.observe('tocsin_intake_seconds', (parts.clock.monotonic() - began) / 1000);
  return answered;
}

/** The address of the sender as people know it; of a proxy of tocsin.yaml, that of its client. */
function addressOf(request: DoorRequest): string {
  return request.ip.replace(/^::ffff:(?=\d)/i, '').slice(0, 64);
}

function checkType(request: DoorRequest, driver: Source | null): void {
  const { headers } = request;
  const encodings = driver?.encodings ?? [];
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding !== 'identity' && !encodings.includes(encoding)) {
    throw new TocsinError('wrong-content-type', {
      message: encodings.length === 0 ? 'Compressed bodies are not taken.' : 'The Content-Encoding is not taken.',
      allowed: encodings.length === 0 ? 'no Content-Encoding' : encodings,
    });
  }
  const allowed = driver?.contentTypes ?? ['application/json'];
  const type = mediaType(headers['content-type'] ?? '');
  if (allowed !== 'any' && !allowed.includes(type)) throw new TocsinError('wrong-content-type', { allowed });
}

function mediaType(header: string): string {
  const end = header.indexOf(';');
  return (end < 0 ? header : header.slice(0, end)).trim().toLowerCase();
}

function refuse(
  thrown: unknown,
  request: DoorRequest,
  reply: FastifyReply,
  parts: HttpParts,
  source: string,
  load: Load,
  delivery: Delivery | null = null,
): FastifyReply {
  const error = asRefusal(thrown);
  const configured = sourceOf(request, parts);
  const proven = isProven(error, configured, request.headers);
  parts.metrics.count('tocsin_events_refused_total', { source, code: error.code });
  tell(error, thrown, request, parts, factsForLog(error, configured), load);
  const code = error.code === 'not-found' ? 'bad-signature' : error.code;
  const body = bareError(code);
  if (code === 'bad-signature') reply.header('www-authenticate', challenges);
  if (error.status === 503) reply.header('retry-after', String(retryAfter));
  if (error.status === 405) reply.header('allow', 'POST');
  reply
    .code(catalogue[code].status)
    .header('cache-control', 'no-store')
    .send({ error: { ...body.error, ...factsForSender(error, configured, proven) } });
  // The sender has its answer; the operators are told afterwards.
  const told = proven || isCode(error, 'key-unreachable');
  const refusal = configured === null ? null : refusalOf(error, configured, told);
  if (refusal !== null) parts.refused(refusal);
  if (configured !== null) {
    const seen = { source: configured.name, address: addressOf(request), bytes: delivery?.body.length ?? null, proven };
    parts.delivered({ ...seen, outcome: refusedOutcome(error, configured, proven) }, delivery);
  }
  return reply;
}

/** Logs a refusal, at most once a second for each source, code and field, so that a refused sender cannot fill the log. */
function tell(
  error: TocsinError,
  thrown: unknown,
  request: DoorRequest,
  parts: HttpParts,
  { source, ...where }: ReturnType<typeof factsForLog>,
  load: Load,
): void {
  const key = `${source} ${error.code} ${where.at?.replace(/\d+/g, '#') ?? ''}`;
  const now = parts.clock.monotonic();
  const last = load.told.get(key);
  if (last !== undefined && now - last.at < 1000) {
    last.more += 1;
    return;
  }
  load.told.set(key, { at: now, more: 0 });
  const facts = {
    source: request.params.source.slice(0, 64),
    code: error.code,
    because: error.message,
    ...where,
    more: last?.more ?? 0,
    request: request.id,
  };
  if (thrown instanceof TocsinError) parts.log.warn(facts, 'refused at the door');
  else parts.log.error({ ...facts, err: thrown }, 'an event could not be taken in');
}

/** Keeps the code of a sender's mistake. Everything else becomes 503, after which every sender retries. */
function asRefusal(thrown: unknown): TocsinError {
  if (!(thrown instanceof TocsinError)) return new TocsinError('overloaded', { cause: thrown });
  const sendersFault = thrown.status < 500 && !isCode(thrown, 'guard-failed');
  return sendersFault || thrown.status === 503 ? thrown : new TocsinError('overloaded', { cause: thrown });
}
