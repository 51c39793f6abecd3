import { z } from 'zod';
import type { IncomingEvent, Severity } from '../../model/event.ts';
import { isMap, keyOf, labelsOf, linkOf, startOf, timeOf, titleOf } from '../../model/incoming.ts';
import type { Delivery } from '../../ports/source.ts';
import { defineSender, present, proofOptions, text, textsOf, timingOptions } from '../webhook/sender.ts';
import { examples } from './examples.ts';

const options = z.strictObject({ ...proofOptions, ...timingOptions });

const map = z.record(z.string(), z.unknown()).nullish().catch(null);

/** The common alert schema. Source: learn.microsoft.com, Azure Monitor, common alert schema. */
const body = z.looseObject({
  schemaId: z.literal('azureMonitorCommonAlertSchema'),
  data: z.looseObject({
    essentials: z.looseObject({
      alertId: z.string().min(1),
      alertRule: text,
      severity: text,
      signalType: text,
      monitorCondition: text,
      monitoringService: text,
      alertTargetIDs: z.array(z.unknown()).nullish().catch(null),
      configurationItems: z.array(z.unknown()).nullish().catch(null),
      firedDateTime: text,
      resolvedDateTime: text,
      description: text,
      investigationLink: text,
    }),
    alertContext: map,
    customProperties: map,
  }),
});
type Body = z.infer<typeof body>;
const { essentials } = body.shape.data.shape;

const severities = new Map<string, Severity>([
  ['sev0', 'critical'],
  ['sev1', 'error'],
  ['sev2', 'warning'],
  ['sev3', 'info'],
  ['sev4', 'info'],
]);

export default defineSender<z.infer<typeof options>, Body>({
  id: 'azure-monitor',
  name: 'Azure Monitor',
  about: 'Alerts of Azure Monitor, from a webhook of an action group with the common alert schema.',
  options,
  body,
  fields: [...Object.keys(body.shape), ...Object.keys(body.shape.data.shape), ...Object.keys(essentials.shape)],
  allowed: 'the common alert schema, with schemaId and data.essentials.alertId',
  remedy: 'Say Yes to Enable the common alert schema, in the webhook of the action group.',
  // A log alert brings rows of its result.
  json: { bytesPerKey: 16, cutsTexts: true },
  setup: {
    options: { basic: { user: '{name}', password: '{secret}' } },
    secret: 'ours',
    steps: [
      'Monitor, Alerts, Action groups: an action of the type Webhook with the URL {url with password}, and Yes to Enable the common alert schema.',
    ],
    page: 'docs/alert-services.md#azure-monitor',
  },
  examples,
  read: (given, delivery) => ({ events: [eventOf(given.data, delivery)], deliveryId: null }),
});

function eventOf({ essentials: is, alertContext, customProperties }: Body['data'], delivery: Delivery): IncomingEvent {
  const condition = (is.monitorCondition ?? '').toLowerCase();
  const told = timeOf(is.firedDateTime);
  const startsAt = startOf(told, delivery.at);
  const endsAt = condition === 'resolved' ? startOf(timeOf(is.resolvedDateTime), delivery.at) : null;
  const title = titleOf(is.alertRule, is.description, 'Alert of Azure Monitor without a rule');
  const labels = labelsOf({
    ...textsOf(customProperties),
    ...dimensionsOf(alertContext),
    ...present({
      rule: is.alertRule,
      resource: listed(is.configurationItems),
      service: is.monitoringService,
      signal: is.signalType,
      severity: is.severity,
    }),
  });
  const portal = `https://portal.azure.com/#view/Microsoft_Azure_Monitoring_Alerts/AlertDetails.ReactView/alertId/${encodeURIComponent(is.alertId.toWellFormed())}`;
  const links = [...linkOf('Azure', portal), ...linkOf('Investigate', is.investigationLink)];
  // An activity log alert of a service or a test has conditions of its own.
  if (condition !== 'fired' && condition !== 'resolved')
    return { kind: 'notice', type: 'alert', title, labels, links, occurredAt: startsAt };
  return {
    kind: 'alert',
    state: condition === 'fired' ? 'firing' : 'resolved',
    // The id is one for each time that a rule fires for one resource and set of dimensions.
    fingerprint: keyOf(is.alertId),
    title,
    severity: severities.get((is.severity ?? '').toLowerCase()) ?? 'warning',
    labels,
    annotations: labelsOf(present({ description: is.description, azure_targets: listed(is.alertTargetIDs) })),
    links,
    startsAt,
    ...(startsAt === told ? { stretch: 'startsAt' as const } : {}),
    endsAt,
    occurredAt: endsAt ?? startsAt,
  };
}

/** The dimensions of the conditions of a metric or log alert, which tell its time series apart. */
function dimensionsOf(context: Record<string, unknown> | null | undefined): Record<string, string> {
  const condition = context?.['condition'];
  const all = isMap(condition) && Array.isArray(condition['allOf']) ? condition['allOf'].filter(isMap) : [];
  const dimensions = all.flatMap(one => (Array.isArray(one['dimensions']) ? one['dimensions'].filter(isMap) : []));
  return present(Object.fromEntries(dimensions.map(one => [text.parse(one['name']) ?? '', text.parse(one['value'])])));
}

function listed(given: readonly unknown[] | null | undefined): string {
  return (given ?? []).flatMap(one => text.parse(one) ?? []).join(', ');
}
