import type { Alert } from '../../model/alert.ts';
import { streamOf } from '../../model/journal.ts';
import type { Held } from '../../model/ledger/held.ts';
import type { Run } from '../../model/run.ts';
import type { Guard, Store } from '../../ports/store.ts';
import { outlived } from '../pipeline/episode.ts';

/**
 * The alert that a run is for, and the change that it undoes, at the moment in which the run begins: nothing begins for one that is over. The alert's version guards the
 * change that journals the beginning, so that a resolve that is taken in at the same moment comes before it or after it.
 */
export interface Cause {
  read(): Promise<Alert | null>;
  /** Reads the alert again: somebody wrote to it, or to the run, in the same moment. */
  again(): Promise<void>;
  /** Why the run must not begin; null when it may, and when it has begun. */
  over(): string | null;
  guards(): Guard[];
}

export function createCause(run: Run, store: Pick<Store, 'alert' | 'document'>): Cause {
  const begins = run.startedAt === null && run.trigger === 'event';
  let alert: Alert | null = null;
  let held: Held | null = null;
  const read = async () => {
    [alert, held] = await Promise.all([
      run.alert === null ? null : store.alert(run.alert),
      run.undoes === null ? null : store.document('held', run.undoes),
    ]);
    return alert;
  };
  return {
    read,
    async again() {
      if (begins) await read();
    },
    over() {
      const because = begins ? (settled(held) ?? outlived(run, alert)) : null;
      return because === null ? null : `${because}, so nothing runs`;
    },
    guards() {
      if (!begins) return [];
      return [
        ...(alert === null
          ? []
          : [{ kind: 'stream' as const, stream: streamOf.alert(alert.id), version: alert.version }]),
        ...(held === null ? [] : [{ kind: 'stream' as const, stream: streamOf.held(held.id), version: held.version }]),
      ];
    },
  };
}

/** Why a change is not undone any more; null while nothing permits it, and for a run that undoes none. */
function settled(held: Held | null): string | null {
  return held === null || held.state === 'unpermitted' ? null : `the change is ${held.state} meanwhile`;
}
