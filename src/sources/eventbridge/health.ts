import type { IncomingEvent, Severity } from '../../model/event.ts';
import { linkOf, plainText, timeOf } from '../../model/incoming.ts';
import { alertOf, type BusEvent, mapsIn, noticeOf } from './bus-event.ts';

/**
 * An event of AWS Health: open or upcoming, then closed. Its ARN is shared by accounts and regions. A long one is sent in several pages, and
 * again to a second region: all of them are the same alert. Source: AWS Health user guide, AWS Health events Amazon EventBridge schema.
 */
export function healthEvents(event: BusEvent, at: number): IncomingEvent[] | null {
  const { detail } = event;
  const text = (name: string) => plainText(detail[name]) || null;
  const arn = text('eventArn');
  if (arn === null) return null;
  const account = text('affectedAccount') ?? event.account;
  const region = text('eventRegion') ?? event.region;
  const category = text('eventTypeCategory');
  const [described] = mapsIn(detail, 'eventDescription');
  const entities = mapsIn(detail, 'affectedEntities').flatMap(one => plainText(one['entityValue']) ?? []);
  const fingerprint = `${arn} ${account ?? ''} ${region ?? ''}`;
  const changedAt = httpTime(text('lastUpdatedTime')) ?? event.time;
  const title = `${text('service') ?? 'AWS'}: ${text('eventTypeCode') ?? event.type}`;
  const labels = {
    service: text('service'),
    type: text('eventTypeCode'),
    category,
    status: text('statusCode'),
    resource: entities[0],
    account,
    region,
  };
  const links = arn.startsWith('arn:aws:') ? linkOf('Console', 'https://health.aws.amazon.com/health/home') : [];
  if (category === 'accountNotification')
    return [noticeOf(event, at, { type: 'health', title, labels, links, about: fingerprint, changedAt })];
  return [
    alertOf(event, at, {
      fingerprint,
      state: text('statusCode') === 'closed' ? 'resolved' : 'firing',
      title,
      severity: severityFor(event.type, category),
      labels,
      annotations: {
        description: described?.['latestDescription'],
        resources: entities.length > 1 ? entities.join(', ') : null,
        begins: text('startTime'),
        ends: text('endTime'),
        page: (text('totalPages') ?? '1') === '1' ? null : `${text('page')} of ${text('totalPages')}`,
      },
      links,
      changedAt,
      startedAt: httpTime(text('startTime')),
    }),
  ];
}

function severityFor(type: string, category: string | null): Severity {
  if (type === 'AWS Health Abuse Event') return 'critical';
  return category === 'issue' ? 'error' : 'warning';
}

/** Milliseconds of `Fri, 20 Nov 2026 10:00:00 GMT`, which is how these times are written, or of RFC 3339; null for anything else. */
function httpTime(text: string | null): number | null {
  const plain = /^[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (GMT|UTC|[+-]\d{4})$/;
  if (text === null || !plain.test(text)) return timeOf(text);
  const at = Date.parse(text);
  return Number.isFinite(at) && at > 0 ? at : null;
}
