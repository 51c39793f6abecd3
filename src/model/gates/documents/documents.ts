/** Documents about an image or a commit, as the tools write them: SBOMs, scans, signed statements. Each format is one file of pure functions. */

import type { EvidenceFormat } from '../evidence.ts';
import { readCycloneDx } from './cyclonedx.ts';
import { readGrype } from './grype.ts';
import { objectOf, type Reading, textOf } from './reading.ts';
import { readSarif } from './sarif.ts';
import { readSpdx } from './spdx.ts';
import { readTrivy } from './trivy.ts';

type Bare = Exclude<EvidenceFormat, 'sigstore' | 'dsse'>;

const readers: Readonly<Record<Bare, (json: unknown) => Reading>> = {
  cyclonedx: readCycloneDx,
  spdx: readSpdx,
  sarif: readSarif,
  trivy: readTrivy,
  grype: readGrype,
};

/** The format, by what only it has; null for none that is known. */
export function formatOf(json: unknown): EvidenceFormat | null {
  const of = objectOf(json);
  if (of['bomFormat'] === 'CycloneDX') return 'cyclonedx';
  if (textOf(of['spdxVersion']).startsWith('SPDX-')) return 'spdx';
  if (textOf(of['@context']).startsWith('https://spdx.org/rdf/3.')) return 'spdx';
  if (Array.isArray(of['runs']) && typeof of['version'] === 'string') return 'sarif';
  if (typeof of['SchemaVersion'] === 'number' && 'ArtifactName' in of) return 'trivy';
  if (Array.isArray(of['matches']) && 'descriptor' in of) return 'grype';
  if (textOf(of['mediaType']).startsWith('application/vnd.dev.sigstore.bundle')) return 'sigstore';
  if ('payloadType' in of && 'payload' in of && Array.isArray(of['signatures'])) return 'dsse';
  return null;
}

/** Reads a document of a format without signatures. Throws UnreadableDocument, which says why. */
export function readDocument(json: unknown, format: Bare): Reading {
  return readers[format](json);
}
