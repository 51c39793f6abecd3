import type { IncomingEvent } from '../../model/event.ts';
import { plainText, timeOf, urlPart } from '../../model/incoming.ts';
import { consoleLink, lastOf } from './arn.ts';
import { alertOf, type BusEvent, mapsIn, noticeOf } from './bus-event.ts';

/*
 * Source of this file: Amazon ECS developer guide, Amazon ECS task state change events, service deployment state change events, and service
 * action events.
 */

/** A task that stopped, or is in another state. It is a notice: another task takes its place, and no event says that all is well. */
export function taskEvents(event: BusEvent, at: number): IncomingEvent[] | null {
  const { detail } = event;
  const text = (name: string) => plainText(detail[name]) || null;
  const task = text('taskArn') ?? event.resources[0] ?? null;
  if (task === null) return null;
  const status = text('lastStatus') ?? 'unknown';
  const group = text('group') ?? '';
  const owner = group.replace(/^(service|family):/, '') || lastOf(text('taskDefinitionArn') ?? task);
  const reason = text('stoppedReason') ?? text('stopCode');
  const stopped = status === 'STOPPED';
  return [
    noticeOf(event, at, {
      type: stopped ? 'ecs-task-stopped' : 'ecs-task',
      title: `${owner}: a task ${stopped ? 'stopped' : `is ${status}`}${reason === null ? '' : `: ${reason}`}`,
      labels: {
        service: group.startsWith('service:') ? owner : null,
        cluster: clusterOf(text('clusterArn')),
        task: lastOf(task),
        resource: task,
        status,
        stop_code: text('stopCode'),
        exit_codes: exitCodes(event),
      },
      links: taskLink(event, text('clusterArn'), task),
      changedAt: timeOf(stopped ? text('stoppedAt') : null) ?? timeOf(text('updatedAt')),
    }),
  ];
}

/** `app=137, sidecar=0`; null when no container has one. */
function exitCodes({ detail }: BusEvent): string | null {
  const codes = mapsIn(detail, 'containers').flatMap(one => {
    const code = plainText(one['exitCode']);
    return code === null ? [] : [`${plainText(one['name']) ?? 'container'}=${code}`];
  });
  return codes.length === 0 ? null : codes.join(', ');
}

/** A deployment of a service fails and completes: the alert is the service, because the next deployment is what ends it. */
export function deploymentEvents(event: BusEvent, at: number): IncomingEvent[] | null {
  const { detail } = event;
  const text = (name: string) => plainText(detail[name]) || null;
  const service = serviceArn(event);
  if (service === null) return null;
  const name = text('eventName');
  const facts = {
    labels: { ...serviceLabels(service), deployment: text('deploymentId') },
    links: serviceLink(event, service),
    changedAt: timeOf(text('updatedAt')),
  };
  const fingerprint = `deployment of ${service}`;
  if (name !== 'SERVICE_DEPLOYMENT_FAILED' && name !== 'SERVICE_DEPLOYMENT_COMPLETED')
    return [
      noticeOf(event, at, {
        ...facts,
        type: 'ecs-deployment',
        title: `${lastOf(service)}: ${text('reason') ?? name}`,
        about: fingerprint,
      }),
    ];
  return [
    alertOf(event, at, {
      ...facts,
      fingerprint,
      state: name === 'SERVICE_DEPLOYMENT_FAILED' ? 'firing' : 'resolved',
      title: `The deployment of ${lastOf(service)} failed`,
      severity: 'error',
      annotations: { reason: text('reason') },
    }),
  ];
}

/** A service warns or fails, and is steady again. What only informs is a notice. */
export function serviceEvents(event: BusEvent, at: number): IncomingEvent[] | null {
  const { detail } = event;
  const text = (name: string) => plainText(detail[name]) || null;
  const service = serviceArn(event);
  const name = text('eventName');
  if (service === null || name === null) return null;
  const eventType = text('eventType');
  const fingerprint = `service ${service}`;
  const facts = {
    labels: { ...serviceLabels(service), event: name },
    links: serviceLink(event, service),
    changedAt: timeOf(text('createdAt')),
  };
  const steady = name === 'SERVICE_STEADY_STATE';
  if (!steady && eventType !== 'WARN' && eventType !== 'ERROR')
    return [
      noticeOf(event, at, {
        ...facts,
        type: 'ecs-service',
        title: `${lastOf(service)}: ${name}`,
        about: fingerprint,
      }),
    ];
  return [
    alertOf(event, at, {
      ...facts,
      fingerprint,
      state: steady ? 'resolved' : 'firing',
      title: `The service ${lastOf(service)} is not steady`,
      severity: eventType === 'ERROR' ? 'error' : 'warning',
      annotations: { reason: text('reason') },
    }),
  ];
}

function serviceArn({ resources }: BusEvent): string | null {
  return resources.find(one => one.includes(':service/')) ?? null;
}

function serviceLabels(service: string): Record<string, string | null> {
  return { service: lastOf(service), cluster: clusterOfService(service), resource: service };
}

/** `service/cluster/name`; services of before 2018 have no cluster in their ARN. */
function clusterOfService(service: string): string | null {
  return /:service\/([^/]+)\/[^/]+$/.exec(service)?.[1] ?? null;
}

function clusterOf(arn: string | null): string | null {
  return arn === null ? null : lastOf(arn);
}

function serviceLink({ region }: BusEvent, service: string): { label: string; url: string }[] {
  const cluster = clusterOfService(service);
  if (cluster === null) return [];
  const path = `ecs/v2/clusters/${urlPart(cluster)}/services/${urlPart(lastOf(service))}`;
  return consoleLink(region, path);
}

function taskLink({ region }: BusEvent, cluster: string | null, task: string): { label: string; url: string }[] {
  if (cluster === null) return [];
  const path = `ecs/v2/clusters/${urlPart(lastOf(cluster))}/tasks/${urlPart(lastOf(task))}`;
  return consoleLink(region, path);
}
