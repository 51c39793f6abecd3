import type { IncomingMessage } from 'node:http';
import { TocsinError } from '../kernel/errors.ts';

/** Bytes of a refused body that are read and discarded, so that the sender reads the answer. After that the connection is closed. */
const lingerBytes = 32 * 1024 * 1024;

/** From this size on a body of a declared length is written into one buffer of that length, which its pages become as they arrive. Bytes. */
const large = 1024 * 1024;

/**
 * The raw bytes of a request. `arrived` is called with the size of each piece before it is kept, and may throw. Rejects with what it
 * throws, or with `bad-body` when the sender stops in the middle. `declared` is the Content-Length, 0 when there is none.
 */
export function readBody(
  incoming: IncomingMessage,
  declared: number,
  arrived: (bytes: number) => void,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let size = 0;
    incoming.on('data', take).on('end', finish).on('error', cut).on('close', cut);

    function take(chunk: Buffer): void {
      try {
        arrived(chunk.length);
      } catch (error) {
        refuse(error);
        return;
      }
      const [only] = chunks;
      if (only !== undefined && only.length === declared) chunk.copy(only, size);
      else chunks.push(chunk);
      size += chunk.length;
      if (chunks.length > 1 && size >= large && declared >= size) join();
    }
    /** The pieces need not be in memory twice, as they would be when they are joined in the end. */
    function join(): void {
      const whole = Buffer.allocUnsafeSlow(declared);
      let at = 0;
      for (const chunk of chunks) at += chunk.copy(whole, at);
      chunks = [whole];
    }
    function finish(): void {
      release();
      resolve(chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks, size));
    }
    function cut(): void {
      refuse(new TocsinError('bad-body', { message: 'The request ended before its body did.' }));
    }
    function refuse(error: unknown): void {
      release();
      discard(incoming);
      reject(error);
    }
    function release(): void {
      incoming.off('data', take).off('end', finish).off('error', cut).off('close', cut);
    }
  });
}

/** Discards the rest of a body; closes the connection of one that is too long. */
export function discard(incoming: IncomingMessage): void {
  let size = 0;
  incoming.on('error', () => {});
  incoming.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > lingerBytes) incoming.destroy();
  });
}
