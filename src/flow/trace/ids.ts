import { sha256 } from '../../kernel/canonical.ts';

/** One span, before it is encoded for the collector. */
export interface SpanFacts {
  name: string;
  /** 32 and 16 lower-case hex digits, as W3C Trace Context has them. */
  trace: string;
  id: string;
  /** null for the root of the trace. */
  parent: string | null;
  /** Milliseconds since the epoch. */
  start: number;
  end: number;
  kind: 'internal' | 'consumer' | 'producer';
  /** Ids, names from files, states and numbers; never values of parameters, secrets, output or free text. */
  attributes: Readonly<Record<string, string | number | boolean>>;
  failed: boolean;
  /** Another span that this one follows from, in a trace of its own. */
  link?: { trace: string; id: string };
}

/** The trace that the spans of a subject belong to. */
export interface TraceContext {
  trace: string;
  /** The id of the span that is the parent of the others. */
  root: string;
}

/**
 * The trace of an episode is derived from the alert's id and the episode's number. So every node continues the same trace, also after a
 * restart or days later, and no ids are passed around.
 */
export function traceOfEpisode(alert: string, episode: number): TraceContext {
  return contextOf(`episode\n${alert}\n${episode}`);
}

/** The trace of an event that opens no alert. */
export function traceOfEvent(event: string): TraceContext {
  return contextOf(`event\n${event}`);
}

/** The trace of a run without an alert; the run's own span is its root. */
export function traceOfRun(run: string): TraceContext {
  return { trace: contextOf(`run\n${run}`).trace, root: runSpan(run) };
}

export function runSpan(run: string): string {
  return spanId('run', run);
}

/** A span id, derived from the words that name the span: a span that is sent twice, or by two nodes, has the same id. */
export function spanId(...words: (string | number)[]): string {
  const id = sha256(words.join('\n')).slice(0, 16);
  return id === '0'.repeat(16) ? `${'0'.repeat(15)}1` : id;
}

/** The header of W3C Trace Context for what happens under the root. */
export function traceparent({ trace, root }: TraceContext): string {
  return `00-${trace}-${root}-01`;
}

function contextOf(name: string): TraceContext {
  const trace = sha256(name).slice(0, 32);
  return { trace, root: spanId('root', trace) };
}

/** The span of a post that a platform shows for the first time, from when it was wanted. Null when its key names no alert and no run. */
export function spanOfPost(
  post: { platform: string; key: string; thread: string | null; createdAt: number; run: string | null },
  at: number,
): SpanFacts | null {
  const { platform, key } = post;
  const context = contextOfThread(post.thread ?? key);
  if (context === null) return null;
  return {
    name: `post ${platform}`,
    ...{ trace: context.trace, id: spanId('post', platform, key), parent: context.root },
    start: Math.min(post.createdAt, at),
    end: at,
    kind: 'producer',
    attributes: {
      'tocsin.platform': platform,
      'tocsin.post.kind': key.slice(0, key.indexOf('/')),
      ...(post.run === null ? {} : { 'tocsin.run.id': post.run }),
    },
    failed: false,
  };
}

function contextOfThread(key: string): TraceContext | null {
  const alert = /^alert\/([^/ ]+)\/(\d+)(?: @|$)/.exec(key);
  if (alert !== null) return traceOfEpisode(alert[1] ?? '', Number(alert[2]));
  const run = /^run\/([^/ ]+)(?: @|$)/.exec(key);
  return run === null ? null : traceOfRun(run[1] ?? '');
}
