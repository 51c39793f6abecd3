import { canonicalJson, sha256 } from '../../kernel/canonical.ts';
import { showDuration } from '../../kernel/duration.ts';
import type { Alert } from '../../model/alert.ts';
import type { ChangeState } from '../../model/change.ts';
import type { IncomingAlert, IncomingChange } from '../../model/event.ts';
import { labelsOf, titleOf } from '../../model/incoming.ts';
import type { Held } from '../../model/ledger/held.ts';
import { changesSource } from '../../ports/catalogue.ts';
import { changeEventOf } from './before.ts';
import type { Verdict } from './judge.ts';
import type { ChangesParts } from './parts.ts';
import type { ChangeRules } from './rules.ts';

/**
 * One alert for what one principal does in one environment, told by one source: a storm of changes is one thread with a count. What may not
 * be undone without asking is another, so that it takes nothing from what may; and so is what went past a gate.
 */
function fingerprintOf({ source, principal, environment }: Held, { asks, bypassed }: Verdict): string {
  const past = bypassed === undefined ? {} : { bypassed };
  return sha256(canonicalJson({ source, principal, environment, asks, ...past }));
}

/** Makes the alert of an unpermitted change fire, once for the change. Resolves to its id. */
export async function alertOfChange(
  held: Held,
  verdict: Verdict,
  spec: ChangeRules,
  { store, intake, clock }: Pick<ChangesParts, 'store' | 'intake' | 'clock'>,
): Promise<string | null> {
  const fingerprint = fingerprintOf(held, verdict);
  const known = await store.alertOf(changesSource, fingerprint);
  const change = (await changeEventOf(held, store))?.body ?? null;
  const body = firing({ held, verdict, change, known, now: clock.now(), fingerprint }, spec);
  await intake.emit(changesSource, [body], held.id, undefined, undefined, { trusted: !verdict.asks });
  return (await store.alertOf(changesSource, fingerprint))?.id ?? null;
}

interface Told {
  held: Held;
  verdict: Verdict;
  change: IncomingChange | null;
  known: Alert | null;
  now: number;
  fingerprint: string;
}

function firing(told: Told, { severity, labels }: ChangeRules): IncomingAlert {
  const { held, verdict, change, known, now, fingerprint } = told;
  const { bypassed } = verdict;
  const live = known !== null && known.state !== 'resolved';
  return {
    kind: 'alert',
    state: 'firing',
    fingerprint,
    title: titleOf(
      `${held.principal}: ${held.action} on ${held.resource}, ${bypassed === undefined ? 'without a permit' : `past the gate ${bypassed}`}`,
    ),
    labels: labelsOf({
      ...labels,
      source: held.source,
      principal: held.principal,
      action: held.action,
      resource: held.resource,
      resource_type: change?.resource.type ?? '',
      environment: held.environment ?? '',
      account: held.account ?? '',
      unpermitted: 'true',
      ...(bypassed === undefined ? {} : { gate: 'bypassed', bypassed }),
    }),
    annotations: annotationsOf(told, (live ? known.count : 0) + 1),
    links: change?.links ?? [],
    severity,
    occurredAt: now,
    startsAt: live ? known.startsAt : Math.max(now, (known?.startsAt ?? 0) + 1, known?.resolvedAt ?? 0),
    stretch: 'startsAt',
    endsAt: null,
  };
}

function annotationsOf({ held, verdict, change, now }: Told, count: number): Record<string, string> {
  return {
    description: [
      `${held.principal} did ${held.action} to ${held.resource}${placeOf(held)}, told by ${held.source}.`,
      `Nothing permits it: ${verdict.because}.`,
      ...(verdict.asks
        ? [
            held.trusted
              ? 'It is not undone without asking.'
              : 'Nothing proves who told of it, so it is not undone without asking.',
          ]
        : []),
      ...(count > 1 ? [`It is the ${count}th such change of this stretch.`] : []),
    ].join(' '),
    change: held.id,
    done_at: new Date(held.occurredAt).toISOString(),
    has_stood: showDuration(now - held.occurredAt),
    before: stateText(change?.before),
    after: stateText(change?.after),
    ...(verdict.permit === null ? {} : { nearest_permit: verdict.permit.id }),
  };
}

function placeOf({ environment, account, region }: Held): string {
  const places = [environment, account, region].filter(place => place !== null);
  return places.length === 0 ? '' : ` in ${places.join(', ')}`;
}

function stateText(state: ChangeState | undefined): string {
  if (state === undefined) return 'not told';
  if (state.as === 'digest') return state.digest;
  return Object.entries(state.facts)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ');
}

/** The end of the alert: none of its changes stands any more. */
export function endedAlert(known: Alert, at: number, because: string): IncomingAlert {
  const ended = Math.max(at, known.startsAt);
  return {
    kind: 'alert',
    state: 'resolved',
    fingerprint: known.fingerprint,
    title: known.title,
    labels: known.labels,
    annotations: { ...known.annotations, description: because },
    links: known.links,
    severity: known.severity,
    occurredAt: ended,
    startsAt: known.startsAt,
    stretch: 'startsAt',
    endsAt: ended,
  };
}
