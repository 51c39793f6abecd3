import { type Evidence, noEvidence, type VulnerabilitySeverity } from '../evidence.ts';
import { type Component, type Finding, mergeFindings } from './reading.ts';

/** The longest lists that policy reads, and that one document adds: images of thousands of packages are large ones. */
export const mostListed = { findings: 10_000, components: 20_000 };

/** Findings, the most severe first, and how many there are that the list leaves out. */
export interface Found {
  list: readonly Finding[];
  left: Counts;
}

export interface Listed {
  list: readonly Component[];
  left: number;
}

export type Counts = Record<VulnerabilitySeverity, number>;

/** What one document adds to the evidence. */
export type Part =
  | { kind: 'provenance'; provenance: Omit<Evidence['provenance'], 'known'> }
  | {
      kind: 'document';
      signed: boolean;
      /** Null where the document says nothing of it, or where its word does not count. */
      findings: Found | null;
      components: Listed | null;
    };

/** Pure: the evidence of all documents. Of several provenances the first counts; lists are merged, and cut with a count. */
export function sumEvidence(parts: readonly Part[]): Evidence {
  const documents = parts.filter(part => part.kind === 'document');
  const provenance = parts.find(part => part.kind === 'provenance');
  return {
    vulnerabilities: vulnerabilitiesOf(documents),
    provenance: provenance === undefined ? noEvidence.provenance : { known: true, ...provenance.provenance },
    sbom: sbomOf(documents),
  };
}

type DocumentPart = Extract<Part, { kind: 'document' }>;

function vulnerabilitiesOf(parts: readonly DocumentPart[]): Evidence['vulnerabilities'] {
  const scans = parts.filter(part => part.findings !== null);
  if (scans.length === 0) return noEvidence.vulnerabilities;
  const found = cutFindings(mergeFindings(scans.flatMap(part => part.findings?.list ?? [])));
  const left = scans.map(part => part.findings?.left ?? noCounts).reduce(addCounts, found.left);
  return {
    known: true,
    signed: scans.some(part => part.signed),
    ...addCounts(countFindings(found.list), left),
    cut: Object.values(left).reduce((sum, count) => sum + count, 0),
    list: [...found.list],
  };
}

/** Cuts a list of findings, the least severe of which are last. */
export function cutFindings(all: readonly Finding[]): Found {
  return { list: all.slice(0, mostListed.findings), left: countFindings(all.slice(mostListed.findings)) };
}

export function cutComponents(all: readonly Component[]): Listed {
  return { list: all.slice(0, mostListed.components), left: Math.max(0, all.length - mostListed.components) };
}

const noCounts: Counts = { critical: 0, high: 0, medium: 0, low: 0, unknown: 0 };

export function countFindings(all: readonly Finding[]): Counts {
  const counts = { ...noCounts };
  for (const { severity } of all) counts[severity]++;
  return counts;
}

function addCounts(a: Counts, b: Counts): Counts {
  return {
    critical: a.critical + b.critical,
    high: a.high + b.high,
    medium: a.medium + b.medium,
    low: a.low + b.low,
    unknown: a.unknown + b.unknown,
  };
}

function sbomOf(parts: readonly DocumentPart[]): Evidence['sbom'] {
  const boms = parts.filter(part => part.components !== null);
  if (boms.length === 0) return noEvidence.sbom;
  const known = new Map<string, Component>();
  for (const { components } of boms)
    for (const one of components?.list ?? []) known.set(`${one.purl}\n${one.name}\n${one.version}`, one);
  const { list, left } = cutComponents([...known.values()]);
  return {
    known: true,
    signed: boms.some(part => part.signed),
    cut: left + boms.reduce((sum, part) => sum + (part.components?.left ?? 0), 0),
    components: [...list],
  };
}
