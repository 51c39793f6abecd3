/** The output of a step: redacted, bounded, kept and streamed. */

import type { ChildCommand, ChildEnd, ChildIo, Children } from '../child/child.ts';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { over } from '../over.ts';
import { type ByteFilter, compileSecrets, createRedactor, type Secrets } from '../redact/redact.ts';
import { createKept, createRawTail, type Kept, type RawTail } from './kept.ts';
import { createLogText, dataText, type LogText } from './text.ts';

type Stream = 'stdout' | 'stderr';

/** The output of one step: redacted, sanitised, bounded and shown live. Memory use is bounded whatever is written. */
export interface Output {
  /** A sink for one child process. Its text is part of the step's output, and its `end` gives the result for the next step. */
  child(): ChildOutput;
  /** Adds text of the step itself. */
  say(text: string): void;
  /** Ends the output and resolves to all of it. Call it when no child writes any more. */
  end(): Promise<{
    /** Both streams in order of arrival. Beyond `maxBytes` it is the head and the tail, with a note between them. */
    text: string;
    /** Bytes that are left out of the text. */
    cut: number;
  }>;
}

export interface ChildOutput {
  /** Back-pressure: wait for the returned promise before the next write. It never rejects. */
  write(chunk: Buffer, stream: Stream): void | Promise<void>;
  end(): { stdout: string; stderr: string; cut: number };
}

export interface OutputParts {
  clock: Clock;
  log: Log;
  /** Values that are redacted. */
  secrets: Secrets | Iterable<string>;
  /** Bytes of the whole output that are kept: half from its head, half from its tail. */
  maxBytes: number;
  /** Bytes of each stream of a child that are kept for the next step; 256 KiB when left out. */
  maxStream?: number;
  /** Takes the next batch of live output, whole lines. Calls do not overlap; while its promise is pending the child may be held back. */
  onChunk(text: string): void | Promise<void>;
}

/** A batch of live output is sent after this many milliseconds, or when this many characters wait; the first soon, since people wait for it. */
const firstAfter = 10;
const batchEvery = 100;
const batchSize = 16 * 1024;
/** Characters that may wait for a slow reader before back-pressure holds the child back. */
const mostWaiting = 256 * 1024;
/** After the head is full, live output is only sampled: one sample per this many milliseconds, of this many bytes. */
const sampleEvery = 1000;
const sampleSize = 2048;
/** Characters of the end of an output that are shown live when its middle was not. */
const longestEnd = 64 * 1024;
/** Bytes that an unknown credential may extend past a cut. */
const tornReach = 4096;

interface State {
  parts: OutputParts;
  secrets: Secrets;
  kept: Kept;
  live: Live;
  /** Raw bytes since the last sample. */
  unseen: number;
  lastSample: number;
  /** Characters that samples may still use; the size of the head at first. */
  sampleBudget: number;
}

export function createOutput(parts: OutputParts): Output {
  const secrets = 'automaton' in parts.secrets ? parts.secrets : compileSecrets(parts.secrets);
  const state: State = {
    parts,
    secrets,
    kept: createKept(parts.maxBytes),
    live: createLive(parts),
    unseen: 0,
    lastSample: 0,
    sampleBudget: parts.maxBytes / 2,
  };
  return {
    child: () => createChildOutput(state),
    say(text) {
      const lines = createLogText();
      const clean = createRedactor(secrets);
      const bytes = Buffer.concat([clean.push(Buffer.from(text)), clean.flush()]);
      show(state, lines.push(bytes, 0) + lines.flush());
    },
    async end() {
      const cut = state.kept.cut();
      const gap = cut > 0 ? gapNote(cut) : '';
      const tail = state.kept.tail().toString();
      if (state.kept.isFull()) state.live.push(endOfTail(tail, cut > 0));
      await state.live.end();
      return { text: state.kept.head().toString() + gap + tail, cut };
    },
  };
}

/** What is shown live of the end when live output had become samples: the last lines are those that people look for. */
function endOfTail(tail: string, cut: boolean): string {
  if (!cut && tail.length <= longestEnd) return tail;
  const last = tail.slice(-longestEnd);
  const line = tail.length <= longestEnd ? -1 : last.indexOf('\n');
  return `[… the last lines …]\n${last.slice(line + 1)}`;
}

