import { dirname, resolve } from 'node:path';
import type { BadEntry, BadThing } from '../model/gates/known-bad.ts';
import { type KnownBadEntryFile, knownBadFile } from '../model/gates/known-bad-file.ts';
import { comparedEcosystems, isRange, readPurl } from '../model/gates/purl.ts';
import type { KnownBadFile } from '../ports/catalogue.ts';
import { createFaults, type Faults } from './problems.ts';
import { readAs } from './scalars.ts';
import type { Path, YamlFile } from './yaml.ts';

export const noKnownBad: KnownBadFile = { entries: [], feeds: [], clones: new Map() };

/** Compiles known-bad.yaml. What is over is a warning: it counts no more, and may be taken out. */
export function compileKnownBad(yaml: YamlFile, now: number): { knownBad: KnownBadFile | null; faults: Faults } {
  const faults = createFaults(yaml);
  const { parsed } = readAs(knownBadFile, yaml.data ?? {}, faults, []);
  if (!parsed.success) {
    faults.addIssues([], parsed.error.issues, knownBadFile);
    return { knownBad: null, faults };
  }
  const { entries, feeds, clones } = parsed.data;
  const compiled = entries.flatMap((entry, index) => compileEntry(entry, ['entries', index], now, faults));
  const folder = dirname(yaml.file);
  const knownBad: KnownBadFile = {
    entries: compiled,
    feeds: Object.entries(feeds).map(([name, feed]) => ({ name, ...feed })),
    clones: new Map(Object.entries(clones).map(([repository, path]) => [repository, resolve(folder, path)])),
  };
  warnOfRanges(knownBad, faults);
  return { knownBad: faults.list.some(fault => fault.level === 'error') ? null : knownBad, faults };
}

function compileEntry(entry: KnownBadEntryFile, path: Path, now: number, faults: Faults): BadEntry[] {
  const { reason, by, blocks } = entry;
  const until = entry.until ?? null;
  if (until !== null && until <= now)
    faults.add([...path, 'until'], 'this entry is over, so it keeps nothing out', { level: 'warning' });
  const thing = thingOf(entry, path, faults);
  return thing === null ? [] : [{ thing, reason, by, blocks, until, from: 'known-bad.yaml' }];
}

function thingOf(entry: KnownBadEntryFile, path: Path, faults: Faults): BadThing | null {
  const { image, commit, range } = entry;
  if (image !== undefined) return { kind: 'image', digest: image };
  if (commit !== undefined) return { kind: 'commit', sha: commit };
  if (range === undefined) return packageOf(entry, path, faults);
  const { repository, introduced, fixed } = range;
  return { kind: 'range', repository, introduced, fixed: fixed === undefined ? [] : [fixed], last: null };
}

function packageOf({ package: purl = '', versions }: KnownBadEntryFile, path: Path, faults: Faults): BadThing | null {
  const named = readPurl(purl);
  const at = [...path, 'package'];
  if (named === null) {
    faults.add(at, 'this is no purl', { given: purl, allowed: 'pkg:npm/left-pad, pkg:pypi/requests@2.31.0' });
    return null;
  }
  const thing = { kind: 'package' as const, purl: named.purl };
  if (named.version !== '') {
    if (versions === undefined) return { ...thing, versions: [named.version], ranges: [] };
    faults.add(at, 'the purl has a version, and versions: names others', { given: purl, allowed: named.purl });
    return null;
  }
  if (typeof versions !== 'string') return { ...thing, versions: versions ?? [], ranges: [] };
  return isComparable(versions, named.type, [...path, 'versions'], faults)
    ? { ...thing, versions: [], ranges: [versions] }
    : null;
}

function isComparable(range: string, type: string, path: Path, faults: Faults): boolean {
  if (!comparedEcosystems.includes(type)) {
    faults.add(
      path,
      `ranges are compared for ${comparedEcosystems.join(', ')} alone, because ${type} orders versions in its own way`,
      {
        given: range,
        allowed: `a list of versions, such as ["${range.replace(/[^\w.+-]/g, '')}"]`,
      },
    );
    return false;
  }
  if (isRange(range)) return true;
  faults.add(path, 'this is no range of versions', { given: range, allowed: '">=1.0.0 <1.3.1", "^2.1.0"' });
  return false;
}

/** A range without a clone caps every deployment of its repository at asking people. */
function warnOfRanges({ entries, clones }: KnownBadFile, faults: Faults): void {
  for (const [index, { thing }] of entries.entries())
    if (thing.kind === 'range' && clones.size === 0)
      faults.add(
        ['entries', index, 'range'],
        'there are no clones to look the history up in, so people are asked about every commit of this repository',
        { level: 'warning', given: thing.repository, allowed: `clones: { ${thing.repository}: ./checkout.git }` },
      );
}
