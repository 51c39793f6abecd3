import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { type SpanFacts, spanOfPost } from '../flow/trace/ids.ts';
import { createSender, type Sender, SpansRefused } from '../flow/trace/send.ts';
import { TocsinError } from '../kernel/errors.ts';
import type { Metrics } from '../kernel/metrics.ts';
import { wholeNumber } from '../kernel/number.ts';
import type { Post } from '../model/card.ts';
import type { AppOptions } from './options.ts';
import { serversOf } from './servers.ts';
import { traceWakeUps } from './tracing-wake-ups.ts';

type Environment = AppOptions['env'];

export interface Tracing {
  sender: Sender<SpanFacts>;
  /** Records that a platform shows a post. */
  delivered(post: Post, at: number): void;
  close(): Promise<void>;
}

export interface TracingSettings {
  url: string;
  headers: Record<string, string>;
  timeoutMillis: number;
  serviceName: string;
}

/** Reads OpenTelemetry's standard variables. Null when no collector is named, or the SDK is disabled. */
export function tracingSettings(env: Environment): TracingSettings | null {
  const read = (name: string) => readOption(env, name);
  const own = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']?.trim() || null;
  const base = env['OTEL_EXPORTER_OTLP_ENDPOINT']?.trim() || null;
  if ((own === null && base === null) || env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true') return null;
  const name = own === null ? 'OTEL_EXPORTER_OTLP_ENDPOINT' : 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT';
  const given = own ?? base ?? '';
  if (!URL.canParse(given) || !['http:', 'https:'].includes(new URL(given).protocol)) throw badEndpoint(name, given);
  if (read('PROTOCOL') === 'grpc') throw badProtocol();
  const timeout = wholeNumber(read('TIMEOUT') ?? '') ?? 0;
  return {
    url: own ?? `${given.replace(/\/+$/, '')}/v1/traces`,
    headers: tracingHeaders(env),
    timeoutMillis: timeout > 0 ? timeout : 10_000,
    serviceName: env['OTEL_SERVICE_NAME']?.trim() || 'tocsin',
  };
}

function readOption(env: Environment, name: string): string | null {
  return env[`OTEL_EXPORTER_OTLP_TRACES_${name}`]?.trim() || env[`OTEL_EXPORTER_OTLP_${name}`]?.trim() || null;
}

/** The headers for the collector, from `name=value,name=value`, percent-encoded. */
export function tracingHeaders(env: Environment): Record<string, string> {
  const pairs = (readOption(env, 'HEADERS') ?? '').split(',').flatMap(pair => {
    const at = pair.indexOf('=');
    return at < 1 ? [] : [[pair.slice(0, at).trim(), decode(pair.slice(at + 1).trim())] as const];
  });
  return Object.fromEntries(pairs);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function badEndpoint(name: string, given: string): TocsinError {
  return new TocsinError('environment-invalid', {
    message: `${name} is not the address of a collector.`,
    at: name,
    allowed: 'an address such as http://127.0.0.1:4318',
    given: given.replace(/\/\/[^@/]*@/, '//'),
    remedy: 'Name the OTLP/HTTP address of your collector, or unset it: then there are no traces.',
  });
}

function badProtocol(): TocsinError {
  return new TocsinError('environment-invalid', {
    message: 'Traces are sent as OTLP over HTTP only.',
    at: 'OTEL_EXPORTER_OTLP_PROTOCOL',
    allowed: 'http/json, http/protobuf (a collector takes JSON at the same address), or unset',
    given: 'grpc',
    remedy: 'Unset it and name the HTTP port of the collector, 4318 as a rule.',
  });
}

/** Loads the libraries only when a collector is named; null otherwise. */
export async function openTracing(
  { env, version, clock, log }: Pick<AppOptions, 'env' | 'version' | 'clock' | 'log'>,
  { metrics, holder }: { metrics: Metrics; holder: string },
): Promise<Tracing | null> {
  const settings = tracingSettings(env);
  if (settings === null) return null;
  const [{ OTLPTraceExporter }, { resourceFromAttributes }, { SpanKind, SpanStatusCode, TraceFlags }] =
    await Promise.all([
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/api'),
    ]);
  const { url, headers, timeoutMillis } = settings;
  const exporter = new OTLPTraceExporter({ url, headers, timeoutMillis, concurrencyLimit: 4 });
  const resource = resourceFromAttributes({
    'service.name': settings.serviceName,
    'service.version': version,
    'service.instance.id': holder,
  });
  const kinds = { internal: SpanKind.INTERNAL, consumer: SpanKind.CONSUMER, producer: SpanKind.PRODUCER };
  const contextOf = (traceId: string, spanId: string) => ({ traceId, spanId, traceFlags: TraceFlags.SAMPLED });

  function readable(facts: SpanFacts): ReadableSpan {
    const { trace, link } = facts;
    return {
      name: facts.name,
      kind: kinds[facts.kind],
      spanContext: () => contextOf(trace, facts.id),
      ...(facts.parent === null ? {} : { parentSpanContext: contextOf(trace, facts.parent) }),
      startTime: timeOf(facts.start),
      endTime: timeOf(facts.end),
      duration: timeOf(facts.end - facts.start),
      status: { code: facts.failed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
      attributes: facts.attributes,
      links: link === undefined ? [] : [{ context: contextOf(link.trace, link.id) }],
      events: [],
      ended: true,
      resource,
      instrumentationScope: { name: 'tocsin', version },
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
    };
  }

  const sender = createSender<SpanFacts>({
    clock,
    log,
    metrics,
    export: spans =>
      new Promise((resolve, reject) => {
        exporter.export(spans.map(readable), ({ code, error }) => (code === 0 ? resolve() : reject(asRefusal(error))));
      }),
  });
  const quiet = serversOf(env).redis === null ? () => {} : await traceWakeUps(sender);
  return {
    sender,
    async close() {
      quiet();
      await sender.stop();
    },
    delivered(post, at) {
      const span = spanOfPost(post, at);
      if (span !== null) sender.offer(span);
    },
  };
}

/** Milliseconds as seconds and nanoseconds. */
function timeOf(ms: number): [number, number] {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.min(999_999_999, Math.round((ms - seconds * 1000) * 1e6))];
}

/** Marks an error as a refusal when the collector rejects the spans themselves. Any other, such as a wrong key, may be corrected. */
function asRefusal(error: (Error & { code?: unknown }) | undefined): Error {
  if (error?.code === 400 || error?.code === 413) return new SpansRefused(`the collector answered ${error.code}`);
  return error ?? new Error('the collector did not take the spans');
}