/** Keeps the text, and sends it live until the head is full. */
function show(state: State, text: string): void {
  if (text === '') return;
  const early = !state.kept.isFull();
  state.kept.push(Buffer.from(text));
  if (early) state.live.push(text);
}

interface Pipe {
  redactor: ByteFilter;
  lines: LogText;
  data: Kept;
  /** Bytes that came after the head was full. They are processed at the end, because most of them will have been dropped by then. */
  raw: RawTail;
  /** Bytes at the front of `raw` that are left out, because they may be the rest of a secret. */
  start: number;
}

function createChildOutput(state: State): ChildOutput {
  const pipes: Record<Stream, Pipe> = { stdout: createPipe(state), stderr: createPipe(state) };
  let [order, last]: [number, Stream | null] = [0, null];
  let lazy = false;

  function write(chunk: Buffer, stream: Stream): void | Promise<void> {
    lazy ||= state.kept.isFull();
    if (!lazy) {
      passOn(state, pipes[stream], chunk);
      return state.live.pressure();
    }
    if (stream !== last) order++;
    last = stream;
    pipes[stream].raw.push(chunk, order);
    sample(state, pipes[stream], chunk.length);
  }

  return {
    write,
    end() {
      for (const pipe of [pipes.stdout, pipes.stderr]) forgetTorn(state, pipe);
      const blocks = [pipes.stdout, pipes.stderr].flatMap(pipe => remaining(pipe).map(block => ({ pipe, ...block })));
      for (const { pipe, bytes } of blocks.sort((a, b) => a.order - b.order)) passOn(state, pipe, bytes);
      for (const pipe of [pipes.stdout, pipes.stderr]) finish(state, pipe);
      const cut = pipes.stdout.data.cut() + pipes.stderr.data.cut();
      return { stdout: textOf(pipes.stdout.data), stderr: textOf(pipes.stderr.data), cut };
    },
  };
}

function createPipe(state: State): Pipe {
  return {
    redactor: createRedactor(state.secrets),
    lines: createLogText(),
    data: createKept(state.parts.maxStream ?? 256 * 1024),
    raw: createRawTail(state.parts.maxBytes / 2 + state.secrets.longest + 64 * 1024),
    start: 0,
  };
}

function passOn(state: State, pipe: Pipe, chunk: Buffer): void {
  const clean = pipe.redactor.push(chunk);
  pipe.data.push(clean);
  show(state, pipe.lines.push(clean, state.parts.clock.monotonic()));
}

function finish(state: State, pipe: Pipe): void {
  const rest = pipe.redactor.flush();
  pipe.data.push(rest);
  show(state, pipe.lines.push(rest, state.parts.clock.monotonic()) + pipe.lines.flush());
}

/** Handles dropped bytes: text from before the gap is finished there, and the gap is counted in the result and in the output. */
function forgetTorn(state: State, pipe: Pipe): void {
  const dropped = pipe.raw.dropped();
  if (dropped === 0) return;
  finish(state, pipe);
  const all = Buffer.concat(pipe.raw.blocks().map(block => block.bytes));
  const torn = safeStart(all, state.secrets.longest);
  // The redactor must see these bytes to know what began in them; its output is discarded, as it may be the rest of a secret.
  pipe.redactor.push(all.subarray(0, torn));
  pipe.redactor.push(Buffer.from('\n'));
  pipe.start = torn;
  pipe.data.skip(dropped + torn);
  state.kept.skip(dropped + torn);
}

function remaining(pipe: Pipe): { bytes: Buffer; order: number }[] {
  let skip = pipe.start;
  return pipe.raw.blocks().flatMap(block => {
    const bytes = block.bytes.subarray(skip);
    skip = Math.max(0, skip - block.bytes.length);
    return bytes.length === 0 ? [] : [{ bytes, order: block.order }];
  });
}

/** The first offset after which nothing can be the rest of a secret that began earlier: after a line break, else at a space. */
function safeStart(bytes: Buffer, longest: number): number {
  const keyEnd = endOfTornKey(bytes);
  const from = Math.max(longest, keyEnd);
  const line = bytes.indexOf(10, from);
  if (line >= 0 && line < from + 16 * tornReach) return line + 1;
  const far = Math.min(bytes.length, from + tornReach);
  const space = bytes.indexOf(32, far);
  return space >= 0 && space < far + tornReach ? space : far;
}

