/** Raw chunks in order of arrival, the newest ones up to a number of bytes. */
export interface RawTail {
  push(chunk: Buffer, order: number): void;
  /** Bytes that were dropped from its front. */
  dropped(): number;
  /** Drops everything. */
  clear(): void;
  blocks(): readonly RawBlock[];
  /** The last bytes, as one copy. */
  last(count: number): Buffer;
}

export interface RawBlock {
  bytes: Buffer;
  order: number;
}

/** Small writes are gathered in blocks of this size: an object for every byte would cost a hundred times the byte. */
const blockSize = 16 * 1024;
/** What an object costs beside its bytes, roughly. */
const overhead = 256;

export function createRawTail(capacity: number): RawTail {
  const blocks: (RawBlock & { used: number })[] = [];
  let [size, dropped] = [0, 0];

  function push(chunk: Buffer, order: number): void {
    const last = blocks.at(-1);
    const room = last?.order === order ? last.bytes.length - last.used : 0;
    const part = Math.min(room, chunk.length);
    if (last !== undefined && part > 0) {
      chunk.copy(last.bytes, last.used, 0, part);
      last.used += part;
    }
    if (part < chunk.length) append(chunk.subarray(part), order);
    while (blocks.length > 1 && size - cost(blocks[0]) >= capacity) {
      const first = blocks.shift();
      size -= cost(first);
      dropped += first?.used ?? 0;
    }
  }

  /** A block that is continued gets room for more; one whose stream keeps changing does not. */
  function append(chunk: Buffer, order: number): void {
    const bytes = Buffer.allocUnsafeSlow(
      blocks.at(-1)?.order === order ? Math.max(blockSize, chunk.length) : chunk.length,
    );
    chunk.copy(bytes);
    const block = { bytes, order, used: chunk.length };
    blocks.push(block);
    size += cost(block);
  }

  return {
    push,
    dropped: () => dropped,
    clear() {
      for (const block of blocks.splice(0)) dropped += block.used;
      size = 0;
    },
    blocks: () => blocks.map(block => ({ bytes: block.bytes.subarray(0, block.used), order: block.order })),
    last(count) {
      const parts: Buffer[] = [];
      for (let i = blocks.length - 1, left = count; i >= 0 && left > 0; i--) {
        const block = blocks[i];
        if (block === undefined) break;
        parts.unshift(block.bytes.subarray(Math.max(0, block.used - left), block.used));
        left -= block.used;
      }
      return Buffer.concat(parts);
    },
  };
}

function cost(block: { bytes: Buffer } | undefined): number {
  return (block?.bytes.length ?? 0) + overhead;
}

/** Bytes of which the first and the last half are kept. */
export interface Kept {
  push(bytes: Buffer): void;
  /** So many bytes are missing here. */
  skip(count: number): void;
  isFull(): boolean;
  cut(): number;
  /** The head, and the tail, which follows the gap; cut at whole characters. */
  head(): Buffer;
  tail(): Buffer;
}

export function createKept(maxBytes: number): Kept {
  const half = Math.floor(maxBytes / 2);
  const head: Buffer[] = [];
  let [headSize, skipped, full] = [0, 0, false];
  const tail = createRawTail(half);

  return {
    push(bytes) {
      const room = full ? 0 : half - headSize;
      if (bytes.length <= room) {
        head.push(Buffer.from(bytes));
        headSize += bytes.length;
        return;
      }
      // Not within a UTF-8 character.
      let end = Math.max(0, room);
      while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
      if (end > 0) head.push(Buffer.from(bytes.subarray(0, end)));
      headSize += end;
      full = true;
      tail.push(bytes.subarray(end), 0);
    },
    skip(count) {
      if (count === 0) return;
      full = true;
      skipped += count;
      // What came before the gap would stand next to what comes after it.
      tail.clear();
    },
    isFull: () => full,
    cut: () => skipped + tail.dropped() + trimmed(tail, half),
    head: () => Buffer.concat(head),
    tail() {
      const all = Buffer.concat(tail.blocks().map(block => block.bytes));
      return all.subarray(trimmed(tail, half));
    },
  };
}

/** How many bytes at the tail's front are too many, or belong to a character whose start is gone. */
function trimmed(tail: RawTail, half: number): number {
  const all = Buffer.concat(tail.blocks().map(block => block.bytes));
  let start = Math.max(0, all.length - half);
  if (start === 0 && tail.dropped() === 0) return 0;
  while (start < all.length && ((all[start] ?? 0) & 0xc0) === 0x80) start++;
  return start;
}
