import type { IncomingEvent } from '../../model/event.ts';
import { boundText, plainText } from '../../model/incoming.ts';
import { alarmEvent, alarmOfDetail } from './alarm.ts';
import { type BusEvent, noticeOf } from './bus-event.ts';
import { cloudTrailChange, cloudTrailNotice } from './cloudtrail.ts';
import { deploymentEvents, serviceEvents, taskEvents } from './ecs.ts';
import { guardDutyEvents, securityHubEvents } from './findings.ts';
import { healthEvents } from './health.ts';
import type { AlarmOptions } from './severity.ts';

export { type BusEvent, readBusEvent } from './bus-event.ts';

/** Reads the events of one kind; null when the event lacks what makes its identity. `at` is when it arrived. */
type Reader = (event: BusEvent, at: number, given: AlarmOptions) => IncomingEvent[] | null;

/** By `source` and `detail-type`. Nobody but AWS can send a source that begins with `aws.`. */
const readers: Readonly<Record<string, Reader>> = {
  'aws.cloudwatch CloudWatch Alarm State Change': alarmEvents,
  'aws.cloudwatch CloudWatch Alarm Contributor State Change': alarmEvents,
  'aws.cloudwatch CloudWatch Alarm Configuration Change': deletedAlarm,
  'aws.guardduty GuardDuty Finding': guardDutyEvents,
  'aws.securityhub Security Hub Findings - Imported': securityHubEvents,
  'aws.ecs ECS Task State Change': taskEvents,
  'aws.ecs ECS Deployment State Change': deploymentEvents,
  'aws.ecs ECS Service Action': serviceEvents,
  'aws.health AWS Health Event': healthEvents,
  'aws.health AWS Health Abuse Event': healthEvents,
};

/** The events of an event of a bus: at least one, so that nothing is lost. */
export function eventsOfBus(event: BusEvent, at: number, given: AlarmOptions): IncomingEvent[] {
  const key = `${event.source} ${event.type}`;
  const read = Object.hasOwn(readers, key) ? readers[key] : undefined;
  if (read !== undefined) {
    const made = read(event, at, given);
    return made === null || made.length === 0 ? [unreadable(event, at)] : made;
  }
  return event.type.endsWith(' via CloudTrail')
    ? [cloudTrailNotice(event, at), ...cloudTrailChange(event, at)]
    : [anyNotice(event, at)];
}

function alarmEvents(event: BusEvent, at: number, given: AlarmOptions): IncomingEvent[] | null {
  const alarm = alarmOfDetail(event.detail, event);
  return alarm === null ? null : [alarmEvent(alarm, at, given)];
}

/** An alarm that is deleted while it is in ALARM sends nothing more. Any other change of its settings is a notice. */
function deletedAlarm(event: BusEvent, at: number, given: AlarmOptions): IncomingEvent[] | null {
  const alarm = alarmOfDetail(event.detail, event);
  if (alarm === null || event.detail['operation'] !== 'delete') return [anyNotice(event, at)];
  const deletedAt = event.time === null ? null : new Date(event.time).toISOString();
  const made = alarmEvent({ ...alarm, state: 'OK', previous: null, changedAt: deletedAt }, at, given);
  return [made.kind === 'alert' ? { ...made, noCure: 'the alarm was deleted' } : made];
}

/** The most facts of an event of a kind that is not known. */
const mostFacts = 30;

/** Any other event, with its plain facts as labels, so that a runbook can be started by them. */
function anyNotice(event: BusEvent, at: number): IncomingEvent {
  const facts = Object.entries(event.detail).flatMap(([name, value]) => {
    const text = plainText(value);
    return text === null ? [] : [[`detail_${name}`, text] as const];
  });
  return noticeOf(event, at, {
    type: boundText(event.type, 100),
    title: `${event.type} (${event.source})`,
    labels: {
      ...Object.fromEntries(facts.slice(0, mostFacts)),
      event_source: event.source,
      resource: event.resources[0],
    },
  });
}

/** It cannot be told which thing it is about, so it is kept as it is. */
function unreadable(event: BusEvent, at: number): IncomingEvent {
  return noticeOf(event, at, {
    type: 'unreadable',
    title: `An event could not be read as ${event.type}`,
    labels: { event_source: event.source, resource: event.resources[0] },
  });
}
