import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { checkSignature, type Keys } from './sigv4.ts';

interface Message {
  id: string;
  body: string;
  /** From when it can be received, by the queue's clock. */
  visibleAt: number;
  /** When it was received first since it was last visible, for the limit of 12 hours. */
  receivedAt: number;
  receives: number;
  /** Only the newest deletes it. */
  handle: string | null;
}

export interface Sqs {
  url: string;
  /** The URL of the queue. */
  queue: string;
  send(body: string | object): string;
  /** Every call as it came: the action and the parsed body. */
  calls: { action: string; body: Record<string, unknown> }[];
  /** Ids of those that are not deleted. */
  left(): string[];
  /** How often a message was received. */
  receives(id: string): number;
  /** As if it had been received so often before. */
  wear(id: string, receives: number): void;
  /** Moves the queue's clock, seconds: invisible messages come back. */
  advance(seconds: number): void;
  /** The next message that is received comes twice, which a standard queue may do at any time. */
  repeatNext(): void;
  /** The next message that is received has a body that does not fit its MD5. */
  spoilNext(): void;
  /** The next call of the action is refused so; `times` calls. */
  fail(action: string, error: { status: number; code: string; message?: string }, times?: number): void;
  /** Calls are answered again. */
  mend(): void;
  attributes: Record<string, string>;
  close(): Promise<void>;
}

const actions: Record<string, (body: Body, world: World) => Promise<object> | object> = {
  ReceiveMessage: receive,
  DeleteMessage: remove,
  ChangeMessageVisibility: change,
  GetQueueAttributes: attributesOf,
};

type Body = Record<string, unknown>;

interface World {
  queue: string;
  messages: Map<string, Message>;
  now(): number;
  repeat: number;
  spoil: number;
  attributes: Record<string, string>;
  /** Resolves when something was sent, or the caller went away, or after the time. */
  news(ms: number): Promise<void>;
  gone: boolean;
}

class SqsError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/**
 * A standard queue that is as unkind as SQS may be: AWS JSON 1.0 with signatures that are checked, messages that come back, receipt handles
 * of which only the newest deletes, the documented limits. Source: the SQS API reference (ReceiveMessage, DeleteMessage,
 * ChangeMessageVisibility and their errors) and the developer guide on visibility time-outs.
 */
