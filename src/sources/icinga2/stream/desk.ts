import { sha256 } from '../../../kernel/canonical.ts';
import { messageOf } from '../../../kernel/errors.ts';
import type { Alert } from '../../../model/alert.ts';
import { type IncomingEvent, incomingEvent } from '../../../model/event.ts';
import { keyOf } from '../../../model/incoming.ts';
import type { EmitTools } from '../../../ports/emit.ts';
import { normalise } from '../../nagios/notification.ts';
import type { Options } from '../options.ts';
import { nameOf, type Subject } from './objects.ts';

/** What the stream and the list tell, in the words of a posted notification, so that both make the same alert. */
export interface Words extends Subject {
  type: string;
  /** The state in a word; empty where it is not about one. */
  state: string;
  output: string;
  author: string;
  comment: string;
  /** Milliseconds by the clock of Icinga. */
  at: number;
  /** When the stretch began, milliseconds. */
  since?: number;
  /** Why an end is no cure. */
  noCure?: string;
}

/** The way to the store. */
export interface Desk {
  known(subject: Subject): Promise<Alert | null>;
  /** Makes it durable once. It is tried until the store takes it, or the source stops: then it rejects. */
  tell(words: Partial<Words> & Subject & Pick<Words, 'type' | 'at'>, which?: IncomingEvent['kind']): Promise<void>;
}

/** Back-off when the store does not take the events, milliseconds. */
const backoff = [250, 500, 1000, 2000, 5000];

export function createDesk(options: Options, tools: EmitTools & { signal: AbortSignal }): Desk {
  const { clock, log, signal } = tools;
  return {
    known: subject => tools.alertOf(keyOf(nameOf(subject))),
    async tell(words, which) {
      const { at, since, noCure, ...texts } = words;
      const form = { state_type: 'HARD', ...texts, time: String(at), last_change: String(since ?? '') };
      const { events: all } = normalise(form, { headers: {}, body: Buffer.alloc(0), at: clock.now() }, options);
      const events = all
        .filter(event => which === undefined || event.kind === which)
        .map(event => (event.kind === 'alert' && noCure !== undefined ? { ...event, noCure } : event))
        .filter(event => isReadable(event, log));
      const once = `stream/${sha256(JSON.stringify([form, which ?? null]))}`;
      for (let tries = 0; events.length > 0; tries++) {
        signal.throwIfAborted();
        try {
          await tools.emit(events, once);
          return;
        } catch (error) {
          if (tries === 0)
            log.warn({ because: messageOf(error) }, 'news of Icinga could not be made durable, and is tried again');
          await clock.sleep(backoff[Math.min(tries, backoff.length - 1)] ?? 0, signal).catch(() => {});
        }
      }
    },
  };
}

/** What the store would refuse for ever must not hold up what comes behind it. */
function isReadable(event: IncomingEvent, log: EmitTools['log']): boolean {
  const { success } = incomingEvent.safeParse(event);
  if (!success) log.error({ kind: event.kind }, 'an event of Icinga cannot be told');
  return success;
}
