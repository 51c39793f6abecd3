/** Cuts what comes over a connection into messages. */
export interface Framing {
  /** False when what comes is no framing, and nothing after it can be read. */
  push(chunk: Buffer): boolean;
  /** The connection ended: what is there without its end is a message too. */
  end(): void;
}

/** MSG-LEN of RFC 6587 has no limit; more digits than these are none. */
const mostDigits = 8;
const lf = 0x0a;
const space = 0x20;

/**
 * Octet counting and LF, told apart by the first bytes of the connection: a length of 1 to 8 digits and a space, or anything else. Source:
 * RFC 6587, 3.4. Of a message longer than `longest` bytes the beginning is taken, with `cut`; no more than it is kept.
 */
export function createFraming(longest: number, take: (bytes: Buffer, cut: boolean) => void): Framing {
  const message = createBuffer(longest, take);
  let mode: 'unknown' | 'lines' | 'count' | 'body' = 'unknown';
  let digits = '';
  let left = 0;

  function lines(chunk: Buffer): void {
    let at = 0;
    for (let end = chunk.indexOf(lf); end >= 0; end = chunk.indexOf(lf, at)) {
      message.add(chunk.subarray(at, end));
      message.done(true);
      at = end + 1;
    }
    message.add(chunk.subarray(at));
  }

  /** Returns how many bytes it took, or -1. */
  function count(chunk: Buffer, at: number): number {
    const byte = chunk[at] ?? 0;
    // Some senders end a counted message with a line end that they did not count.
    if (digits === '' && byte === lf) return 1;
    if (byte === space && digits !== '') {
      left = Number(digits);
      digits = '';
      mode = 'body';
      return 1;
    }
    const isDigit = byte >= 0x30 && byte <= 0x39 && !(digits === '' && byte === 0x30);
    if (!isDigit || digits.length >= mostDigits) return -1;
    digits += String.fromCharCode(byte);
    return 1;
  }

  return {
    push(chunk) {
      let at = 0;
      while (at < chunk.length) {
        if (mode === 'lines') {
          lines(chunk.subarray(at));
          return true;
        }
        if (mode === 'body') {
          const part = chunk.subarray(at, at + left);
          message.add(part);
          at += part.length;
          left -= part.length;
          if (left > 0) continue;
          message.done(true);
          mode = 'count';
          continue;
        }
        const taken = mode === 'unknown' && digits === '' && chunk[at] === lf ? -1 : count(chunk, at);
        if (taken < 0 && mode === 'count') return false;
        if (taken < 0) {
          mode = 'lines';
          lines(Buffer.from(digits));
          continue;
        }
        at += taken;
      }
      return true;
    },
    end() {
      if (mode === 'unknown' && digits !== '') lines(Buffer.from(digits));
      // Of a counted message the end is missing.
      message.done(mode !== 'body');
    },
  };
}

/** Collects one message. */
function createBuffer(longest: number, take: (bytes: Buffer, cut: boolean) => void) {
  let parts: Buffer[] = [];
  let size = 0;
  let over = false;
  return {
    add(part: Buffer): void {
      const room = longest - size;
      if (part.length > room) over = true;
      const kept = part.subarray(0, room);
      if (kept.length === 0) return;
      // A copy: the chunk is many times as large, and would stay in memory with it.
      parts.push(Buffer.from(kept));
      size += kept.length;
    },
    done(whole: boolean): void {
      const bytes = trim(Buffer.concat(parts));
      if (bytes.length > 0) take(bytes, over || !whole);
      parts = [];
      size = 0;
      over = false;
    },
  };
}

/** Without line ends and zero bytes behind it, which no message has. */
export function trim(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && [lf, 0x0d, 0].includes(bytes[end - 1] ?? 1)) end -= 1;
  return bytes.subarray(0, end);
}
