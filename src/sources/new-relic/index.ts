import { z } from 'zod';
import type { IncomingAlert, IncomingEvent } from '../../model/event.ts';
import { boundText, keyOf, labelsOf, linkOf, severityOf, startOf, titleOf } from '../../model/incoming.ts';
import type { Delivery } from '../../ports/source.ts';
import { defineSender, newsTime, present, proofOptions, text, timingOptions } from '../webhook/sender.ts';
import { readTime } from '../webhook/times.ts';
import { examples } from './examples.ts';

const options = z.strictObject({ ...proofOptions, ...timingOptions });

/** Names in a list, which a template may also write as one text. */
const names = z
  .unknown()
  .optional()
  .transform(value =>
    Array.isArray(value) ? value.flatMap(one => text.parse(one) ?? []).join(', ') : text.parse(value),
  );

/** The payload of a workflow as New Relic proposes it. Source: docs.newrelic.com, alerts, notification integrations, webhook. */
const body = z.looseObject({
  id: z.string().min(1),
  state: z.string().min(1),
  trigger: text,
  issueUrl: text,
  title: text,
  priority: text,
  impactedEntities: names,
  totalIncidents: text,
  createdAt: text,
  updatedAt: text,
  sources: names,
  alertPolicyNames: names,
  alertConditionNames: names,
  workflowName: text,
});
type Body = z.infer<typeof body>;

const states = new Map<string, IncomingAlert['state']>([
  ['created', 'firing'],
  ['activated', 'firing'],
  ['acknowledged', 'acknowledged'],
  ['closed', 'resolved'],
  ['resolved', 'resolved'],
]);

export default defineSender<z.infer<typeof options>, Body>({
  id: 'new-relic',
  name: 'New Relic',
  about: 'Issues of New Relic, from the webhook of a workflow with the payload that it proposes.',
  options,
  body,
  fields: Object.keys(body.shape),
  allowed: 'the payload that a workflow proposes, with id and state',
  remedy: 'Take the payload that the webhook of the workflow proposes, and leave id and state in it.',
  setup: {
    options: { token: '{secret}' },
    secret: 'ours',
    steps: [
      'Alerts, Destinations, Webhook: URL {url}, authorization Bearer token, {secret}',
      'Alerts, Workflows, Add a workflow with that destination. Keep the payload that it proposes; notify when activated, acknowledged, changed and closed.',
    ],
    page: 'docs/alert-services.md#new-relic',
  },
  examples,
  read: (given, delivery) => ({ events: [eventOf(given, delivery)], deliveryId: null }),
});

function eventOf(is: Body, delivery: Delivery): IncomingEvent {
  const newsAt = newsTime(readTime(is.updatedAt), delivery.at);
  const at = newsAt ?? delivery.at;
  const created = readTime(is.createdAt);
  const startsAt = startOf(typeof created === 'number' ? created : null, at);
  const fingerprint = keyOf(is.id);
  const labels = labelsOf(
    present({
      policy: is.alertPolicyNames,
      condition: is.alertConditionNames,
      entity: is.impactedEntities,
      priority: is.priority,
      workflow: is.workflowName,
    }),
  );
  const links = linkOf('Issue', is.issueUrl);
  const title = titleOf(is.title, is.alertConditionNames, 'Issue of New Relic without a title');
  const state = states.get(is.state.toLowerCase());
  if (state === undefined) {
    const type = boundText(is.state.toLowerCase(), 100);
    return { kind: 'notice', type, about: fingerprint, title, labels, links, occurredAt: at };
  }
  return {
    kind: 'alert',
    state,
    fingerprint,
    title,
    severity: severityOf(is.priority) ?? 'warning',
    labels,
    annotations: labelsOf(present({ trigger: is.trigger, incidents: is.totalIncidents, sources: is.sources })),
    links,
    startsAt,
    ...(startsAt === created ? { stretch: 'startsAt' as const } : {}),
    ...(newsAt === null ? {} : { newsAt }),
    endsAt: state === 'resolved' ? at : null,
    occurredAt: at,
  };
}
