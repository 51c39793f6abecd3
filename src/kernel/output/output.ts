/** What a step prints: redacted, bounded and kept as it arrives. */

import type { ChildCommand, ChildEnd, ChildIo, Children } from '../child/child.ts';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { type ByteFilter, compileSecrets, createRedactor, type Secrets } from '../redact/redact.ts';
import { createKept, createRawTail, type Kept, type RawTail } from './kept.ts';
import { createLogText, dataText, type LogText } from './text.ts';

type Stream = 'stdout' | 'stderr';

/** The output of one step: redacted, made harmless, bounded, shown live. Memory stays bounded whatever is written. */
export interface Output {
  /** For one child process; its results are for the next step, and what it writes is in the step's output. */
  child(): ChildOutput;
  /** A line from us. */
  say(text: string): void;
  /** Everything, when no child writes any more. */
  end(): Promise<{
    /** The whole output, both streams as they came; beyond the bound the first and the last half, with a note between. */
    text: string;
    /** How many bytes are not in it. */
    cut: number;
  }>;
}

export interface ChildOutput {
  /** A promise asks to wait before more is written. Never rejects. */
  write(chunk: Buffer, stream: Stream): void | Promise<void>;
  end(): { stdout: string; stderr: string; cut: number };
}

export interface OutputParts {
  clock: Clock;
  log: Log;
  /** Values that must not be seen. */
  secrets: Secrets | Iterable<string>;
  /** Bytes of the whole output that are kept: half from its head, half from its tail. */
  maxBytes: number;
  /** Bytes of each stream of a child that the next step can read; 256 KiB when left out. */
  maxStream?: number;
  /** Takes the next piece of live output, whole lines. Called one at a time; while its promise is open the child may be held back. */
  onChunk(text: string): void | Promise<void>;
}

/** Live output goes out when so many milliseconds have passed, or so many characters wait. */
const batchEvery = 100;
const batchSize = 16 * 1024;
/** Characters that may wait for a slow reader before the child is held back. */
const mostWaiting = 256 * 1024;
/** Beyond the head there is one glimpse of what comes so often, so long. */
const glimpseEvery = 1000;
const glimpseSize = 2048;
/** How far a credential that is no known secret may reach into what was cut. */
const tornReach = 4096;

interface State {
  parts: OutputParts;
  secrets: Secrets;
  kept: Kept;
  live: Live;
  /** Raw bytes that went by since the last glimpse. */
  unseen: number;
  lastGlimpse: number;
  /** What glimpses may still use: the head's size again. */
  glimpses: number;
}

export function createOutput(parts: OutputParts): Output {
  const secrets = 'automaton' in parts.secrets ? parts.secrets : compileSecrets(parts.secrets);
  const state: State = {
    parts,
    secrets,
    kept: createKept(parts.maxBytes),
    live: createLive(parts),
    unseen: 0,
    lastGlimpse: 0,
    glimpses: parts.maxBytes / 2,
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
      await state.live.end();
      return { text: state.kept.head().toString() + gap + state.kept.tail().toString(), cut };
    },
  };
}

/** Into what is kept, and out live while the head lasts. */
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
  /** What came when the head was full: worked on at the end, because most of it will be gone by then. */
  raw: RawTail;
  /** How much of its front is left out, because it may be the rest of a secret. */
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
    glimpse(state, pipes[stream], chunk.length);
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

/** Where bytes were dropped: what was begun before the gap ends there, and both sides count what is missing. */
function forgetTorn(state: State, pipe: Pipe): void {
  const dropped = pipe.raw.dropped();
  if (dropped === 0) return;
  finish(state, pipe);
  const all = Buffer.concat(pipe.raw.blocks().map(block => block.bytes));
  const torn = safeStart(all, state.secrets.longest);
  // Through the redactor, so that it knows what began here; what comes out may be the rest of a secret.
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

/** The first place from which on nothing can be the rest of a secret that began before: after a line's end, else after a white space. */
function safeStart(bytes: Buffer, longest: number): number {
  const keyEnd = endOfTornKey(bytes);
  const from = Math.max(longest, keyEnd);
  const line = bytes.indexOf(10, from);
  if (line >= 0 && line < from + 16 * tornReach) return line + 1;
  const far = Math.min(bytes.length, from + tornReach);
  const space = bytes.indexOf(32, far);
  return space >= 0 && space < far + tornReach ? space : far;
}

/** After the END of a private key whose BEGIN is gone; 0 when there is none. */
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

/** Beyond the head people still see that something happens, and what, without all of it being worked on. */
function glimpse(state: State, pipe: Pipe, size: number): void {
  state.unseen += size;
  const now = state.parts.clock.monotonic();
  if (now - state.lastGlimpse < glimpseEvery || state.glimpses <= 0 || state.live.isBusy()) return;
  state.lastGlimpse = now;
  const recent = pipe.raw.last(glimpseSize + state.secrets.longest + 2 * tornReach);
  const start = Math.max(safeStart(recent, state.secrets.longest), recent.length - glimpseSize);
  const redactor = createRedactor(state.secrets);
  redactor.push(recent.subarray(0, start));
  const lines = createLogText();
  const text = lines.push(redactor.push(recent.subarray(start)), 0);
  const piece = `[… ${state.unseen.toLocaleString('en-GB')} bytes not shown live …]\n${text}`;
  state.unseen = 0;
  state.glimpses -= piece.length;
  state.live.push(piece);
}

interface Live {
  push(text: string): void;
  /** To wait for, when too much waits. */
  pressure(): Promise<void> | undefined;
  isBusy(): boolean;
  end(): Promise<void>;
}

/** Batches, and hands over one batch at a time. */
function createLive(parts: OutputParts): Live {
  let waiting = '';
  let sending: Promise<void> | null = null;
  let timer: AbortController | null = null;
  let broken = false;

  function push(text: string): void {
    if (broken) return;
    waiting += text;
    if (waiting.length >= batchSize) send();
    else if (timer === null && sending === null) {
      timer = new AbortController();
      parts.clock.sleep(batchEvery, timer.signal).then(send, () => {});
    }
  }

  function send(): void {
    timer?.abort();
    timer = null;
    if (sending !== null || waiting === '') return;
    const text = waiting;
    waiting = '';
    sending = hand(text).finally(() => {
      sending = null;
      if (waiting !== '') send();
    });
  }

  async function hand(text: string): Promise<void> {
    try {
      await parts.onChunk(text);
    } catch (error) {
      // The step is what counts, and all of its output is still stored at the end.
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

/** Runs a child within a step's output: what `context.spawn` does. */
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
