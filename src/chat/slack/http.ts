import type { App, Receiver } from '@slack/bolt';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { TocsinError } from '../../kernel/errors.ts';
import { checkHmac } from '../../kernel/signature.ts';
import type { ChatHost } from '../../ports/chat.ts';
import { parseJson } from './buttons.ts';
import { createSeen, isFirst } from './seen.ts';

/** The allowed clock skew between Slack and this process, in both directions, seconds. */
const mostSkew = 300;
/** How long a signature is remembered, milliseconds: longer than its time stamp is valid. */
const seenKeep = 2 * mostSkew * 1000 + 60_000;
const bodyLimit = 1024 * 1024;

/**
 * Receives Slack's requests at `/slack/events`, on Tocsin's own port. Bolt's receiver would open another port, and it accepts time stamps
 * that are in the future or not numeric, so the signature is checked here.
 */
export async function createHttpReceiver(http: FastifyInstance, secret: string, host: ChatHost): Promise<Receiver> {
  let app: App | null = null;
  const seen = createSeen<null>({ keep: seenKeep, most: 100_000, monotonic: () => host.clock.monotonic() });
  await http.register(async scope => {
    scope.removeAllContentTypeParsers();
    // The signature covers the raw bytes.
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) => done(null, body));
    scope.post('/slack/events', async (request, reply) => {
      const raw = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      if (!isSigned(request, raw, secret, host.clock.now())) throw new TocsinError('bad-signature');
      // A replay brings the very same signature, in letters of any case; Slack's own repetitions are signed anew.
      const signature = (one(request.headers['x-slack-signature']) ?? '').toLowerCase();
      if (!seen.once(signature, () => null).first) return '';
      if (app === null) throw new TocsinError('draining');
      if (!(await isFirst(`slack/request/${signature}`, seenKeep, host))) return '';
      return receive(request, reply, parseBody(raw, request.headers['content-type'] ?? ''), app, host);
    });
  });
  return {
    init(given) {
      app = given;
    },
    async start() {},
    async stop() {
      app = null;
    },
  };
}

function isSigned(request: FastifyRequest, raw: Buffer, secret: string, now: number): boolean {
  const stamp = one(request.headers['x-slack-request-timestamp']);
  const signature = one(request.headers['x-slack-signature']);
  if (stamp === null || signature === null || !/^\d{1,12}$/.test(stamp) || !signature.startsWith('v0=')) return false;
  const right = checkHmac({
    secrets: [secret],
    parts: [`v0:${stamp}:`, raw],
    signatures: [signature.slice(3)],
    encoding: 'hex',
  });
  return right && Math.abs(now / 1000 - Number(stamp)) <= mostSkew;
}

function one(header: string | string[] | undefined): string | null {
  return typeof header === 'string' ? header : null;
}

/** Events are JSON; commands are a form, and everything interactive is JSON in a form. */
function parseBody(raw: Buffer, type: string): Record<string, unknown> {
  const text = raw.toString('utf8');
  const form = type.startsWith('application/x-www-form-urlencoded') ? new URLSearchParams(text) : null;
  const payload = form === null ? text : form.get('payload');
  const body = payload === null ? Object.fromEntries(form ?? []) : parseJson(payload);
  if (body === null || typeof body !== 'object' || Array.isArray(body)) throw new TocsinError('bad-body');
  return body as Record<string, unknown>;
}

/** Answers with the first acknowledgement; what is done after it is not waited for. */
async function receive(
  request: FastifyRequest,
  reply: FastifyReply,
  body: Record<string, unknown>,
  app: App,
  host: ChatHost,
): Promise<unknown> {
  if (body['type'] === 'url_verification') return { challenge: body['challenge'] };
  if (body['ssl_check'] !== undefined) return '';
  const retry = Number(one(request.headers['x-slack-retry-num']) ?? Number.NaN);
  const acknowledged = new Promise<unknown>((resolve, reject) => {
    const ack = async (answer: unknown) => resolve(answer ?? '');
    const facts = Number.isNaN(retry) ? {} : { retryNum: retry };
    app.processEvent({ body, ack, ...facts }).then(
      // A request without a listener is acknowledged too, because Slack would send it again.
      () => resolve(''),
      error => {
        host.log.error({ err: error }, 'a request of Slack failed');
        reject(error);
      },
    );
  });
  return reply.send(await acknowledged);
}
