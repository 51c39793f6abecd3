/** A bounded buffer of raw chunks: keeps the newest ones up to a number of bytes, in order of arrival. */
export interface RawTail {
  push(chunk: Buffer, order: number): void;
  /** Bytes that were dropped from the front. */
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

/** Bytes of a block in which small writes are gathered. An object for each one-byte write would cost a hundred times the byte. */
const blockSize = 16 * 1024;
/** Approximate memory cost of a block besides its bytes. */
const overhead = 256;

export function createRawTail(capacity: number): RawTail {
  const blocks: (RawBlock & { used: number })[] = [];
  let [size, dropped] = [0, 0];

  function push(chunk: Buffer, order: number): void {
    const last = blocks.at(-1);
    const free = last?.order === order ? last.bytes.length - last.used : 0;
    const part = Math.min(free, chunk.length);
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

  /** A block that continues the same order gets spare capacity; when the streams alternate, each chunk gets a block of its own size. */
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

/** A bounded buffer that keeps the head and the tail of a stream, half of the bound each. */
export interface Kept {
  push(bytes: Buffer): void;
  /** Marks that `count` bytes are missing at this point. */
  skip(count: number): void;
  isFull(): boolean;
  cut(): number;
  /** The head, and the tail after the gap; both are cut at whole UTF-8 characters. */
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
      const free = full ? 0 : half - headSize;
      if (bytes.length <= free) {
        head.push(Buffer.from(bytes));
        headSize += bytes.length;
        return;
      }
      // Does not split a UTF-8 character.
      let end = Math.max(0, free);
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
      // Otherwise bytes from before the gap would be joined with bytes from after it.
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

/** Bytes to cut from the front of the tail: those beyond the bound, and the rest of a character whose start is gone. */
function trimmed(tail: RawTail, half: number): number {
  const all = Buffer.concat(tail.blocks().map(block => block.bytes));
  let start = Math.max(0, all.length - half);
  if (start === 0 && tail.dropped() === 0) return 0;
  while (start < all.length && ((all[start] ?? 0) & 0xc0) === 0x80) start++;
  return start;
}
