import { z } from 'zod';
import { catalogue } from '../kernel/catalogue.ts';
import { type ErrorCode, TocsinError } from '../kernel/errors.ts';
import { readUrl } from './environment.ts';
import type { Terminal } from './terminal.ts';

/** A client of the HTTP API of a running Tocsin. */
export interface Client {
  url: string;
  /** Rejects with `not-reachable`, or with the error of the answer. */
  send(
    method: string,
    path: string,
    options?: { json?: unknown; body?: Buffer; headers?: Record<string, string> },
  ): Promise<Response>;
  json<S extends z.ZodType>(schema: S, method: string, path: string, options?: { json?: unknown }): Promise<z.infer<S>>;
}

const refusal = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    at: z.string().optional(),
    allowed: z.union([z.string(), z.array(z.string())]).optional(),
    given: z.string().optional(),
    remedy: z.string(),
  }),
  decision: z.object({ verdict: z.string(), rule: z.string(), because: z.string() }).optional(),
});

export function createClient(terminal: Terminal): Client {
  const url = readUrl(terminal.env);
  const token = terminal.env['TOCSIN_TOKEN']?.trim();
  const authorization: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
  const send: Client['send'] = async (method, path, { json, body, headers } = {}) => {
    const request: RequestInit = {
      method,
      headers: { ...authorization, ...(json !== undefined && { 'content-type': 'application/json' }), ...headers },
      redirect: 'manual',
      signal: terminal.signal,
    };
    if (json !== undefined) request.body = JSON.stringify(json);
    else if (body !== undefined) request.body = new Uint8Array(body);
    const response = await reach(url, path, request, terminal.signal);
    if (!response.ok) throw await asError(response, url);
    return response;
  };
  return {
    url,
    send,
    async json(schema, method, path, options) {
      const answer = await (await send(method, path, options)).json();
      const parsed = schema.safeParse(answer);
      if (parsed.success) return parsed.data;
      throw new TocsinError('not-reachable', { message: 'What answers there does not speak as Tocsin does.', at: url });
    },
  };
}

async function reach(url: string, path: string, request: RequestInit, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(url + path, request);
  } catch (error) {
    if (signal.aborted) throw error;
    const cause = (error as { cause?: { code?: string; message?: string } }).cause;
    throw new TocsinError('not-reachable', {
      at: url,
      given: cause?.code ?? cause?.message ?? 'no answer',
      cause: error,
    });
  }
}

/** Converts an error answer to a TocsinError, with the policy's reason if there is one. */
async function asError(response: Response, url: string): Promise<TocsinError> {
  const text = await response.text();
  const parsed = refusal.safeParse(parseJson(text));
  if (!parsed.success) {
    return new TocsinError('not-reachable', {
      message: 'What answers there is not Tocsin.',
      at: url,
      given: `status ${response.status}`,
    });
  }
  const { error, decision } = parsed.data;
  const { code, message, remedy, ...facts } = error;
  const known = Object.hasOwn(catalogue, code) ? (code as ErrorCode) : 'bad-request';
  const policy = decision === undefined ? '' : ` (${decision.verdict} by "${decision.rule}": ${decision.because})`;
  return new TocsinError(known, { message: shorten(message, error) + policy, remedy: hint(known, remedy), ...facts });
}

/** Removes the facts from the end of a text that was made for chat; a terminal shows them on lines of their own. */
function shorten(message: string, { allowed, given, remedy }: z.infer<typeof refusal>['error']): string {
  const limits = allowed === undefined ? '' : ` Allowed: ${Array.isArray(allowed) ? allowed.join(', ') : allowed}.`;
  const end = `${limits}${given === undefined ? '' : ` Given: ${given}.`} ${remedy}`;
  return message.endsWith(end) && message.length > end.length ? message.slice(0, -end.length) : message;
}

function hint(code: ErrorCode, remedy: string): string {
  return code === 'unauthenticated'
    ? 'Set TOCSIN_TOKEN to a token of tocsin.yaml, or to the key in the link that start printed.'
    : remedy;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
