import { systemClock } from '../../../src/kernel/clock.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import type { IncomingEvent } from '../../../src/model/event.ts';
import type { EmitTools } from '../../../src/ports/emit.ts';
import type { DeadLetters } from '../../../src/ports/letters.ts';
import type { RecordBatch, RecordsTaken } from '../../../src/ports/records.ts';
import source from '../../../src/sources/aws-records/index.ts';
import { type S3, startS3 } from '../../doubles/aws/s3.ts';
import { type Sqs, startSqs } from '../../doubles/aws/sqs.ts';
import { idleTools } from '../idle-tools.ts';

export const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };

/** What several nodes share: the claims of batches and the list of dead letters, as the store keeps them. */
export interface Shared {
  /** Batches that were counted, in order. */
  counted: { from: string; once: string; text: string }[];
  claims: Set<string>;
  letters: Map<string, Parameters<DeadLetters['put']>[0]>;
  emitted: { events: IncomingEvent[]; once: string }[];
  troubles: (string | null)[];
}

export interface Place extends Shared {
  sqs: Sqs;
  s3: S3;
  /** Starts a node; resolves to what stops it. */
  node(more?: object, tools?: Partial<EmitTools>): Promise<() => Promise<void>>;
  /** Waits until something holds. */
  until<T>(look: () => T | null | undefined | false): Promise<T>;
  stop(): Promise<void>;
}

/** The doubles of AWS, and any number of nodes with the source alone. */
export async function openPlace(): Promise<Place> {
  const sqs = await startSqs(keys);
  const s3 = await startS3(keys);
  const shared: Shared = { counted: [], claims: new Set(), letters: new Map(), emitted: [], troubles: [] };
  const stops: (() => Promise<void>)[] = [];
  return {
    ...shared,
    sqs,
    s3,
    async node(more = {}, tools = {}) {
      const options = source.options.parse({ ...optionsFor(sqs, s3), ...more });
      const stop = (await source.start?.(options, { ...toolsOf(shared), ...tools })) ?? (async () => {});
      stops.push(stop);
      return stop;
    },
    async until(look) {
      for (let tries = 0; tries < 5000; tries++) {
        const found = look();
        if (found !== null && found !== undefined && found !== false) return found;
        await new Promise(resolve => setTimeout(resolve, 10));
      }
      throw new Error(
        `nothing came of it: ${JSON.stringify(shared, (_, value) => (value instanceof Map ? [...value] : value))}`,
      );
    },
    async stop() {
      await Promise.all(stops.map(stop => stop()));
      await sqs.close();
      await s3.close();
    },
  };
}

export function optionsFor(sqs: Pick<Sqs, 'queue'>, s3: Pick<S3, 'url'>): object {
  return {
    queue: sqs.queue,
    region: 'eu-central-1',
    s3: s3.url,
    buckets: ['logs'],
    format: 'json',
    credentials: keys,
  };
}

function toolsOf(shared: Shared): EmitTools {
  return {
    ...idleTools,
    clock: systemClock,
    log: silentLog,
    async emit(events, once) {
      if (shared.claims.has(once)) return false;
      shared.claims.add(once);
      shared.emitted.push({ events, once });
      return true;
    },
    lost: async () => {},
    takeRecords: batch => take(batch, shared),
    letters: {
      async put(letter) {
        shared.letters.set(letter.key, letter);
        return true;
      },
      takeRetries: async () => [],
      settle: async () => {},
      onRetry: () => () => {},
    },
    trouble: because => void shared.troubles.push(because),
  };
}

/** Lines that begin with `{` are records, as far as this place is concerned. */
async function take({ pieces, from, once }: RecordBatch, shared: Shared): Promise<RecordsTaken> {
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(piece);
  const text = Buffer.concat(all).toString();
  const lines = text.split('\n').filter(line => line !== '');
  const records = lines.filter(line => line.startsWith('{')).length;
  const key = once ?? '';
  const duplicate = shared.claims.has(key);
  const none = { records: 0, unreadable: 0, faults: [], alerts: 0, duplicate: true };
  if (duplicate) return none;
  shared.claims.add(key);
  shared.counted.push({ from, once: key, text });
  const unreadable = lines.length - records;
  const faults = unreadable === 0 ? [] : [{ cause: 'no JSON', sample: '' }];
  return { records, unreadable, faults, alerts: 0, duplicate: false };
}
