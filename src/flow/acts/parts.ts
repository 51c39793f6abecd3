import { TocsinError } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import { nearest } from '../../kernel/nearest.ts';
import type { ActAnswer } from '../../model/act.ts';
import type { Actor } from '../../model/actor.ts';
import type { Dispatcher } from '../../ports/dispatcher.ts';
import type { EvidenceOffice } from '../evidence/gather.ts';
import type { KnownBad } from '../gates/known-bad.ts';
import type { Feed } from '../journal/feed.ts';
import type { Streams } from '../journal/streams.ts';
import type { Groups } from '../people/groups.ts';
import type { Seals } from '../people/seal.ts';
import type { BeginParts } from '../pipeline/begin.ts';
import type { DeliveryLog } from '../pipeline/delivery-log.ts';
import type { Intake } from '../pipeline/intake.ts';
import type { Recorder } from '../pipeline/recorder.ts';
import type { About, Looked } from '../thread/beforehand/look.ts';
import type { Refusals } from './refusals.ts';

/** The dependencies of acts. */
export interface ActParts extends BeginParts {
  feed: Feed;
  streams: Streams;
  dispatcher: Dispatcher;
  seals: Seals;
  groups: Groups;
  refusals: Refusals;
  metrics: Metrics;
  log: Log;
  intake: Pick<Intake, 'receive'>;
  deliveries: Pick<DeliveryLog, 'seen'>;
  knownBad: KnownBad;
  evidence: EvidenceOffice;
  recorder: Pick<Recorder, 'changed' | 'sweep'>;
  /** The open card of an approval of a run, with what there is to know now before one approves. */
  lookAt(about: About): Promise<Looked>;
  /** Ends a running session of this process at once. */
  interrupt(run: string): void;
  /** What a token may do; null when nothing limits it, or the actor came another way. */
  mayOf(who: Actor): readonly string[] | null;
}

export function refused(code: string, status: number, text: string): ActAnswer {
  return { ok: false, code, status, text };
}

/** Not found, with the nearest name that exists. */
export function unknown(what: string, given: string, known: Iterable<string>): TocsinError {
  const near = nearest(given, known);
  return new TocsinError(what === 'runbook' ? 'runbook-unknown' : 'not-found', {
    message: `There is no ${what} "${given}".`,
    given,
    ...(near === null ? {} : { remedy: `Did you mean "${near}"?` }),
  });
}
