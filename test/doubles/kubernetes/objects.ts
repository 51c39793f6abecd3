/** An object of the cluster, and how it came to be so. */
export interface Stored {
  resource: string;
  namespace: string;
  name: string;
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: Record<string, unknown>;
  version: number;
}

interface Meta {
  name: string;
  namespace?: string;
  uid?: string;
  [other: string]: unknown;
}

/** What is stored, with versions that count up over all resources, as in etcd. */
export interface Objects {
  /** Creates or replaces an object; resolves to it as stored. */
  put(resource: string, object: { metadata: Meta; [member: string]: unknown }): Record<string, unknown>;
  remove(resource: string, namespace: string, name: string): void;
  version(): number;
  /** Forgets the history: older versions are gone from now on. */
  compact(): void;
  compacted(): number;
  all(): Stored[];
  since(version: number): Stored[];
}

export function createObjects(changed: (stored: Stored) => void): Objects {
  const stored = new Map<string, Stored>();
  let history: Stored[] = [];
  let version = 1000;
  let compacted = 0;

  function add(one: Omit<Stored, 'version'>): Record<string, unknown> {
    version += 1;
    const metadata = { ...(one.object['metadata'] as Meta), resourceVersion: String(version) };
    const made: Stored = { ...one, version, object: { ...one.object, metadata } };
    const key = `${one.resource}/${one.namespace}/${one.name}`;
    if (one.type === 'DELETED') stored.delete(key);
    else stored.set(key, made);
    history.push(made);
    changed(made);
    return made.object;
  }

  return {
    put(resource, object) {
      const { name, namespace = '' } = object.metadata;
      const before = stored.get(`${resource}/${namespace}/${name}`);
      const old = before?.object['metadata'] as Meta | undefined;
      const now = `${new Date().toISOString().slice(0, 19)}Z`;
      const metadata = {
        uid: old?.uid ?? `uid-of-${name}-${version}`,
        creationTimestamp: old?.['creationTimestamp'] ?? now,
        managedFields: [{ manager: 'double', operation: 'Update', time: now }],
        ...object.metadata,
      };
      return add({
        resource,
        namespace,
        name,
        type: before === undefined ? 'ADDED' : 'MODIFIED',
        object: { ...object, metadata },
      });
    },
    remove(resource, namespace, name) {
      const before = stored.get(`${resource}/${namespace}/${name}`);
      if (before !== undefined) add({ ...before, type: 'DELETED' });
    },
    version: () => version,
    compact() {
      history = [];
      compacted = version;
    },
    compacted: () => compacted,
    all: () => [...stored.values()],
    since: from => history.filter(one => one.version > from),
  };
}