export async function startSqs(
  keys: Keys,
  { region = 'eu-central-1', name = 'records' }: { region?: string; name?: string } = {},
): Promise<Sqs> {
  const messages = new Map<string, Message>();
  const calls: Sqs['calls'] = [];
  const faults: { action: string; status: number; code: string; message: string; left: number }[] = [];
  const waiting = new Set<() => void>();
  let offset = 0;
  const shared = { repeat: 0, spoil: 0 };
  const attributes: Record<string, string> = {
    VisibilityTimeout: '30',
    ApproximateNumberOfMessages: '0',
    ApproximateNumberOfMessagesNotVisible: '0',
    MessageRetentionPeriod: '345600',
  };
  const wake = () => {
    for (const one of waiting) one();
  };

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', chunk => chunks.push(chunk));
    request.on('end', () => void answer(request, response, Buffer.concat(chunks)));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const queue = `${url}/111122223333/${name}`;

  async function answer(request: IncomingMessage, response: ServerResponse, raw: Buffer): Promise<void> {
    const world: World = {
      queue,
      messages,
      now: () => Date.now() + offset,
      get repeat() {
        return shared.repeat;
      },
      set repeat(value) {
        shared.repeat = value;
      },
      get spoil() {
        return shared.spoil;
      },
      set spoil(value) {
        shared.spoil = value;
      },
      attributes,
      gone: false,
      news: ms =>
        new Promise(resolve => {
          const done = () => {
            waiting.delete(done);
            clearTimeout(timer);
            resolve();
          };
          const timer = setTimeout(done, ms);
          waiting.add(done);
          response.once('close', () => {
            world.gone = true;
            done();
          });
        }),
    };
    try {
      const refusal = checkSignature(request, raw, { keys, region, service: 'sqs', now: Date.now() });
      if (refusal !== null) throw new SqsError(refusal.code, refusal.message, 403);
      if (request.method !== 'POST' || request.headers['content-type'] !== 'application/x-amz-json-1.0')
        throw new SqsError('UnsupportedProtocol', 'AWS JSON 1.0 is spoken here');
      const [service, action = ''] = String(request.headers['x-amz-target']).split('.');
      const run = actions[action];
      if (service !== 'AmazonSQS' || run === undefined)
        throw new SqsError('InvalidAction', `The action ${action} is not valid`);
      const body: Body = JSON.parse(raw.toString());
      calls.push({ action, body });
      const fault = faults.find(one => one.action === action && one.left > 0);
      if (fault !== undefined) {
        fault.left -= 1;
        throw new SqsError(fault.code, fault.message, fault.status);
      }
      if (body['QueueUrl'] !== queue) throw new SqsError('QueueDoesNotExist', 'The specified queue does not exist.');
      const result = await run(body, world);
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': randomUUID() });
      response.end(JSON.stringify(result));
    } catch (error) {
      const { code, message, status } =
        error instanceof SqsError ? error : new SqsError('InternalError', String(error), 500);
      response.writeHead(status, {
        'content-type': 'application/x-amz-json-1.0',
        'x-amzn-requestid': randomUUID(),
        ...(code === 'QueueDoesNotExist' && {
          'x-amzn-query-error': 'AWS.SimpleQueueService.NonExistentQueue;Sender',
        }),
      });
      response.end(JSON.stringify({ __type: `com.amazonaws.sqs#${code}`, message }));
    }
  }

  return {
    url,
    queue,
    calls,
    attributes,
    send(given) {
      const body = typeof given === 'string' ? given : JSON.stringify(given);
      const id = randomUUID();
      messages.set(id, { id, body, visibleAt: 0, receivedAt: 0, receives: 0, handle: null });
      wake();
      return id;
    },
    left: () => [...messages.keys()],
    receives: id => messages.get(id)?.receives ?? 0,
    wear(id, receives) {
      const found = messages.get(id);
      if (found !== undefined) found.receives = receives;
    },
    advance(seconds) {
      offset += seconds * 1000;
      wake();
    },
    repeatNext() {
      shared.repeat += 1;
    },
    spoilNext() {
      shared.spoil += 1;
    },
    fail(action, { status, code, message = 'as the test wants it' }, times = 1) {
      faults.push({ action, status, code, message, left: times });
    },
    mend: () => void faults.splice(0),
    async close() {
      wake();
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

async function receive(body: Body, world: World): Promise<object> {
  const most = number(body, 'MaxNumberOfMessages', 1, 10, 1);
  const wait = number(body, 'WaitTimeSeconds', 0, 20, 0);
  const hide = number(body, 'VisibilityTimeout', 0, 43_200, Number(world.attributes['VisibilityTimeout']));
  const names = [body['AttributeNames'], body['MessageSystemAttributeNames']].flat();
  const until = Date.now() + wait * 1000;
  for (;;) {
    // A caller that went away gets nothing: what it would have got stays visible.
    const due = world.gone
      ? []
      : [...world.messages.values()].filter(one => one.visibleAt <= world.now()).slice(0, most);
    if (due.length > 0) {
      const out = due.map(one => hand(one, hide, names, world));
      const [first] = due;
      if (world.repeat > 0 && first !== undefined) {
        world.repeat -= 1;
        first.visibleAt = 0;
      }
      return { Messages: out };
    }
    const left = until - Date.now();
    // An empty answer has no list at all.
    if (left <= 0 || world.gone) return {};
    await world.news(left);
  }
}

function hand(one: Message, hide: number, names: readonly unknown[], world: World): object {
  one.receives += 1;
  one.handle = `AQEB${randomUUID()}`;
  one.receivedAt = world.now();
  one.visibleAt = world.now() + hide * 1000;
  const md5 = createHash('md5').update(one.body).digest('hex');
  const spoiled = world.spoil > 0;
  if (spoiled) world.spoil -= 1;
  return {
    MessageId: one.id,
    ReceiptHandle: one.handle,
    MD5OfBody: md5,
    Body: spoiled ? `${one.body} ` : one.body,
    ...(names.some(name => name === 'All' || name === 'ApproximateReceiveCount') && {
      Attributes: { ApproximateReceiveCount: String(one.receives) },
    }),
  };
}

/** Deleting by an older handle is answered well and deletes nothing, as the reference warns. */
function remove(body: Body, world: World): object {
  const handle = handleOf(body);
  const found = [...world.messages.values()].find(one => one.handle === handle);
  if (found !== undefined) world.messages.delete(found.id);
  return {};
}

function change(body: Body, world: World): object {
  const handle = handleOf(body);
  const seconds = number(body, 'VisibilityTimeout', 0, 43_200, null);
  const found = [...world.messages.values()].find(one => one.handle === handle);
  if (found === undefined || found.visibleAt <= world.now())
    throw new SqsError('MessageNotInflight', 'The specified message is not in flight.');
  const until = world.now() + seconds * 1000;
  if (until > found.receivedAt + 43_200_000)
    throw new SqsError(
      'InvalidParameterValue',
      'Total VisibilityTimeout for the message is beyond the limit [43200 seconds]',
    );
  found.visibleAt = until;
  return {};
}

function attributesOf(body: Body, world: World): object {
  const names = [body['AttributeNames'] ?? []].flat();
  const all = names.includes('All');
  return {
    Attributes: Object.fromEntries(Object.entries(world.attributes).filter(([name]) => all || names.includes(name))),
  };
}

function handleOf(body: Body): string {
  const handle = body['ReceiptHandle'];
  if (typeof handle !== 'string' || !handle.startsWith('AQEB'))
    throw new SqsError('ReceiptHandleIsInvalid', 'The input receipt handle is invalid.');
  return handle;
}

function number(body: Body, name: string, min: number, max: number, usual: number | null): number {
  const value = body[name] ?? usual;
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new SqsError(
    'InvalidParameterValue',
    `Value ${String(value)} for parameter ${name} is invalid. Reason: Must be between ${min} and ${max}, if provided.`,
  );
}
