import { z } from 'zod';

/** What kind of evidence a document is. */
const evidenceKind = z.enum(['sbom', 'scan', 'provenance']);

/** One document that came with a gate, or was fetched for it, and what was made of it. */
export const evidenceRef = z.object({
  kind: evidenceKind,
  /** `cyclonedx`, `spdx`, `sarif`, `trivy`, `grype`, `sigstore`, `dsse`. */
  format: z.string(),
  /** SHA-256 of its bytes, which are stored as a blob, lower-case hex. */
  digest: z.string(),
  /** `request`, or the address that it was fetched from, without its query. */
  from: z.string(),
  /** True when it was verified to be of this subject, by whom policy may trust; what is not verified reads as absent. */
  verified: z.boolean(),
  /** Why it is not verified, for people; null when it is. */
  because: z.string().nullable(),
  /** One line for cards: `2 critical, 14 high`. */
  says: z.string(),
});
export type EvidenceRef = z.infer<typeof evidenceRef>;

export const vulnerabilitySeverity = z.enum(['critical', 'high', 'medium', 'low', 'unknown']);

/** What policy reads as `gate.evidence`. Absent evidence has `known: false`, so that a rule can tell "none found" from "nobody looked". */
export const evidence = z.object({
  vulnerabilities: z.object({
    known: z.boolean(),
    critical: z.int(),
    high: z.int(),
    medium: z.int(),
    low: z.int(),
    unknown: z.int(),
    /** Without duplicates of (id, package), the most severe first. */
    list: z.array(
      z.object({
        id: z.string(),
        package: z.string(),
        version: z.string(),
        severity: vulnerabilitySeverity,
        /** The version that mends it; empty when none is known. */
        fixed: z.string(),
      }),
    ),
  }),
  provenance: z.object({
    known: z.boolean(),
    /** SLSA v1 `runDetails.builder.id`; empty when absent. */
    builder: z.string(),
    /** The identity in the certificate: a workflow's URI or a mail address. */
    identity: z.string(),
    issuer: z.string(),
    repository: z.string(),
    workflow: z.string(),
  }),
  sbom: z.object({
    known: z.boolean(),
    components: z.array(z.object({ name: z.string(), version: z.string(), purl: z.string() })),
  }),
});
export type Evidence = z.infer<typeof evidence>;

/** Nothing came, or nothing of it was verified. */
export const noEvidence: Evidence = {
  vulnerabilities: { known: false, critical: 0, high: 0, medium: 0, low: 0, unknown: 0, list: [] },
  provenance: { known: false, builder: '', identity: '', issuer: '', repository: '', workflow: '' },
  sbom: { known: false, components: [] },
};
