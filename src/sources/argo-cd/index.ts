import { z } from 'zod';
import type { IncomingEvent } from '../../model/event.ts';
import { keyOf, labelsOf, linkOf, severityOf, titleOf } from '../../model/incoming.ts';
import type { Delivery } from '../../ports/source.ts';
import { defineSender, filled, newsTime, present, proofOptions, timingOptions } from '../webhook/sender.ts';
import { readTime } from '../webhook/times.ts';
import { examples } from './examples.ts';

const options = z.strictObject({ ...proofOptions, ...timingOptions });

/** What a Go template leaves of nothing. */
const text = filled(/^(<no value>|<nil>|null)$/);

/** The body that docs/alert-services.md gives to copy. Source of the fields behind it: argo-cd.readthedocs.io, notifications, catalog and webhook. */
const body = z.looseObject({
  application: z.string().trim().min(1),
  namespace: text,
  project: text,
  sync: text,
  health: text,
  phase: text,
  message: text,
  revision: text,
  severity: text,
  url: text,
  time: text,
});
type Body = z.infer<typeof body>;

export default defineSender<z.infer<typeof options>, Body>({
  id: 'argo-cd',
  name: 'Argo CD',
  about:
    'Applications of Argo CD, from its notifications with the template of the documentation. A degraded application, or a sync that failed, is one alert until the application is healthy and synced.',
  options,
  body,
  fields: Object.keys(body.shape),
  allowed: 'the body of the documentation, with application',
  remedy: 'Copy template and trigger from docs/alert-services.md into argocd-notifications-cm.',
  setup: {
    options: { token: '{secret}' },
    secret: 'ours',
    steps: [
      'Put the token into the secret argocd-notifications-secret as tocsin-token: {secret}',
      'Put service, template and trigger of the page below into argocd-notifications-cm, with the address {url}',
    ],
    page: 'docs/alert-services.md#argo-cd',
  },
  examples,
  read: (given, delivery) => ({ events: [eventOf(given, delivery)], deliveryId: null }),
});

/** What fails; null when nothing does. A hook that fails leaves an application healthy and synced, so the sync comes first. */
function troubleOf({ application, phase, health }: Body): string | null {
  if (phase === 'Failed' || phase === 'Error') return `Sync of application ${application} failed`;
  return health === 'Degraded' ? `Application ${application} is degraded` : null;
}

function eventOf(given: Body, delivery: Delivery): IncomingEvent {
  const newsAt = newsTime(readTime(given.time), delivery.at);
  const at = newsAt ?? delivery.at;
  const { application, namespace, project, sync, health, phase, revision } = given;
  const fingerprint = keyOf(`${namespace ?? 'argocd'}/${application}`);
  const labels = labelsOf(present({ application, namespace, project, sync, health, phase, revision }));
  const links = linkOf('Application', given.url);
  const trouble = troubleOf(given);
  const isWell =
    trouble === null && health === 'Healthy' && sync === 'Synced' && (phase ?? 'Succeeded') === 'Succeeded';
  if (trouble === null && !isWell) {
    const states = [health, sync, phase].filter(Boolean).join(', ') || 'no state was told';
    const title = titleOf(`Application ${application}: ${states}`);
    return { kind: 'notice', type: 'application', about: fingerprint, title, labels, links, occurredAt: at };
  }
  return {
    kind: 'alert',
    state: isWell ? 'resolved' : 'firing',
    fingerprint,
    title: titleOf(trouble, `Application ${application} is well`),
    severity: severityOf(given.severity) ?? 'error',
    labels,
    annotations: labelsOf(present({ description: given.message })),
    links,
    startsAt: at,
    ...(newsAt === null ? {} : { newsAt }),
    endsAt: isWell ? at : null,
    occurredAt: at,
  };
}
