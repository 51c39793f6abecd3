import { sha256 } from '../../kernel/canonical.ts';

/** One stretch of work, as a trace tells it. */
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

/** Where the spans of a subject belong. */
export interface TraceContext {
  trace: string;
  /** The span that the others hang under. */
  root: string;
}

/**
 * The trace of an episode follows from the alert's id and the episode, so that every node continues it, after a restart or days later too,
 * and nobody hands ids around.
 */
export function traceOfEpisode(alert: string, episode: number): TraceContext {
  return contextOf(`episode\n${alert}\n${episode}`);
}

/** An event that opens no alert. */
export function traceOfEvent(event: string): TraceContext {
  return contextOf(`event\n${event}`);
}

/** A run that nobody's alert asked for; its own span is the root. */
export function traceOfRun(run: string): TraceContext {
  return { trace: contextOf(`run\n${run}`).trace, root: runSpan(run) };
}

export function runSpan(run: string): string {
  return spanId('run', run);
}

/** The same span has the same id whoever sends it how often. */
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

/** The span of a post that a platform shows for the first time: from when it was wanted. What its key says of its thread places it. */
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
