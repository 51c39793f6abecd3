import type { Json } from '../../kernel/canonical.ts';
import { isObject, type Review } from './review.ts';

/** An image as a container names it. `digest` and `pinned` (name@digest, without a tag) are null where it has no digest. */
export interface NamedImage {
  container: string;
  written: string;
  digest: string | null;
  pinned: string | null;
}

/** Where each kind has the pod that it starts. Source: k8s.io/api, core/v1, apps/v1, batch/v1. */
const podPaths: Readonly<Record<string, readonly string[]>> = {
  '/Pod': ['spec'],
  '/PodTemplate': ['template', 'spec'],
  '/ReplicationController': ['spec', 'template', 'spec'],
  'apps/Deployment': ['spec', 'template', 'spec'],
  'apps/StatefulSet': ['spec', 'template', 'spec'],
  'apps/DaemonSet': ['spec', 'template', 'spec'],
  'apps/ReplicaSet': ['spec', 'template', 'spec'],
  'batch/Job': ['spec', 'template', 'spec'],
  'batch/CronJob': ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
};

/** What comes as a subresource of those and names no image. */
const withoutImages = new Set(['autoscaling/Scale', 'policy/Eviction', '/Binding']);

const containerLists = ['initContainers', 'containers', 'ephemeralContainers'];

/** `unknown`: a kind of which nobody here knows where its images are. */
export type Images = { kind: 'unknown' } | { kind: 'broken'; at: string } | { kind: 'images'; images: NamedImage[] };

/** The images that the request brings: all of a new object, those of a changed one that it did not have. */
export function newImages({ operation, group, kind, object, oldObject }: Review): Images {
  const of = `${group}/${kind}`;
  if (withoutImages.has(of)) return { kind: 'images', images: [] };
  const path = podPaths[of];
  if (path === undefined) return { kind: 'unknown' };
  const now = imagesAt(object, path);
  if (typeof now === 'string') return { kind: 'broken', at: now };
  if (operation !== 'UPDATE') return { kind: 'images', images: now };
  const before = imagesAt(oldObject, path);
  const known = new Set(typeof before === 'string' ? [] : before.map(({ written }) => written));
  return { kind: 'images', images: now.filter(({ written }) => !known.has(written)) };
}

/** Each image once; or the place of what is not as it should be. */
function imagesAt(object: Json | null, path: readonly string[]): NamedImage[] | string {
  let spec: Json | undefined = object;
  for (const [depth, key] of path.entries()) {
    spec = isObject(spec ?? null) ? (spec as { [key: string]: Json })[key] : undefined;
    // A workload without a template starts nothing.
    if (spec === undefined || spec === null) return depth === 0 && object === null ? 'object' : [];
  }
  if (!isObject(spec ?? null)) return path.join('.');
  const found = new Map<string, NamedImage>();
  for (const list of containerLists) {
    const containers = (spec as { [key: string]: Json })[list] ?? [];
    if (!Array.isArray(containers)) return `${path.join('.')}.${list}`;
    for (const [index, container] of containers.entries()) {
      const written = isObject(container) ? (container['image'] ?? '') : null;
      if (typeof written !== 'string') return `${path.join('.')}.${list}[${index}].image`;
      const name = isObject(container) ? container['name'] : '';
      if (!found.has(written)) found.set(written, namedImage(typeof name === 'string' ? name : '', written));
    }
  }
  return [...found.values()];
}

const withDigest = /^([^\s@\p{C}]+)@(sha256:[0-9a-f]{64})$/u;

function namedImage(container: string, written: string): NamedImage {
  const [, name, digest] = written.length > 500 ? [] : (withDigest.exec(written) ?? []);
  if (name === undefined || digest === undefined) return { container, written, digest: null, pinned: null };
  const tag = name.indexOf(':', name.lastIndexOf('/') + 1);
  return { container, written, digest, pinned: `${tag < 0 ? name : name.slice(0, tag)}@${digest}` };
}
