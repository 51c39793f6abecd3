import { z } from 'zod';
import type { IncomingEvent } from '../../model/event.ts';
import { boundText, isMap, keyOf, labelsOf, linkOf, severityOf, startOf, titleOf } from '../../model/incoming.ts';
import type { Delivery } from '../../ports/source.ts';
import { defineSender, present, proofOptions, text, textsOf, timingOptions } from '../webhook/sender.ts';
import { readTime } from '../webhook/times.ts';
import { examples } from './examples.ts';

const options = z.strictObject({ ...proofOptions, ...timingOptions });

const map = z.record(z.string(), z.unknown()).nullish().catch(null);

/** Version 1.2 of its webhook. Source: cloud.google.com, Monitoring, notification channels, schema of webhooks. */
const body = z.looseObject({
  version: text,
  incident: z.looseObject({
    incident_id: z.string().min(1),
    scoping_project_id: text,
    url: text,
    state: text,
    severity: text,
    started_at: text,
    ended_at: text,
    summary: text,
    policy_name: text,
    condition_name: text,
    resource_name: text,
    observed_value: text,
    threshold_value: text,
    resource: map,
    metric: map,
    metadata: map,
    policy_user_labels: map,
    documentation: map,
  }),
});
type Body = z.infer<typeof body>;

export default defineSender<z.infer<typeof options>, Body>({
  id: 'google-cloud-monitoring',
  name: 'Google Cloud Monitoring',
  about: 'Incidents of Google Cloud Monitoring, from a notification channel of the type webhook.',
  options,
  body,
  fields: [...Object.keys(body.shape), ...Object.keys(body.shape.incident.shape)],
  allowed: 'its webhook of version 1.2, with incident.incident_id',
  remedy: 'Take a notification channel of the type Webhook; a source of the type webhook takes any other JSON.',
  setup: {
    options: { basic: { user: '{name}', password: '{secret}' } },
    secret: 'ours',
    steps: [
      'Monitoring, Alerting, Edit notification channels, Webhooks: endpoint {url}, Use HTTP Basic Auth, user {name}, password {secret}',
      'Choose the channel in each policy, and Notify on incident closure.',
    ],
    page: 'docs/alert-services.md#google-cloud-monitoring',
  },
  examples,
  read: (given, delivery) => ({ events: [eventOf(given.incident, delivery)], deliveryId: null }),
});

function eventOf(is: Body['incident'], delivery: Delivery): IncomingEvent {
  const told = readTime(is.started_at);
  const startsAt = startOf(typeof told === 'number' ? told : null, delivery.at);
  // Some senders write it in capitals.
  const state = (is.state ?? '').toLowerCase();
  const ended = readTime(is.ended_at);
  const endsAt = state === 'closed' ? startOf(typeof ended === 'number' ? ended : null, delivery.at) : null;
  const title = titleOf(is.policy_name, is.condition_name, is.summary);
  const labels = labelsOf({
    ...innerLabels(is.metric),
    ...innerLabels(is.resource),
    ...textsOf(is.policy_user_labels),
    ...present({
      project: is.scoping_project_id,
      policy: is.policy_name,
      condition: is.condition_name,
      resource: is.resource_name,
      resource_type: text.parse(is.resource?.['type']),
      metric: text.parse(is.metric?.['type']),
    }),
  });
  const links = linkOf('Incident', is.url);
  if (state !== 'open' && state !== 'closed')
    return { kind: 'notice', type: boundText(state || 'incident', 100), title, labels, links, occurredAt: startsAt };
  return {
    kind: 'alert',
    state: state === 'open' ? 'firing' : 'resolved',
    // An incident is one for each time that a condition of a policy is met by a time series.
    fingerprint: keyOf(is.incident_id),
    title,
    severity: severityOf(is.severity) ?? 'warning',
    labels,
    annotations: labelsOf(
      present({
        description: is.summary,
        documentation: text.parse(is.documentation?.['content']),
        observed: is.observed_value,
        threshold: is.threshold_value,
      }),
    ),
    links,
    startsAt,
    ...(startsAt === told ? { stretch: 'startsAt' as const } : {}),
    endsAt,
    occurredAt: endsAt ?? startsAt,
  };
}

function innerLabels(of: Record<string, unknown> | null | undefined): Record<string, string> {
  const inner = of?.['labels'];
  return isMap(inner) ? textsOf(inner) : {};
}
