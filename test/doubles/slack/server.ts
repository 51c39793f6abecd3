import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createFaults, type Fault, type Faults } from './faults.ts';
import { readable } from './markup.ts';
import { methods, Refused } from './methods.ts';
import { createRates, type Rates } from './rates.ts';
import { refuseMessage } from './rules.ts';
import type { Json, World } from './world.ts';

export interface Call {
  method: string;
  args: Json;
  at: number;
  /** `ok`, or the error it was answered with. */
  answer: string;
}

export interface WebApi {
  server: Server;
  faults: Faults;
  /** The limits of Slack, kept from the start. */
  rates: Rates;
  calls: Call[];
  /** `http://127.0.0.1:1234` */
  url(): string;
  close(): Promise<void>;
}

/** Slack's HTTP side: the Web API with its tokens, scopes and faults, the addresses for answers, and the place for uploads. */
export async function startWebApi(world: World): Promise<WebApi> {
  const faults = createFaults();
  const rates = createRates(() => Date.now());
  const calls: Call[] = [];
  const server = createServer((request, response) => {
    answer(request, response, { world, faults, rates, calls, url }).catch(error => {
      response.statusCode = 500;
      response.end(String(error));
    });
  });
  const url = () => {
    const address = server.address();
    return address !== null && typeof address === 'object' ? `http://127.0.0.1:${address.port}` : '';
  };
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    server,
    faults,
    rates,
    calls,
    url,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Parts {
  world: World;
  faults: Faults;
  rates: Rates;
  calls: Call[];
  url(): string;
}

async function answer(request: IncomingMessage, response: ServerResponse, parts: Parts): Promise<void> {
  const body = await bytesOf(request);
  const path = request.url ?? '/';
  if (path.startsWith('/upload/')) return upload(path.slice('/upload/'.length), body, response, parts);
  if (path.startsWith('/respond/')) return respond(path.slice('/respond/'.length), body, response, parts);
  const method = /^\/api\/([A-Za-z.]+)$/.exec(path)?.[1];
  if (request.method !== 'POST' || method === undefined)
    return send(response, 404, { ok: false, error: 'unknown_method' });
  const args = parseForm(body.toString('utf8'));
  const call = { method, args, at: Date.now(), answer: '' };
  parts.calls.push(call);
  const fault = parts.faults.take(method);
  if (fault !== null && (await spoil(fault, response, call))) return;
  const seconds = parts.rates.take(method, String(args.channel ?? ''));
  if (seconds > 0) {
    await spoil({ kind: 'limited', retryAfter: seconds }, response, call);
    return;
  }
  const result = perform(method, args, request.headers.authorization ?? '', parts);
  call.answer = result.ok ? 'ok' : result.error;
  if (fault?.kind === 'answer-lost') {
    call.answer = 'lost';
    return void response.destroy();
  }
  if (fault?.kind === 'slow') await new Promise(resolve => setTimeout(resolve, fault.ms));
  send(response, 200, result, { 'x-oauth-scopes': [...parts.world.scopes].join(',') });
}

/** True when the fault answered, or saw to it that nothing does. */
async function spoil(fault: Fault, response: ServerResponse, call: Call): Promise<boolean> {
  call.answer = fault.kind;
  if (fault.kind === 'limited')
    send(response, 429, { ok: false, error: 'ratelimited' }, { 'retry-after': String(fault.retryAfter) });
  else if (fault.kind === 'status') send(response, fault.status, 'upstream trouble');
  else if (fault.kind === 'error') send(response, 200, { ok: false, error: fault.error });
  else if (fault.kind === 'cut') response.destroy();
  else return false;
  return true;
}

function perform(name: string, args: Json, authorization: string, { world, url }: Parts): Json {
  const method = methods[name];
  if (method === undefined) return { ok: false, error: 'unknown_method' };
  const token = authorization.replace(/^Bearer /, '');
  if (token === '') return { ok: false, error: 'not_authed' };
  if (token !== (method.token === 'app' ? world.appToken : world.botToken)) {
    const other = token === world.appToken || token === world.botToken;
    return { ok: false, error: other ? 'not_allowed_token_type' : 'invalid_auth' };
  }
  const granted = method.token === 'app' ? world.appScopes : world.scopes;
  for (const scope of method.scopes(args, world)) {
    world.needed.add(scope);
    if (!granted.has(scope))
      return { ok: false, error: 'missing_scope', needed: scope, provided: [...granted].join(',') };
  }
  try {
    const text = JSON.stringify({ ok: true, ...method.run(args, world) });
    return JSON.parse(text.replaceAll('{self}', url()).replaceAll('{socket}', url().replace('http', 'ws')));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { ok: false, error: error.message, response_metadata: { messages: error.messages } };
  }
}

function upload(id: string, body: Buffer, response: ServerResponse, { world }: Parts): void {
  const file = world.files.get(id);
  if (file === undefined) return void send(response, 404, 'no such file');
  file.bytes = body;
  send(response, 200, `OK - ${body.length}`);
}

/** Five answers within half an hour. */
function respond(id: string, body: Buffer, response: ServerResponse, { world }: Parts): void {
  const known = world.responseUrls.get(id);
  if (known === undefined || known.uses >= 5 || Date.now() - known.at > 1_800_000)
    return void send(response, 404, { ok: false, error: 'expired_url' });
  const message = JSON.parse(body.toString('utf8'));
  const refusal = refuseMessage(message, 'ephemeral');
  if (refusal !== null) return void send(response, 400, { ok: false, ...refusal });
  known.uses += 1;
  const { user, channel } = known;
  world.told.push({ user, how: 'response_url', channel, thread: null, text: readable(message), body: message });
  send(response, 200, { ok: true });
}

function send(response: ServerResponse, status: number, body: Json, headers: Record<string, string> = {}): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, {
    'content-type': typeof body === 'string' ? 'text/plain' : 'application/json',
    ...headers,
  });
  response.end(text);
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const structured = ['blocks', 'attachments', 'metadata', 'view', 'files'];

function parseForm(text: string): Json {
  const args: Json = {};
  for (const [name, value] of new URLSearchParams(text))
    args[name] = structured.includes(name) ? JSON.parse(value) : value === 'true' ? true : value;
  return args;
}
