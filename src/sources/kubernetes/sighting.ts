import type { Severity } from '../../model/event.ts';
import { keyOf, keyPart, timeOf } from '../../model/incoming.ts';
import { levels } from './problems.ts';
import type { KubeEvent, KubeObject } from './shapes.ts';

/** What is wrong with what. The names make the identity of the alert. */
export interface Subject {
  kind: string;
  namespace: string;
  name: string;
  reason: string;
  /** Of a pod, where the event names one; else empty. */
  container: string;
}

/** A problem as it was seen once more. Times in milliseconds. */
export interface Sighting extends Subject {
  uid: string;
  severity: Severity;
  message: string;
  /** How often Kubernetes counted it. */
  count: number;
  /** The first and the newest time, by the clock of who reported it. */
  first: number;
  last: number;
  /** When it was written, by the API server's clock where that is known: what was written later is newer, whoever reported it. */
  written: number;
  reporter: string;
}

export function fingerprintOf({ kind, namespace, name, reason, container }: Subject): string {
  const parts = [kind, namespace, name, reason, ...(container === '' ? [] : [container])];
  return keyOf(parts.map(keyPart).join('/'));
}

/** Reads an Event; null when it is about nothing. `at` is used for times that are missing. */
export function readEvent(event: KubeEvent, at: number): Omit<Sighting, 'severity'> | null {
  const { involvedObject: object, metadata, series } = event;
  if (object.kind === '' || object.name === '' || event.reason === '') return null;
  const created = timeOf(metadata.creationTimestamp);
  const observed = [series?.lastObservedTime, event.lastTimestamp, event.eventTime, event.firstTimestamp];
  const last = observed.map(timeOf).find(time => time !== null) ?? created ?? at;
  const first = [event.firstTimestamp, event.eventTime].map(timeOf).find(time => time !== null) ?? created ?? last;
  const written = (metadata.managedFields ?? []).map(({ time }) => timeOf(time) ?? 0);
  return {
    kind: object.kind,
    namespace: object.kind === 'Node' ? '' : object.namespace || metadata.namespace,
    name: object.name,
    uid: object.uid,
    reason: event.reason,
    container: containerOf(object.fieldPath),
    message: event.message,
    count: Math.max(1, Math.floor(event.count ?? series?.count ?? 1)),
    first: Math.min(first, last),
    last,
    written: written.length === 0 ? Math.max(created ?? 0, last) : Math.max(created ?? 0, ...written),
    reporter: event.reportingComponent || event.source?.component || '',
  };
}

/** `spec.containers{checkout}` */
function containerOf(fieldPath: string): string {
  return /^spec\.(?:init|ephemeral)?[cC]ontainers\{([^{}]{1,253})\}$/.exec(fieldPath)?.[1] ?? '';
}

/** True when `a` is newer than `b`; within one second of the server's clock the reporter's own times decide. */
export function isAfter(a: { written: number; last: number }, b: { written: number; last: number }): boolean {
  return a.written !== b.written ? a.written > b.written : a.last > b.last;
}

/** A problem that an object's conditions show now, and how long it must have lasted. */
export interface LevelSighting {
  sighting: Sighting;
  hold: number;
}

/** Reads the conditions of a Node or Deployment. */
export function readLevels(kind: 'Node' | 'Deployment', { metadata, status }: KubeObject, at: number): LevelSighting[] {
  return levels
    .filter(level => level.kind === kind)
    .flatMap(level => {
      const found = status?.conditions.find(condition => condition.type === level.condition);
      if (found === undefined || !(level.when === 'not True' ? found.status !== 'True' : found.status === level.when))
        return [];
      const since = timeOf(found.lastTransitionTime) ?? at;
      const sighting: Sighting = {
        kind,
        namespace: metadata.namespace,
        name: metadata.name,
        uid: metadata.uid,
        reason: level.reason,
        container: '',
        severity: level.severity,
        message: found.message || found.reason,
        count: 1,
        ...{ first: since, last: since, written: since },
        reporter: 'conditions',
      };
      return [{ sighting, hold: level.hold }];
    });
}
