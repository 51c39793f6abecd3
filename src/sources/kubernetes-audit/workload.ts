import { imageFact } from '../../model/change.ts';
import { isMap, plainText } from '../../model/incoming.ts';
import type { ChangeFacts } from '../../model/incoming-change.ts';

/** The group of what runs images, and the path to the spec of its pods. */
const workloads: Readonly<Record<string, { group: string; pod: readonly string[] }>> = {
  deployments: { group: 'apps', pod: ['spec', 'template', 'spec'] },
  statefulsets: { group: 'apps', pod: ['spec', 'template', 'spec'] },
  daemonsets: { group: 'apps', pod: ['spec', 'template', 'spec'] },
  replicasets: { group: 'apps', pod: ['spec', 'template', 'spec'] },
  jobs: { group: 'batch', pod: ['spec', 'template', 'spec'] },
  cronjobs: { group: 'batch', pod: ['spec', 'jobTemplate', 'spec', 'template', 'spec'] },
  pods: { group: '', pod: ['spec'] },
};
const lists = ['containers', 'initContainers', 'ephemeralContainers'];
/** How many containers of one list, and operations of one JSON patch, are looked at. */
const most = 20;

interface Told {
  objectRef?: { apiGroup: string; resource: string } | null | undefined;
  requestObject?: unknown;
  responseObject?: unknown;
}

/**
 * Replicas and images that a request for a workload asked for, where the policy of the API server sends bodies. Nothing else of a body is
 * ever read, but the name of a container: it may hold secrets, also in variables of a container.
 */
export function workloadOf({ objectRef, requestObject, responseObject }: Told): ChangeFacts['after'] {
  const resource = objectRef?.resource ?? '';
  const kind = Object.hasOwn(workloads, resource) ? workloads[resource] : undefined;
  if (kind === undefined || kind.group !== objectRef?.apiGroup) return null;
  const { pod } = kind;
  if (!Array.isArray(requestObject)) return { facts: factsOf(requestObject, pod) };
  return { facts: patchedFacts(requestObject, pod, responseObject) };
}

function factsOf(object: unknown, pod: readonly string[]): Record<string, string | null> {
  const replicas = plainText(at(object, ['spec', 'replicas']));
  return { ...(replicas === null ? {} : { replicas }), ...imagesOf(at(object, pod)) };
}

function imagesOf(pod: unknown): Record<string, string> {
  const images = lists.flatMap(list => {
    const containers = at(pod, [list]);
    return (Array.isArray(containers) ? containers : []).slice(0, most).flatMap(imageOf);
  });
  return Object.fromEntries(images);
}

function imageOf(container: unknown): [string, string][] {
  const [name, image] = [plainText(at(container, ['name'])), plainText(at(container, ['image']))];
  return name === null || image === null ? [] : [[`${imageFact}${name}`, image]];
}

/**
 * What a JSON patch (RFC 6902) sets. It names containers by their place; what they are called is in the answer, where the policy sends it.
 * Other operations set something above them, so the value is put where it belongs, in an object of its own.
 */
function patchedFacts(
  operations: readonly unknown[],
  pod: readonly string[],
  answer: unknown,
): Record<string, string | null> {
  const facts: Record<string, string | null> = {};
  for (const operation of operations.slice(0, most)) {
    const place = (plainText(at(operation, ['path'])) ?? '').split('/').slice(1);
    const value = at(operation, ['value']);
    const container = containerAt(place, pod);
    if (container === null) Object.assign(facts, factsOf(placed(place, value), pod));
    else if (container.member === '') Object.assign(facts, Object.fromEntries(imageOf(value)));
    else if (container.member === 'image') {
      const name = plainText(at(answer, [...pod, container.list, container.index, 'name']));
      facts[`${imageFact}${name ?? `${container.list} ${container.index}`}`] = plainText(value);
    }
  }
  return facts;
}

/** The container of this place, and which member of it the place is (empty for all of it); null for any other place. */
function containerAt(place: readonly string[], pod: readonly string[]) {
  const [list, index] = place.slice(pod.length);
  if (!pod.every((name, depth) => place[depth] === name) || list === undefined || index === undefined) return null;
  return lists.includes(list) ? { list, index, member: place.slice(pod.length + 2).join('/') } : null;
}

function placed(place: readonly string[], value: unknown): unknown {
  return place.slice(0, 8).reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
}

/** What stands at a path of names and places in lists. */
function at(value: unknown, path: readonly string[]): unknown {
  let found = value;
  for (const name of path) {
    if (Array.isArray(found)) found = /^\d{1,4}$/.test(name) ? found[Number(name)] : undefined;
    else found = isMap(found) && Object.hasOwn(found, name) ? found[name] : undefined;
  }
  return found;
}