/** The offset after the END line of a private key whose BEGIN is gone; 0 when there is none. */
function endOfTornKey(bytes: Buffer): number {
  const front = bytes.subarray(0, 16 * tornReach).toString('latin1');
  const end = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/.exec(front);
  const begin = front.indexOf('-----BEGIN ');
  return end === null || (begin >= 0 && begin < end.index) ? 0 : end.index + end[0].length;
}

function textOf(data: Kept): string {
  const cut = data.cut();
  if (cut === 0) return dataText(Buffer.concat([data.head(), data.tail()]));
  return dataText(data.head()) + gapNote(cut) + dataText(data.tail());
}

function gapNote(cut: number): string {
  return `\n[… ${cut.toLocaleString('en-GB')} bytes cut …]\n`;
}

/** Sends a sample of the newest bytes: people still see progress when the head is full, without the cost of processing all output. */
function sample(state: State, pipe: Pipe, size: number): void {
  state.unseen += size;
  const now = state.parts.clock.monotonic();
  if (now - state.lastSample < sampleEvery || state.sampleBudget <= 0 || state.live.isBusy()) return;
  state.lastSample = now;
  const recent = pipe.raw.last(sampleSize + state.secrets.longest + 2 * tornReach);
  const start = Math.max(safeStart(recent, state.secrets.longest), recent.length - sampleSize);
  const redactor = createRedactor(state.secrets);
  redactor.push(recent.subarray(0, start));
  const lines = createLogText();
  const text = lines.push(redactor.push(recent.subarray(start)), 0);
  const piece = `[… ${state.unseen.toLocaleString('en-GB')} bytes not shown live …]\n${text}`;
  state.unseen = 0;
  state.sampleBudget -= piece.length;
  state.live.push(piece);
}

interface Live {
  push(text: string): void;
  /** The promise to wait for when too much is buffered. */
  pressure(): Promise<void> | undefined;
  isBusy(): boolean;
  end(): Promise<void>;
}

/** Gathers live output in batches and passes on one batch at a time. */
function createLive(parts: OutputParts): Live {
  let waiting = '';
  let sending: Promise<void> | null = null;
  let timer: AbortController | null = null;
  let pause = firstAfter;
  let broken = false;

  function push(text: string): void {
    if (broken) return;
    waiting += text;
    if (waiting.length >= batchSize) send();
    else if (timer === null && sending === null) {
      timer = new AbortController();
      parts.clock.sleep(pause, timer.signal).then(send, () => {});
    }
  }

  function send(): void {
    timer?.abort(over);
    timer = null;
    if (sending !== null || waiting === '') return;
    const text = waiting;
    waiting = '';
    pause = batchEvery;
    sending = passBatch(text).finally(() => {
      sending = null;
      if (waiting !== '') send();
    });
  }

  async function passBatch(text: string): Promise<void> {
    try {
      await parts.onChunk(text);
    } catch (error) {
      // A failure of live output must not fail the step; the output is still stored at the end.
      broken = true;
      waiting = '';
      parts.log.error({ because: messageOf(error) }, 'live output could not be passed on; the step goes on without');
    }
  }

  async function drained(): Promise<void> {
    while (sending !== null && waiting.length > batchSize) await sending;
  }

  return {
    push,
    pressure: () => (waiting.length > mostWaiting ? drained() : undefined),
    isBusy: () => sending !== null,
    async end() {
      send();
      while (sending !== null) await sending;
    },
  };
}

/** Runs a child and adds what it prints to the step's output: the implementation of `context.spawn`. Rejects as `Children.spawn`. */
export async function spawnInto(
  children: Children,
  output: Output,
  command: ChildCommand,
  io: Omit<ChildIo, 'onOutput'>,
): Promise<ChildEnd & { stdout: string; stderr: string; cut: number }> {
  const sink = output.child();
  const end = await children.spawn(command, { ...io, onOutput: sink.write }).catch(error => {
    sink.end();
    throw error;
  });
  return { ...end, ...sink.end() };
}
