import type { IncomingMessage } from 'node:http';
import { TocsinError } from '../kernel/errors.ts';

/** Bytes of a refused body that are read and discarded, so that the sender reads the answer. After that the connection is closed. */
const lingerBytes = 32 * 1024 * 1024;

/** The raw bytes of a request, at most `limit`. Rejects with `body-too-large`, or `bad-body` when the sender stops in the middle. */
export function readBody(incoming: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    incoming.on('data', take).on('end', finish).on('error', cut).on('close', cut);

    function take(chunk: Buffer): void {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
      else refuse(new TocsinError('body-too-large', { allowed: `${limit} bytes` }));
    }
    function finish(): void {
      release();
      resolve(chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks, size));
    }
    function cut(): void {
      refuse(new TocsinError('bad-body', { message: 'The request ended before its body did.' }));
    }
    function refuse(error: TocsinError): void {
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
