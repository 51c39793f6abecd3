import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';

const value = z.union([
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ intValue: z.union([z.int(), z.string()]) }),
  z.strictObject({ doubleValue: z.number() }),
  z.strictObject({ boolValue: z.boolean() }),
  z.strictObject({ arrayValue: z.strictObject({ values: z.array(z.unknown()) }) }),
]);
const attributes = z.array(z.strictObject({ key: z.string().min(1), value }));
const traceId = z.string().regex(/^(?!0{32})[0-9a-f]{32}$/);
const spanId = z.string().regex(/^(?!0{16})[0-9a-f]{16}$/);
const nanos = z.string().regex(/^\d{19}$/);

/** OTLP 1.x over HTTP in JSON, as far as spans go. What it does not know it refuses. */
const span = z.strictObject({
  traceId,
  spanId,
  parentSpanId: spanId.optional(),
  traceState: z.string().optional(),
  name: z.string().min(1),
  kind: z.int().min(0).max(5),
  startTimeUnixNano: nanos,
  endTimeUnixNano: nanos,
  attributes,
  droppedAttributesCount: z.int(),
  events: z.array(z.unknown()),
  droppedEventsCount: z.int(),
  status: z.strictObject({ code: z.int().min(0).max(2), message: z.string().optional() }),
  links: z.array(z.looseObject({ traceId, spanId })),
  droppedLinksCount: z.int(),
  flags: z.int().optional(),
});
const request = z.strictObject({
  resourceSpans: z.array(
    z.strictObject({
      resource: z.strictObject({ attributes, droppedAttributesCount: z.int() }),
      scopeSpans: z.array(
        z.strictObject({
          scope: z.strictObject({ name: z.string(), version: z.string().optional() }),
          spans: z.array(span),
          schemaUrl: z.string().optional(),
        }),
      ),
      schemaUrl: z.string().optional(),
    }),
  ),
});

export interface ReceivedSpan {
  trace: string;
  id: string;
  parent: string | null;
  name: string;
  scope: string;
  /** Milliseconds since the epoch. */
  start: number;
  end: number;
  failed: boolean;
  links: { trace: string; id: string }[];
  attributes: Record<string, unknown>;
  resource: Record<string, unknown>;
}

/** A collector: takes what is OTLP, and can be slow, down or of another opinion. */
export interface Collector {
  url: string;
  spans: ReceivedSpan[];
  /** Bodies as they came, for looking whether something is in them. */
  bodies: string[];
  headers: IncomingMessage['headers'][];
  /** What was wrong with requests. */
  faults: string[];
  /** How many requests came, answered or not. */
  requests: number;
  /** `down` answers 503, `hangs` never answers, `refuses` answers 400. */
  mode: 'well' | 'down' | 'hangs' | 'refuses';
  close(): Promise<void>;
}

export async function startCollector(port = 0): Promise<Collector> {
  const server = createServer((incoming, answer) => {
    const chunks: Buffer[] = [];
    incoming.on('data', chunk => chunks.push(chunk));
    incoming.on('end', () => {
      collector.requests += 1;
      if (collector.mode === 'hangs') return;
      if (collector.mode === 'down') return void answer.writeHead(503).end();
      if (collector.mode === 'refuses') return void answer.writeHead(400).end();
      const fault = take(incoming, Buffer.concat(chunks).toString('utf8'));
      if (fault !== null) collector.faults.push(fault);
      answer.writeHead(fault === null ? 200 : 400, { 'content-type': 'application/json' }).end('{}');
    });
  });

  function take(incoming: IncomingMessage, body: string): string | null {
    if (incoming.method !== 'POST' || incoming.url !== '/v1/traces') return `${incoming.method} ${incoming.url}`;
    const read = request.safeParse(parse(body));
    if (!read.success) return z.prettifyError(read.error);
    collector.bodies.push(body);
    collector.headers.push(incoming.headers);
    for (const { resource, scopeSpans } of read.data.resourceSpans)
      for (const { scope, spans } of scopeSpans)
        collector.spans.push(...spans.map(one => received(one, scope.name, plain(resource.attributes))));
    return null;
  }

  const collector: Collector = {
    url: '',
    spans: [],
    bodies: [],
    headers: [],
    faults: [],
    requests: 0,
    mode: 'well',
    async close() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve));
  collector.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return collector;
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

function received(one: z.infer<typeof span>, scope: string, resource: Record<string, unknown>): ReceivedSpan {
  return {
    trace: one.traceId,
    id: one.spanId,
    parent: one.parentSpanId ?? null,
    name: one.name,
    scope,
    start: Number(BigInt(one.startTimeUnixNano) / 1_000_000n),
    end: Number(BigInt(one.endTimeUnixNano) / 1_000_000n),
    failed: one.status.code === 2,
    links: one.links.map(link => ({ trace: link.traceId, id: link.spanId })),
    attributes: plain(one.attributes),
    resource,
  };
}

function plain(list: z.infer<typeof attributes>): Record<string, unknown> {
  return Object.fromEntries(list.map(one => [one.key, Object.values(one.value)[0]]));
}
