import { messageOf } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { Dispatcher } from '../../ports/dispatcher.ts';
import type { Store } from '../../ports/store.ts';
import { traceparent } from './ids.ts';
import { createSpans } from './spans.ts';

/** The most runs whose trace is remembered. */
const most = 5000;

/** Adds the trace of the run to every wake-up of the dispatcher. A wake-up whose run cannot be read is sent without one. */
export function withTraces(
  dispatcher: Dispatcher,
  { store, log }: { store: Pick<Store, 'stream' | 'run'>; log: Log },
): Dispatcher {
  const spans = createSpans(store);
  const known = new Map<string, string>();

  async function traceOf(run: string): Promise<{ trace?: string }> {
    const kept = known.get(run);
    if (kept !== undefined) return { trace: kept };
    const context = await spans.contextOf(run);
    if (context === null) return {};
    const trace = traceparent(context);
    known.set(run, trace);
    for (const oldest of known.keys()) {
      if (known.size <= most) break;
      known.delete(oldest);
    }
    return { trace };
  }

  return {
    ...dispatcher,
    async wake(wakeUp) {
      const trace = await traceOf(wakeUp.run).catch(error => {
        log.debug({ run: wakeUp.run, because: messageOf(error) }, 'a wake-up is sent without its trace');
        return {};
      });
      await dispatcher.wake({ ...wakeUp, ...trace });
    },
  };
}
