import { z } from 'zod';

/** What kind of evidence a document is. */
export const evidenceKind = z.enum(['sbom', 'scan', 'provenance']);
export type EvidenceKind = z.infer<typeof evidenceKind>;

/** The formats that are read. A Sigstore bundle and a DSSE envelope hold a signed statement, which may hold one of the others. */
export const evidenceFormat = z.enum(['cyclonedx', 'spdx', 'sarif', 'trivy', 'grype', 'sigstore', 'dsse']);
export type EvidenceFormat = z.infer<typeof evidenceFormat>;

/** One document that came with a gate, or was fetched for it, and what was made of it. */
export const evidenceRef = z.object({
  kind: evidenceKind,
  /** `unknown` where nothing came, or it was in no format that is known. */
  format: z.enum([...evidenceFormat.options, 'unknown']),
  /** SHA-256 of its bytes, which are stored as a blob, lower-case hex; empty when nothing came. */
  digest: z.string(),
  /** `request`, or the address that it was fetched from, without its query. */
  from: z.string(),
  /** True when policy reads it: it is of this subject, and from somebody whom gates.yaml trusts. What is not verified reads as absent. */
  verified: z.boolean(),
  /** Whose word it is: a signature that was verified, or the caller's or the server's alone. */
  by: z.enum(['signature', 'caller']),
  /** Why it is not verified, for people; null when it is. */
  because: z.string().nullable(),
  /** One line for cards: `2 critical, 14 high`. */
  says: z.string(),
});
export type EvidenceRef = z.infer<typeof evidenceRef>;

export const vulnerabilitySeverity = z.enum(['critical', 'high', 'medium', 'low', 'unknown']);
export type VulnerabilitySeverity = z.infer<typeof vulnerabilitySeverity>;

/** What policy reads as `gate.evidence`. Absent evidence has `known: false`, so that a rule can tell "none found" from "nobody looked". */
export const evidence = z.object({
  vulnerabilities: z.object({
    known: z.boolean(),
    /** True when one of the scans behind it has a signature that was verified. */
    signed: z.boolean(),
    critical: z.int(),
    high: z.int(),
    medium: z.int(),
    low: z.int(),
    unknown: z.int(),
    /** How many the list leaves out; the counts have all. */
    cut: z.int(),
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
    /** True when one of the SBOMs behind it has a signature that was verified. */
    signed: z.boolean(),
    /** How many components the list leaves out. */
    cut: z.int(),
    components: z.array(z.object({ name: z.string(), version: z.string(), purl: z.string() })),
  }),
});
export type Evidence = z.infer<typeof evidence>;

/** Nothing came, or nothing of it was verified. */
export const noEvidence: Evidence = {
  vulnerabilities: {
    ...{ known: false, signed: false, critical: 0, high: 0, medium: 0, low: 0, unknown: 0 },
    ...{ cut: 0, list: [] },
  },
  provenance: { known: false, builder: '', identity: '', issuer: '', repository: '', workflow: '' },
  sbom: { known: false, signed: false, cut: 0, components: [] },
};

/** What is taken of one kind of document that nobody signed. */
export interface BareRules {
  /** The caller's word counts, marked as such; else only what is signed does. */
  caller: boolean;
  /** Also one that does not say which image or commit it is of. */
  unbound: boolean;
}

/** Whose signatures count. */
export interface SignatureRules {
  /** The text of the file of trusted roots: one as JSON, or one on each line; null without. */
  roots: string | null;
  /** Public keys (PEM) that count without a certificate. */
  keys: readonly string[];
  /** What the certificate must say; null for anything. `issuer` and one of the next two are there whenever there are roots. */
  issuer: string | null;
  repository: string | null;
  identity: string | null;
  workflow: string | null;
  /** The builders whose provenance counts; any when empty. */
  builders: readonly string[];
}

/** A document that is fetched: `{digest}` in its address is the image's, in hex, and `{sha}` the commit. */
export interface FetchRule {
  url: string;
  kind: EvidenceKind;
  format: EvidenceFormat | null;
}

/** What a gate takes as evidence. */
export interface EvidenceRules {
  fetch: readonly FetchRule[];
  sbom: BareRules;
  scan: BareRules;
  /** Null when gates.yaml trusts no signature: then none counts. */
  signatures: SignatureRules | null;
}

export const standardRules: EvidenceRules = {
  fetch: [],
  sbom: { caller: true, unbound: false },
  scan: { caller: true, unbound: false },
  signatures: null,
};
