import type { IncomingEvent, Labels } from '../../model/event.ts';
import {
  boundText,
  isMap,
  keyOf,
  labelsOf,
  plainText,
  startOf,
  timeOf,
  titleOf,
  urlPart,
} from '../../model/incoming.ts';
import { arnOf, consoleLink, textsOf } from './arn.ts';
import { type AlarmOptions, severityOfAlarm } from './severity.ts';

/** One change of an alarm of CloudWatch, however it was sent. */
export interface Alarm {
  name: string;
  arn: string | null;
  account: string | null;
  /** The code of the region: `eu-west-1`. */
  region: string | null;
  state: string;
  previous: string | null;
  /** When the state before this one began, as it was sent. */
  previousSince: string | null;
  changedAt: string | null;
  /** The time series that changed, of an alarm that watches several and tells of each. */
  contributor: { id: string; attributes: Record<string, string> } | null;
  description: string | null;
  tags: Record<string, string>;
  metric: { namespace: string | null; name: string | null; dimensions: Record<string, string> };
  /** Words for people. */
  facts: Record<string, string | null>;
  /** By what the alarm is suppressed, so that CloudWatch itself would do nothing now. */
  suppressedBy: string | null;
}

/** The event of a change; a notice for a state that neither opens nor ends anything. `at` is when it arrived. */
export function alarmEvent(alarm: Alarm, at: number, given: AlarmOptions): IncomingEvent {
  const state = stateOf(alarm, given);
  const told = timeOf(alarm.changedAt);
  const changedAt = startOf(told, at);
  const common = {
    title: titleOf(alarm.name),
    labels: labelsOfAlarm(alarm),
    links: linksOf(alarm),
    occurredAt: changedAt,
  };
  const fingerprint = identityOf(alarm);
  if (state === null) return { ...common, ...noticeOf(alarm), kind: 'notice', about: fingerprint };
  const firing = state === 'firing';
  return {
    ...common,
    kind: 'alert',
    state,
    fingerprint,
    severity: severityOfAlarm(alarm.name, common.labels, given),
    annotations: labelsOf(textsOf({ description: alarm.description, ...alarm.facts })),
    startsAt: firing ? changedAt : startOfEnded(alarm, changedAt),
    // From OK to ALARM is always a new stretch. From anything else it may be the old one that goes on.
    ...(firing && told === changedAt && alarm.previous === 'OK' && { stretch: 'startsAt' as const }),
    ...(told === changedAt && { newsAt: changedAt }),
    endsAt: firing ? null : changedAt,
    ...(!firing && alarm.state !== 'OK' && { noCure: 'the alarm has too little data to say anything' }),
  };
}

/** The ARN; a fallback for old messages, which have none. */
function identityOf({ arn, account, region, name, contributor }: Alarm): string {
  const alarm = arn ?? `${account ?? ''}/${region ?? ''}/${name}`;
  return keyOf(contributor === null ? alarm : `${alarm}#${contributor.id}`);
}

function stateOf({ state, suppressedBy }: Alarm, { insufficientData }: AlarmOptions): 'firing' | 'resolved' | null {
  if (state === 'OK') return 'resolved';
  if (state === 'ALARM') return suppressedBy === null ? 'firing' : null;
  return state !== 'INSUFFICIENT_DATA' || insufficientData === 'notice' ? null : insufficientData;
}

function noticeOf({ name, state, suppressedBy }: Alarm): { type: string; title: string } {
  if (state === 'ALARM')
    return { type: 'alarm-suppressed', title: titleOf(`${name} is in ALARM, and suppressed by ${suppressedBy}`) };
  if (state === 'INSUFFICIENT_DATA')
    return { type: 'insufficient-data', title: titleOf(`${name} has too little data to say anything`) };
  return { type: 'alarm-state', title: titleOf(`${name} has a state that is not known`) };
}

function startOfEnded({ previous, previousSince }: Alarm, endedAt: number): number {
  const began = previous === 'ALARM' ? timeOf(previousSince) : null;
  return began === null ? endedAt : Math.min(began, endedAt);
}

/** Facts of CloudWatch come last, so that no dimension, tag or description replaces them. */
function labelsOfAlarm(alarm: Alarm): Labels {
  return labelsOf({
    ...described(alarm.description),
    ...alarm.tags,
    ...alarm.metric.dimensions,
    ...alarm.contributor?.attributes,
    ...textsOf({
      alertname: alarm.name,
      account: alarm.account,
      region: alarm.region,
      namespace: alarm.metric.namespace,
      metric: alarm.metric.name,
      contributor: alarm.contributor?.id,
    }),
  });
}

/** The texts of a description that is a JSON object, which is how facts are often given to an alarm. */
function described(description: string | null): Record<string, string> {
  if (description === null || !description.trimStart().startsWith('{')) return {};
  try {
    const parsed: unknown = JSON.parse(description);
    return isMap(parsed) ? textsOf(parsed) : {};
  } catch {
    return {};
  }
}

function linksOf({ region, name }: Alarm): { label: string; url: string }[] {
  return consoleLink(region, 'cloudwatch/home', `alarmsV2:alarm/${urlPart(boundText(name, 255))}`);
}

/** True for the body of a message that CloudWatch publishes to a topic. */
export function isAlarmMessage(body: Readonly<Record<string, unknown>>): boolean {
  return typeof body['AlarmName'] === 'string' && typeof body['NewStateValue'] === 'string';
}

/**
 * Reads what CloudWatch publishes to a topic. `Region` is the name of a region there, so its code is that of an ARN. Source: aws-lambda-go
 * events/cloudwatch_alarms.go (metric alarms); moto and the CloudWatch user guide (composite alarms, contributors, tags).
 */
