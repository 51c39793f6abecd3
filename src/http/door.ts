import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { catalogue } from '../kernel/catalogue.ts';
import { isCode, TocsinError } from '../kernel/errors.ts';
import type { Delivery, Source } from '../ports/source.ts';
import { admit, flatHeaders, refuseStranger, tooLarge } from './admit.ts';
import { discard, readBody } from './body.ts';
import { bareError, retryAfter } from './errors.ts';
import type { Accepted, HttpParts } from './parts.ts';
import { factsForLog, factsForSender, isProven, refusalOf } from './refusal.ts';

/** Limits of the deliveries between their first byte and their durable answer; more are answered 503. */
export interface DoorLimits {
  events: number;
  /** Bytes of bodies. */
  bytes: number;
}

export const doorLimits: DoorLimits = { events: 2000, bytes: 64 * 1024 * 1024 };

const answerType = 'application/json; charset=utf-8';

/** `POST /events/{source}`: 202 once every event is durable. The answer repeats nothing of the body, and not which sources exist. */
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
  });
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
  const name = request.params.source;
  const source = parts.catalogue.current().sources.get(name) ?? null;
  const held = { bytes: 0 };
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
    if (source === null || admitted.by === 'stranger') refuseStranger(source, body);
    const accepted = await take(request, parts, name, body);
    return reply
      .code(202)
      .header('content-type', answerType)
      .send(`{"accepted":${JSON.stringify(accepted)}}`);
  } catch (error) {
    discard(request.raw);
    return refuse(error, request, reply, parts, source === null ? 'unknown' : name, load);
  } finally {
    load.events -= 1;
    load.bytes -= held.bytes;
  }
}

async function take(request: DoorRequest, parts: HttpParts, name: string, body: Buffer): Promise<Accepted[]> {
  const began = parts.clock.monotonic();
  const delivery: Delivery = { headers: flatHeaders(request.headers), body, at: parts.clock.now() };
  const accepted = await parts.intake.receive(name, delivery);
  parts.metrics.observe('tocsin_intake_seconds', (parts.clock.monotonic() - began) / 1000);
  return accepted;
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
): FastifyReply {
  const error = asRefusal(thrown);
  const configured = parts.catalogue.current().sources.get(request.params.source) ?? null;
  const proven = isProven(error, configured, request.headers);
  parts.metrics.count('tocsin_events_refused_total', { source, code: error.code });
  tell(error, thrown, request, parts, factsForLog(error, configured), load);
  const code = error.code === 'not-found' ? 'bad-signature' : error.code;
  const body = bareError(code);
  if (code === 'bad-signature') reply.header('www-authenticate', 'Bearer');
  if (error.status === 503) reply.header('retry-after', String(retryAfter));
  reply
    .code(catalogue[code].status)
    .header('cache-control', 'no-store')
    .send({ error: { ...body.error, ...factsForSender(error, configured, proven) } });
  // The sender has its answer; the operators are told afterwards.
  const refusal = configured === null ? null : refusalOf(error, configured, proven);
  if (refusal !== null) parts.refused(refusal);
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
