import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { HeardDelivery } from '../flow/doors/doors.ts';
import { TocsinError } from '../kernel/errors.ts';
import type { Delivery } from '../ports/source.ts';
import { flatHeaders } from './admit.ts';
import { discard, readBody } from './body.ts';
import { bareError, retryAfter } from './errors.ts';
import type { HttpParts } from './parts.ts';

/** Limits: the largest body (a merge request may have a long description), and the bytes and deliveries under way. */
const limits = { body: 4 * 1024 * 1024, bytes: 64 * 1024 * 1024, deliveries: 100 };

/**
 * `POST /gates/doors/{door}`: webhooks that ask gates. 200 once the question is durable, or when nothing is asked. The answer repeats nothing of
 * the body, and not which doors exist.
 */
export async function addGateDoors(app: FastifyInstance, parts: HttpParts): Promise<void> {
  const load = { bytes: 0, deliveries: 0 };
  await app.register(async door => {
    // The signature covers the raw bytes, so there is no parser.
    door.removeAllContentTypeParsers();
    door.addContentTypeParser('*', (_request, _payload, done) => done(null));
    door.post<{ Params: { door: string } }>(
      '/gates/doors/:door',
      { exposeHeadRoute: false },
      async (request, reply) => {
        const held = { bytes: 0 };
        load.deliveries += 1;
        try {
          const heard = await take(request, parts, load, held);
          count(parts, request.params.door, heard.gate === null ? 'nothing' : 'asked');
          return reply.code(200).header('cache-control', 'no-store').send({ gate: heard.gate });
        } catch (error) {
          discard(request.raw);
          return refuse(error, request, reply, parts);
        } finally {
          load.deliveries -= 1;
          load.bytes -= held.bytes;
        }
      },
    );
  });
}

type DoorRequest = FastifyRequest<{ Params: { door: string } }>;

async function take(
  request: DoorRequest,
  parts: HttpParts,
  load: { bytes: number; deliveries: number },
  held: { bytes: number },
): Promise<HeardDelivery> {
  if (parts.draining()) throw new TocsinError('draining');
  const declared = Number(request.headers['content-length'] ?? 0);
  const tooLarge = () => new TocsinError('body-too-large', { allowed: `at most ${limits.body} bytes` });
  if (declared > limits.body) throw tooLarge();
  if (load.deliveries > limits.deliveries || load.bytes + declared > limits.bytes) throw new TocsinError('overloaded');
  const body = await readBody(request.raw, declared, bytes => {
    held.bytes += bytes;
    load.bytes += bytes;
    if (held.bytes > limits.body) throw tooLarge();
    if (load.bytes > limits.bytes) throw new TocsinError('overloaded');
  });
  const delivery: Delivery = { headers: flatHeaders(request.headers), body, at: parts.clock.now() };
  return await parts.hearDoor(request.params.door, delivery);
}

const known = ['github', 'gitlab', 'terraform'];

function count({ metrics }: HttpParts, door: string, outcome: string): void {
  metrics.count('tocsin_door_deliveries_total', { door: known.includes(door) ? door : 'unknown', outcome });
}

function refuse(thrown: unknown, request: DoorRequest, reply: FastifyReply, parts: HttpParts): FastifyReply {
  const error = asRefusal(thrown);
  count(parts, request.params.door, error.code);
  const facts = {
    door: request.params.door.slice(0, 64),
    code: error.code,
    because: error.doubt ?? error.message,
    at: error.at,
    request: request.id,
  };
  if (thrown instanceof TocsinError) parts.log.warn(facts, 'refused at the door of a gate');
  else parts.log.error({ ...facts, err: thrown }, 'a question could not be taken in');
  // A door that is not there looks like one with another secret.
  const code = error.code === 'not-found' ? 'bad-signature' : error.code;
  const status = code === 'bad-signature' ? 401 : error.status;
  if (status === 503) reply.header('retry-after', String(retryAfter));
  return reply.code(status).header('cache-control', 'no-store').send(bareError(code));
}

/** A sender's mistake keeps its code; everything else becomes 503, so that it is sent again, or found by looking. */
function asRefusal(thrown: unknown): TocsinError {
  if (thrown instanceof TocsinError && thrown.status < 500 && thrown.code !== 'guard-failed') return thrown;
  if (thrown instanceof TocsinError && thrown.status === 503) return thrown;
  const message = thrown instanceof TocsinError ? thrown.message : undefined;
  return new TocsinError('overloaded', { cause: thrown, ...(message === undefined ? {} : { message }) });
}
