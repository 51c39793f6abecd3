import { z } from 'zod';
import type { IncomingEvent } from '../../model/event.ts';
import { keyOf, labelsOf, linkOf, severityOf, timeOf, titleOf } from '../../model/incoming.ts';
import type { Delivery } from '../../ports/source.ts';
import {
  defineSender,
  filled,
  labelsOfTags,
  newsTime,
  present,
  proofOptions,
  timingOptions,
} from '../webhook/sender.ts';
import { examples } from './examples.ts';

const options = z.strictObject({ ...proofOptions, ...timingOptions });

/** A variable that the type of rule does not have leaves nothing. */
const text = filled(/^(\{\{.*\}\}|null|undefined)$/);

/** The body that docs/alert-services.md gives to copy. Source of the variables: elastic.co, Kibana, rule action variables. */
const body = z.looseObject({
  rule_id: text,
  rule_name: text,
  rule_url: text,
  space: text,
  tags: text,
  date: text,
  alert_id: text,
  alert_uuid: text,
  action_group: text,
  action_group_name: text,
  flapping: text,
  consecutive_matches: text,
  reason: text,
  value: text,
  severity: text,
});
type Body = z.infer<typeof body>;

export default defineSender<z.infer<typeof options>, Body>({
  id: 'kibana',
  name: 'Kibana',
  about:
    'Alerts of Kibana rules, from a webhook connector with the body of the documentation, one delivery for each alert.',
  options,
  body,
  fields: Object.keys(body.shape),
  allowed: 'the body of the documentation, with rule_id, alert_id and action_group',
  remedy: 'Copy the body from docs/alert-services.md into the actions of the rule, also into the one for Recovered.',
  setup: {
    options: { header: { name: 'X-Tocsin-Token', value: '{secret}' } },
    secret: 'ours',
    steps: [
      'Stack Management, Connectors, Create, Webhook: method POST, URL {url}, authentication None, header X-Tocsin-Token with the value {secret}',
      'In each rule add the connector twice, for each alert and on status changes: when the condition is met, and when Recovered. Both have the body of the page below.',
    ],
    page: 'docs/alert-services.md#kibana',
  },
  examples,
  read: (given, delivery) => ({ events: [eventOf(given, delivery)], deliveryId: null }),
});

function eventOf(given: Body, delivery: Delivery): IncomingEvent {
  const newsAt = newsTime(timeOf(given.date), delivery.at);
  const at = newsAt ?? delivery.at;
  const tags = labelsOfTags(given.tags);
  const labels = labelsOf({
    ...tags,
    ...present({ rule: given.rule_name, alert: given.alert_id, space: given.space, tags: given.tags }),
  });
  const links = linkOf('Rule', given.rule_url);
  const title = titleOf(
    [given.rule_name, given.alert_id].filter(one => one !== null && one !== '*').join(': '),
    given.reason,
    'Alert of Kibana without a name',
  );
  // An action that is run for the whole check has a summary of alerts, and none of its own.
  if (given.rule_id === null || given.alert_id === null || given.action_group === null)
    return { kind: 'notice', type: 'summary', title, labels, links, occurredAt: at };
  const resolved = given.action_group === 'recovered';
  return {
    kind: 'alert',
    state: resolved ? 'resolved' : 'firing',
    fingerprint: keyOf(`${given.space ?? 'default'}/${given.rule_id}/${given.alert_id}`),
    title,
    severity: severityOf(given.severity) ?? severityOf(tags['severity']) ?? 'warning',
    labels,
    annotations: labelsOf(
      present({
        description: given.reason,
        value: given.value,
        kibana_action_group: given.action_group_name ?? given.action_group,
        kibana_alert_uuid: given.alert_uuid,
        kibana_flapping: given.flapping === 'true' ? 'true' : null,
        kibana_consecutive_matches: given.consecutive_matches,
      }),
    ),
    links,
    startsAt: at,
    ...(newsAt === null ? {} : { newsAt }),
    endsAt: resolved ? at : null,
    occurredAt: at,
  };
}
