import type { IncomingEvent, Severity } from '../../model/event.ts';
import { linkOf, plainText, severityOf, timeOf, urlPart } from '../../model/incoming.ts';
import { consoleLink } from './arn.ts';
import { alertOf, type BusEvent, mapIn, mapsIn, noticeOf } from './bus-event.ts';

/**
 * A finding of GuardDuty. The same activity again has the same id, a higher count and a later updatedAt. Nothing is sent when somebody
 * archives it, so it stays open until it is closed here. Source: Amazon GuardDuty user guide, processing findings with EventBridge.
 */
export function guardDutyEvents(event: BusEvent, at: number): IncomingEvent[] | null {
  const { detail } = event;
  const text = (name: string) => plainText(detail[name]) || null;
  const id = text('arn') ?? text('id');
  if (id === null) return null;
  const service = mapIn(detail, 'service');
  const resource = mapIn(detail, 'resource');
  const archived = service['archived'] === true;
  const title = text('title') ?? text('type') ?? 'A finding of GuardDuty';
  const labels = {
    product: 'GuardDuty',
    type: text('type'),
    resource_type: plainText(resource['resourceType']),
    resource: guardedResource(resource),
    account: text('accountId') ?? event.account,
    region: text('region') ?? event.region,
  };
  // Source: Amazon GuardDuty user guide, sample findings.
  if (title.startsWith('[SAMPLE]')) return [noticeOf(event, at, { type: 'test', title, labels })];
  return [
    alertOf(event, at, {
      fingerprint: id,
      state: archived ? 'resolved' : 'firing',
      title,
      severity: severityOfNumber(detail['severity']),
      labels,
      annotations: {
        description: text('description'),
        severity: detail['severity'],
        count: service['count'],
        first_seen: service['eventFirstSeen'],
        last_seen: service['eventLastSeen'],
        finding: text('id'),
      },
      links: consoleLink(
        text('region') ?? event.region,
        'guardduty/home',
        `/findings?search=id%3D${urlPart(text('id') ?? '')}`,
      ),
      changedAt: timeOf(text('updatedAt')) ?? event.time,
      startedAt: timeOf(text('createdAt')),
      noCure: 'the finding was archived',
    }),
  ];
}

/** Critical from 9.0, high from 7.0, medium from 4.0, low below. Source: Amazon GuardDuty user guide, severity levels of findings. */
function severityOfNumber(given: unknown): Severity {
  if (typeof given !== 'number') return 'warning';
  if (given >= 9) return 'critical';
  if (given >= 7) return 'error';
  return given >= 4 ? 'warning' : 'info';
}

/** The id of what is affected, by the type of resource. */
function guardedResource(resource: Readonly<Record<string, unknown>>): string | null {
  const [bucket] = mapsIn(resource, 's3BucketDetails');
  const found = [
    mapIn(resource, 'instanceDetails')['instanceId'],
    bucket?.['name'],
    mapIn(resource, 'eksClusterDetails')['name'],
    mapIn(resource, 'ecsClusterDetails')['name'],
    mapIn(resource, 'rdsDbInstanceDetails')['dbInstanceIdentifier'],
    mapIn(resource, 'lambdaDetails')['functionName'],
    mapIn(resource, 'accessKeyDetails')['userName'],
  ];
  return found.map(plainText).find(text => text !== null && text !== '') ?? null;
}

/**
 * Findings of Security Hub CSPM, usually one in each event. A control that passes again is a cure; what somebody archived or suppressed is
 * not. One without an id keeps no other from being taken.
 * Source: AWS Security Hub user guide, EventBridge event formats and AWS Security Finding Format.
 */
export function securityHubEvents(event: BusEvent, at: number): IncomingEvent[] | null {
  const given = event.detail['findings'];
  const made = mapsIn(event.detail, 'findings').flatMap(finding => securityHubEvent(finding, event, at) ?? []);
  const lost = (Array.isArray(given) ? given.length : 0) - made.length;
  if (made.length === 0) return null;
  return lost === 0 ? made : [...made, unreadableFindings(event, at, lost)];
}

function unreadableFindings(event: BusEvent, at: number, count: number): IncomingEvent {
  const title = `${count} of the findings of an event could not be read`;
  return noticeOf(event, at, { type: 'unreadable', title, labels: { product: 'Security Hub' } });
}

function securityHubEvent(
  finding: Readonly<Record<string, unknown>>,
  event: BusEvent,
  at: number,
): IncomingEvent | null {
  const text = (name: string) => plainText(finding[name]) || null;
  const id = text('Id');
  if (id === null) return null;
  const end = endOf(finding);
  const severity = mapIn(finding, 'Severity');
  const [resource] = mapsIn(finding, 'Resources');
  const advice = mapIn(mapIn(finding, 'Remediation'), 'Recommendation');
  return alertOf(event, at, {
    fingerprint: id,
    state: end === null ? 'firing' : 'resolved',
    title: text('Title') ?? 'A finding of Security Hub',
    severity: severityOf(plainText(severity['Label'])) ?? severityOfNormalized(severity['Normalized']),
    labels: {
      product: text('ProductName') ?? 'Security Hub',
      type: text('GeneratorId'),
      resource_type: resource?.['Type'],
      resource: resource?.['Id'],
      compliance: mapIn(finding, 'Compliance')['Status'],
      account: text('AwsAccountId') ?? event.account,
      region: text('Region') ?? event.region,
    },
    annotations: {
      description: text('Description'),
      remedy: advice['Text'],
      first_seen: text('FirstObservedAt') ?? text('CreatedAt'),
    },
    links: [...linkOf('Remedy', plainText(advice['Url'])), ...linkOf('Source', text('SourceUrl'))],
    changedAt: timeOf(text('UpdatedAt')) ?? event.time,
    startedAt: timeOf(text('CreatedAt')),
    noCure: end?.noCure,
  });
}

/** Null while it is open. */
function endOf(finding: Readonly<Record<string, unknown>>): { noCure?: string } | null {
  const workflow = mapIn(finding, 'Workflow')['Status'];
  if (mapIn(finding, 'Compliance')['Status'] === 'PASSED' || workflow === 'RESOLVED') return {};
  if (workflow === 'SUPPRESSED') return { noCure: 'the finding was suppressed' };
  return finding['RecordState'] === 'ARCHIVED' ? { noCure: 'the finding was archived' } : null;
}

/** Source: AWS Security Finding Format, Severity. */
function severityOfNormalized(given: unknown): Severity {
  if (typeof given !== 'number') return 'warning';
  if (given >= 90) return 'critical';
  if (given >= 70) return 'error';
  return given >= 40 ? 'warning' : 'info';
}
