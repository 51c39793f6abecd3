import { z } from 'zod';
import type { Json } from '../canonical.ts';
import { messageOf, TocsinError } from '../errors.ts';
import { redactJson } from '../redact/redact.ts';
import { cutText, visibleLine } from '../text.ts';

const headerName = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'this is not the name of a header');
const headerValue = z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'a header is one line of Latin-1 text');

/** Schema of a request in a runbook. */
export const httpRequest = z.strictObject({
  url: z
    .string()
    .regex(/^https?:\/\//i, 'an address begins with http:// or https://')
    .meta({ description: 'The address. Its host must be under egress in tocsin.yaml.' }),
  method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']).default('GET'),
  headers: z.record(headerName, headerValue).default({}),
  body: (z.json() as z.ZodType<Json>).optional().meta({ description: 'Text is sent as it is, anything else as JSON.' }),
  okStatus: z
    .array(z.int().min(100).max(599))
    .min(1)
    .optional()
    .meta({ description: 'Statuses that count as success; 200 to 299 when left out.' }),
  secrets: z.record(headerName, z.string()).default({}).meta({
    description: 'Headers by the names of secrets. For Authorization, `Bearer ` goes before a value that is one word.',
  }),
});
export type HttpRequestInput = z.infer<typeof httpRequest>;

export const httpAnswer = z.object({
  status: z.int(),
  headers: z.record(z.string(), z.string()),
  body: z.string(),
});
export type HttpAnswer = z.infer<typeof httpAnswer>;

export interface RequestTools {
  fetch: typeof fetch;
  secret(name: string): Promise<string>;
  signal: AbortSignal;
  /** Sent as `idempotency-key` with POST and PATCH; the same in every attempt of a step. */
  idempotencyKey: string;
}

/** Response headers that are dropped, because they may hold credentials. */
const notKept = new Set(['set-cookie', 'set-cookie2', 'authorization', 'proxy-authenticate', 'www-authenticate']);

/**
 * Sends the request and reads the whole response. The response is redacted (the secrets that were sent, and text that looks like a
 * credential), because it is journalled and a service may echo what it was sent. Rejects as `fetch` and `secret` do, and with
 * `params-invalid` for a secret that does not fit into a header.
 */
export async function sendRequest(input: HttpRequestInput, tools: RequestTools): Promise<HttpAnswer> {
  const headers = new Headers(input.headers);
  const values: string[] = [];
  for (const [header, name] of Object.entries(input.secrets)) {
    const value = (await tools.secret(name)).trim();
    // Checked here, because the library's own error would repeat the value.
    if (!headerValue.safeParse(value).success)
      throw new TocsinError('params-invalid', {
        message: 'The value of a secret does not fit into a header.',
        allowed: 'one line of Latin-1 text',
        given: name,
      });
    values.push(value);
    headers.set(header, headerOf(header, value));
  }
  const body = bodyOf(input.body, headers);
  if (['POST', 'PATCH'].includes(input.method) && !headers.has('idempotency-key'))
    headers.set('idempotency-key', tools.idempotencyKey);
  if (!headers.has('user-agent')) headers.set('user-agent', 'tocsin');
  const answer = await tools.fetch(input.url, {
    method: input.method,
    headers,
    signal: tools.signal,
    ...(body === null ? {} : { body }),
  });
  const kept = [...answer.headers].filter(([name]) => !notKept.has(name));
  const text = (await answer.text()).replaceAll('\0', '\ufffd');
  const redacted = redactJson({ headers: Object.fromEntries(kept), body: text }, values);
  return httpAnswer.parse({ status: answer.status, ...(redacted as object) });
}

function headerOf(header: string, value: string): string {
  return header.toLowerCase() === 'authorization' && !value.includes(' ') ? `Bearer ${value}` : value;
}

function bodyOf(body: Json | undefined, headers: Headers): string | null {
  if (body === undefined) return null;
  const type = typeof body === 'string' ? 'text/plain;charset=utf-8' : 'application/json';
  if (!headers.has('content-type')) headers.set('content-type', type);
  return typeof body === 'string' ? body : JSON.stringify(body);
}

export function isOkStatus(status: number, ok: readonly number[] | undefined): boolean {
  return ok === undefined ? status >= 200 && status <= 299 : ok.includes(status);
}

/** The request on one line, for plans and cards. Secrets are shown by name. */
export function showRequest(input: HttpRequestInput): string {
  const parts = [
    `${input.method} ${visibleLine(input.url)}`,
    ...Object.entries(input.headers).map(([name, value]) => `${name}: ${visibleLine(JSON.stringify(value))}`),
    ...Object.entries(input.secrets).map(([name, secret]) => `${name}: <secret ${visibleLine(secret)}>`),
    input.body === undefined ? '' : `body ${visibleLine(JSON.stringify(input.body))}`,
  ];
  return parts.filter(part => part !== '').join('  ');
}

/** `status 503: upstream down`, for people. */
export function showAnswer(answer: HttpAnswer): string {
  const first = answer.body.trim().split('\n')[0] ?? '';
  return `status ${answer.status}${first === '' ? '' : `: ${cutText(visibleLine(first), 200)}`}`;
}

/** Why a request got no answer, for people. At most 300 characters. */
export function showFailure(error: unknown): string {
  return cutText(visibleLine(messageOf(error)), 300);
}
