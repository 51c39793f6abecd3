import { showDuration } from '../../kernel/duration.ts';
import type { Alert } from '../../model/alert.ts';
import type { IncomingAlert } from '../../model/event.ts';
import { labelsOf, titleOf } from '../../model/incoming.ts';
import type { Watch } from './expect-watch.ts';

/**
 * The alert that says that something expected is missing. Its labels are those of the file and `expect`, not those of what is missing, or
 * a route for the watchdog itself would take this too. `known` is its alert as stored.
 */
export function missingAlert(watch: Watch, known: Alert | null, now: number): IncomingAlert {
  const { expectation, listening } = watch;
  const live = known !== null && known.state !== 'resolved';
  const due = Math.round(now - Math.max(0, listening.listened - listening.limit));
  return {
    kind: 'alert',
    state: 'firing',
    fingerprint: expectation.key,
    title: titleOf(`${expectation.name} has not been heard of for ${showDuration(expectation.every)}`),
    labels: labelsOf({ ...expectation.labels, expect: expectation.name }),
    annotations: { description: describe(watch) },
    links: [],
    severity: expectation.severity,
    occurredAt: now,
    // Our clock may have been set back: a start before the last one would be taken for old news, and nobody would be told.
    startsAt: live ? known.startsAt : Math.max(due, (known?.startsAt ?? 0) + 1),
    stretch: 'startsAt',
    endsAt: null,
  };
}

function describe({ expectation, heardAt, unproven }: Watch): string {
  const from = expectation.source === null ? '' : ` from ${expectation.source}`;
  return [
    `Nothing with ${expectation.text} came${from}, which is expected every ${showDuration(expectation.every)}.`,
    heardAt === null ? 'It has never been heard.' : `It was last heard at ${new Date(heardAt).toISOString()}.`,
    ...(unproven === null
      ? []
      : [`${unproven} brought it without proof of who sent it, so that does not count: give that source a secret.`]),
  ].join(' ');
}

/** The end of such an alert: it was heard again, or is no longer expected. */
export function endedAlert(known: Alert, at: number, because: string): IncomingAlert {
  const ended = Math.max(at, known.startsAt);
  return {
    kind: 'alert',
    state: 'resolved',
    fingerprint: known.fingerprint,
    title: known.title,
    labels: known.labels,
    annotations: { description: because },
    links: [],
    severity: known.severity,
    occurredAt: ended,
    startsAt: known.startsAt,
    stretch: 'startsAt',
    endsAt: ended,
  };
}
