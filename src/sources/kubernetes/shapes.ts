import { z } from 'zod';

/** What is read of the objects of the API; everything else is ignored. Texts are bounded where they become labels or annotations. */

const text = z
  .string()
  .nullish()
  .transform(value => value ?? '');
const time = z
  .string()
  .nullish()
  .transform(value => value ?? null);

const metadata = z.object({
  name: text,
  namespace: text,
  uid: text,
  resourceVersion: text,
  creationTimestamp: time,
  deletionTimestamp: time,
  managedFields: z.array(z.object({ time })).nullish(),
});

/** core/v1 Event. An event that was made through events.k8s.io has `eventTime` and `series` in place of the three fields of counts. */
export const kubeEvent = z.object({
  metadata,
  involvedObject: z.object({ kind: text, namespace: text, name: text, uid: text, fieldPath: text }),
  reason: text,
  message: text,
  type: text,
  count: z.number().nullish(),
  firstTimestamp: time,
  lastTimestamp: time,
  eventTime: time,
  series: z.object({ count: z.number().nullish(), lastObservedTime: time }).nullish(),
  source: z.object({ component: text, host: text }).nullish(),
  reportingComponent: text,
});
export type KubeEvent = z.infer<typeof kubeEvent>;

const condition = z.object({ type: text, status: text, reason: text, message: text, lastTransitionTime: time });
const conditions = z
  .array(condition)
  .nullish()
  .transform(list => list ?? []);

/** A Node or a Deployment. */
export const kubeObject = z.object({ metadata, status: z.object({ conditions }).nullish() });
export type KubeObject = z.infer<typeof kubeObject>;

const containers = z
  .array(
    z.object({
      name: text,
      ready: z.boolean().nullish(),
      state: z.object({ running: z.object({ startedAt: time }).nullish() }).nullish(),
    }),
  )
  .nullish()
  .transform(list => list ?? []);
export const kubePod = z.object({
  metadata,
  status: z
    .object({ phase: text, conditions, containerStatuses: containers, initContainerStatuses: containers })
    .nullish(),
});
export type KubePod = z.infer<typeof kubePod>;

export const kubeList = z.object({
  metadata: z.object({ resourceVersion: text, continue: text }),
  items: z
    .array(z.unknown())
    .nullish()
    .transform(items => items ?? []),
});

/** meta/v1 Status, as it stands in a refusal and in an ERROR of a watch. */
export const kubeStatus = z.object({ code: z.number().nullish(), reason: text, message: text });
