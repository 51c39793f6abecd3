import type { TextMapPropagator } from '@opentelemetry/api';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';
import type { SpanFacts } from '../flow/trace/ids.ts';
import type { Sender } from '../flow/trace/send.ts';

type Api = typeof import('@opentelemetry/api');

/**
 * Sets OpenTelemetry's global tracer for libraries that emit spans: BullMQ, by `bullmq-otel`. Only its spans of a wake-up are kept, in the
 * trace that the wake-up carries; spans of polling and housekeeping belong to no episode. Returns a function that ends it.
 */
export async function traceWakeUps(sender: Pick<Sender<SpanFacts>, 'offer'>): Promise<() => void> {
  const [api, { TracerProvider }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
  ]);
  const { propagation, SpanKind, trace } = api;
  const processor: SpanProcessor = {
    onStart: () => {},
    onEnd(span) {
      if (span.kind === SpanKind.CONSUMER && span.parentSpanContext !== undefined) sender.offer(factsOf(span));
    },
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
  trace.disable();
  propagation.disable();
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [processor] }));
  propagation.setGlobalPropagator(traceContext(api));
  return () => {
    trace.disable();
    propagation.disable();
  };
}

/** The attributes of BullMQ's spans that are kept: none with options, results or reasons. */
const kept = /^bullmq\.(job\.(id|name|processed\.timestamp)|queue\.name|worker\.id)$/;

function factsOf(span: ReadableSpan): SpanFacts {
  const { traceId, spanId } = span.spanContext();
  const attributes = Object.entries(span.attributes).flatMap(([name, value]) =>
    kept.test(name) && (typeof value === 'string' || typeof value === 'number') ? [[name, value] as const] : [],
  );
  return {
    name: 'bell answered',
    trace: traceId,
    id: spanId,
    parent: span.parentSpanContext?.spanId ?? null,
    start: millisecondsOf(span.startTime),
    end: millisecondsOf(span.endTime),
    kind: 'consumer',
    attributes: Object.fromEntries(attributes),
    failed: false,
  };
}

function millisecondsOf([seconds, nanoseconds]: readonly [number, number]): number {
  return seconds * 1000 + nanoseconds / 1e6;
}

/** The header `traceparent` of W3C Trace Context, version 00: all that a wake-up carries. */
function traceContext({ isSpanContextValid, trace }: Api): TextMapPropagator {
  return {
    inject() {},
    extract(context, carrier, getter) {
      const given = getter.get(carrier, 'traceparent');
      const parts = typeof given === 'string' ? /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(given) : null;
      const [, traceId = '', spanId = '', flags = '00'] = parts ?? [];
      const found = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
      return isSpanContextValid(found) ? trace.setSpanContext(context, found) : context;
    },
    fields: () => ['traceparent'],
  };
}
