import type { Actor } from '../../model/actor.ts';
import type { Fact } from '../../model/journal.ts';
import { isEnded, type Run } from '../../model/run.ts';
import type { Streams } from '../journal/streams.ts';

/** Journals that the run is to end. A run that has not begun has no worker, so it ends at once; any other is ended by its worker. */
export async function journalCancel(streams: Streams, id: string, who: Actor, because: string): Promise<Run> {
  return await streams.run(id, who, run => {
    if (isEnded(run.state)) return null;
    const facts: Fact[] = run.cancel === null ? [{ kind: 'run.cancelling', run: run.id, reason: because }] : [];
    if (run.startedAt === null) facts.push({ kind: 'run.finished', run: run.id, state: 'cancelled', because });
    return { facts };
  });
}