export function alarmOfMessage(body: Readonly<Record<string, unknown>>, topicRegion: string | null): Alarm {
  const text = (name: string) => plainText(body[name]);
  const arn = arnOf(text('AlarmArn'));
  const trigger = isMap(body['Trigger']) ? body['Trigger'] : {};
  return {
    name: text('AlarmName') ?? '',
    arn: arn === null ? null : text('AlarmArn'),
    account: arn?.account || text('AWSAccountId'),
    region: arn?.region || topicRegion,
    state: text('NewStateValue') ?? '',
    previous: text('OldStateValue'),
    previousSince: null,
    changedAt: text('StateChangeTime'),
    contributor: contributorOf(text('AlarmContributorId'), body['AlarmContributorAttributes']),
    description: text('AlarmDescription'),
    tags: tagsOf(body['AlarmTags']),
    metric: metricOfTrigger(trigger),
    facts: {
      reason: text('NewStateReason'),
      statistic: plainText(trigger['Statistic']) ?? plainText(trigger['ExtendedStatistic']),
      comparison: plainText(trigger['ComparisonOperator']),
      threshold: plainText(trigger['Threshold']),
      period: plainText(trigger['Period']),
      rule: text('AlarmRule'),
      triggered_by: triggeredBy(body['TriggeringChildren']),
    },
    // What is published is an action itself, so it was not suppressed.
    suppressedBy: null,
  };
}

function contributorOf(id: string | null, attributes: unknown): Alarm['contributor'] {
  return id === null || id === '' ? null : { id, attributes: isMap(attributes) ? textsOf(attributes) : {} };
}

function metricOfTrigger(trigger: Readonly<Record<string, unknown>>): Alarm['metric'] {
  const [math] = listOf(trigger['Metrics']).flatMap(one => (isMap(one['MetricStat']) ? [one['MetricStat']] : []));
  const metric = math !== undefined && isMap(math['Metric']) ? math['Metric'] : trigger;
  return {
    namespace: plainText(metric['Namespace']),
    name: plainText(metric['MetricName']),
    dimensions: dimensionsOf(metric['Dimensions']),
  };
}

/** A list of `{name, value}` in messages, a map in events. */
function dimensionsOf(given: unknown): Record<string, string> {
  if (isMap(given)) return textsOf(given);
  return textsOf(Object.fromEntries(listOf(given).map(one => [plainText(one['name']) ?? '', one['value']])));
}

/** A map in events. For messages only the name of the member is documented where we looked, so a list of `{Key, Value}` is read too. */
function tagsOf(given: unknown): Record<string, string> {
  if (isMap(given)) return textsOf(given);
  const pairs = listOf(given).map(one => [plainText(one['Key'] ?? one['key']) ?? '', one['Value'] ?? one['value']]);
  return textsOf(Object.fromEntries(pairs));
}

/** The names of the alarms by which a composite alarm changed. */
function triggeredBy(given: unknown): string | null {
  const names = listOf(given).flatMap(one => plainText(one['Arn'] ?? one['arn']) ?? []);
  return names.length === 0 ? null : names.map(name => name.replace(/^arn:.*:alarm:/, '')).join(', ');
}

function listOf(given: unknown): Record<string, unknown>[] {
  return Array.isArray(given) ? given.filter(isMap) : [];
}

/**
 * Reads the `detail` of the events CloudWatch Alarm State Change and CloudWatch Alarm Contributor State Change, which has no previous
 * state. Source: CloudWatch user guide, Alarm events and EventBridge.
 */
export function alarmOfDetail(
  detail: Readonly<Record<string, unknown>>,
  event: { account: string | null; region: string | null; resources: readonly string[] },
): Alarm | null {
  const name = plainText(detail['alarmName']);
  const state = isMap(detail['state']) ? detail['state'] : {};
  const value = plainText(state['value']);
  if (name === null || name === '' || value === null) return null;
  const before = isMap(detail['previousState']) ? detail['previousState'] : {};
  const configuration = isMap(detail['configuration']) ? detail['configuration'] : {};
  const muted = isMap(detail['muteDetail']) ? detail['muteDetail'] : {};
  const one = isMap(detail['alarmContributor']) ? detail['alarmContributor'] : {};
  const contributor = plainText(one['id']);
  return {
    name,
    arn: event.resources.find(resource => arnOf(resource)?.service === 'cloudwatch') ?? null,
    account: event.account,
    region: event.region,
    state: value,
    // A time series is in ALARM or OK and nothing else, and its event does not say from where it came.
    previous: plainText(before['value']) ?? (contributor !== null && value === 'ALARM' ? 'OK' : null),
    previousSince: plainText(before['timestamp']),
    changedAt: plainText(state['timestamp']),
    contributor: contributorOf(contributor, one['attributes']),
    description: plainText(configuration['description']),
    tags: tagsOf(detail['alarmTags']),
    metric: metricOfConfiguration(configuration),
    facts: {
      reason: plainText(state['reason']),
      rule: plainText(configuration['alarmRule']),
      comparison: plainText(configuration['comparisonOperator']),
      threshold: plainText(configuration['threshold']),
      muted_until: plainText(muted['muteWindowEnd']),
    },
    suppressedBy: plainText(state['actionsSuppressedBy']) || null,
  };
}

function metricOfConfiguration(configuration: Readonly<Record<string, unknown>>): Alarm['metric'] {
  const [stat] = listOf(configuration['metrics']).flatMap(one => (isMap(one['metricStat']) ? [one['metricStat']] : []));
  const metric = stat !== undefined && isMap(stat['metric']) ? stat['metric'] : {};
  return {
    namespace: plainText(metric['namespace']),
    name: plainText(metric['name']),
    dimensions: dimensionsOf(metric['dimensions']),
  };
}
