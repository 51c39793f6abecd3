import type { IncomingAlert, IncomingEvent } from '../../model/event.ts';
import { boundText, isMap, labelsOf, linkOf, plainText, titleOf } from '../../model/incoming.ts';
import type { Delivery } from '../../ports/source.ts';
import { eventOf, type Payload, type ReadAlert } from '../alertmanager/group.ts';
import type { Options } from './options.ts';

/** What Grafana adds to an alert of an Alertmanager. Source: grafana/alerting templates/template_data.go (ExtendedAlert). */
export const ownFields = [
  'silenceURL',
  'dashboardURL',
  'panelURL',
  'imageURL',
  'values',
  'valueString',
  'orgId',
  'ruleUID',
];

/** The event of one alert: a notice for the test of a contact point, which never resolves. */
export function grafanaEvent(alert: ReadAlert, group: Payload, delivery: Delivery, given: Options): IncomingEvent {
  const bare = { ...alert, labels: withoutPrivate(alert.labels), annotations: withoutPrivate(alert.annotations) };
  const base = eventOf(bare, group, delivery, given);
  if (isTest(bare)) return testNotice(base, group);
  const reason = bare.annotations['grafana_state_reason'];
  return {
    ...base,
    title: titleFor(bare, base),
    annotations: labelsOf({ ...factsOf(alert, group), ...base.annotations }),
    links: linksOf(alert, group, base),
    ...(base.state === 'resolved' && reason !== undefined && reason !== '' ? { noCure: noCureOf(reason) } : {}),
  };
}

/**
 * Without those that begin and end with two underscores, as webhooks are sent: Grafana's own list has them, and both ways must give the
 * same event.
 */
export function withoutPrivate(texts: Readonly<Record<string, string>>): Record<string, string> {
  const out: Record<string, string> = Object.create(null);
  for (const [name, text] of Object.entries(texts)) if (!/^__.*__$/.test(name)) out[name] = text;
  return out;
}

/** What the button Test of a contact point sends, unless its labels were changed. It always fires and is never resolved. */
function isTest({ labels, annotations }: ReadAlert): boolean {
  return (
    labels['alertname'] === 'TestAlert' &&
    labels['instance'] === 'Grafana' &&
    annotations['summary'] === 'Notification test'
  );
}

function testNotice(base: IncomingAlert, group: Payload): IncomingEvent {
  const { labels, occurredAt } = base;
  return {
    kind: 'notice',
    type: 'test',
    title: 'A test of a contact point of Grafana arrived',
    labels: labelsOf({ ...labels, ...(group.receiver == null ? {} : { receiver: group.receiver }) }),
    links: linkOf('Grafana', group.externalURL),
    occurredAt,
  };
}

/** When a rule cannot be evaluated, Grafana sends an alert of its own, with the annotations of the rule: those say what is not known now. */
function titleFor({ labels }: ReadAlert, base: IncomingAlert): string {
  const rule = labels['rulename'] ?? 'a rule';
  if (labels['alertname'] === 'DatasourceNoData') return titleOf(`No data for ${rule}`);
  if (labels['alertname'] === 'DatasourceError') return titleOf(`${rule} cannot be evaluated`);
  return base.title;
}

/** As annotations, so that labels are the identity alone. Those of the rule with the same names come first. */
function factsOf(alert: ReadAlert, group: Payload): Record<string, string> {
  const { sent, annotations, labels } = alert;
  const facts = {
    grafana_values: valuesOf(sent, annotations['__values__']) ?? plainText(sent['valueString']),
    grafana_rule_uid: plainText(sent['ruleUID']) ?? labels['__alert_rule_uid__'],
    grafana_org_id: plainText(sent['orgId']) ?? annotations['__orgId__'] ?? plainText(group['orgId']),
  };
  return Object.fromEntries(Object.entries(facts).flatMap(([name, text]) => (text ? [[name, text]] : [])));
}

/** `A=1.83, C=1`; null without values. The list of Grafana has them as JSON in an annotation. */
function valuesOf(sent: Record<string, unknown>, listed: string | undefined): string | null {
  const values = isMap(sent['values']) ? sent['values'] : parsedMap(listed);
  const texts = Object.entries(values).map(([name, value]) => `${name}=${plainText(value) ?? 'nothing'}`);
  return texts.length === 0 ? null : texts.join(', ');
}

function parsedMap(text: string | undefined): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text ?? '{}');
    return isMap(parsed) ? parsed : {};
  } catch {
    return {};
  }
}

function linksOf({ sent, generatorURL }: ReadAlert, group: Payload, base: IncomingAlert): IncomingAlert['links'] {
  const own = [
    ['Rule', generatorURL],
    ['Dashboard', plainText(sent['dashboardURL'])],
    ['Panel', plainText(sent['panelURL'])],
    ['Silence', plainText(sent['silenceURL'])],
    ['Image', plainText(sent['imageURL'])],
    ['Grafana', group.externalURL],
  ] as const;
  const links = own.flatMap(([label, url]) => linkOf(label, url));
  const further = base.links.filter(({ label }) => !['Source', 'Alertmanager'].includes(label));
  return [...links, ...further.filter(({ label }) => !links.some(one => one.label === label))];
}

/** Source: grafana pkg/services/ngalert/models (StateReason…) and its page of stale alert instances. */
const reasons: Readonly<Record<string, string>> = {
  MissingSeries: 'its series is no longer there',
  NoData: 'its query brought no data',
  Error: 'its query failed',
  Paused: 'its rule was paused',
  Updated: 'its rule was changed',
  RuleDeleted: 'its rule was deleted',
};

/** Any reason says that the rule was not simply found well again. */
function noCureOf(reason: string): string {
  const words = Object.hasOwn(reasons, reason) ? reasons[reason] : `for another reason than a cure (${reason})`;
  return boundText(`no evaluation found it well: ${words}`, 500);
}
