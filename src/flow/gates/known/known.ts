/** What is known to be bad: the index of its entries, feeds that are read for it, and what an entry ends. */

import type { BadEntry, ListedThing } from '../../../model/gates/known-bad.ts';
import { readPurl } from '../../../model/gates/purl.ts';
import { lastOf } from './repository.ts';

/** Entries by what they name, so that a question costs the same with ten of them and with a hundred thousand. */
export interface BadIndex {
  readonly size: number;
  readonly hasPackages: boolean;
  readonly hasVulnerabilities: boolean;
  /** The entries under this key (`keyOfThing`). */
  at(key: string): readonly BadEntry[];
}

const nothing: readonly BadEntry[] = [];

/** Makes the index. Entries of packages whose purl is none are left out; they were refused where they came in. */
export function createBadIndex(entries: Iterable<BadEntry>): BadIndex {
  const byKey = new Map<string, BadEntry[]>();
  const kinds = new Set<ListedThing['kind']>();
  let size = 0;
  for (const entry of entries) {
    const key = keyOfThing(entry.thing);
    if (key === null) continue;
    const known = byKey.get(key);
    if (known === undefined) byKey.set(key, [entry]);
    else known.push(entry);
    kinds.add(entry.thing.kind);
    size++;
  }
  return {
    size,
    hasPackages: kinds.has('package'),
    hasVulnerabilities: kinds.has('vulnerability'),
    at: key => byKey.get(key) ?? nothing,
  };
}

export const keyOf = {
  image: (digest: string) => `image ${digest}`,
  commit: (sha: string) => `commit ${sha}`,
  vulnerability: (id: string) => `vulnerability ${id.toUpperCase()}`,
  /** Of the last part of its name: the same repository is written with and without its host. */
  range: (repository: string) => `range ${lastOf(repository)}`,
  package: (key: string) => `package ${key}`,
};

function keyOfThing(thing: ListedThing): string | null {
  switch (thing.kind) {
    case 'image':
      return keyOf.image(thing.digest);
    case 'commit':
      return keyOf.commit(thing.sha);
    case 'vulnerability':
      return keyOf.vulnerability(thing.id);
    case 'range':
      return keyOf.range(thing.repository);
    case 'package': {
      const named = readPurl(thing.purl);
      return named === null ? null : keyOf.package(named.key);
    }
  }
}
