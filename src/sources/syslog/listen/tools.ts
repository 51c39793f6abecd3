import type { EmitTools } from '../../../ports/emit.ts';
import type { Pace } from './pace.ts';
import type { Queue } from './queue.ts';

/** What the listeners of a source have in common. */
export interface ListenTools extends Pick<EmitTools, 'clock' | 'log' | 'lost'> {
  queue: Queue;
  pace: Pace;
  /** False for an address that may not send. */
  admits(peer: string): boolean;
  limits: {
    /** Bytes of a message. */
    longestMessage: number;
    connections: number;
    /** Milliseconds without a byte after which a connection is ended. */
    idle: number;
  };
}
