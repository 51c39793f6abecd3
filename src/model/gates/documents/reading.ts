import { cutText, visibleLine } from '../../../kernel/text.ts';
import type { EvidenceFormat, EvidenceKind, VulnerabilitySeverity } from '../evidence.ts';

export interface Finding {
  id: string;
  package: string;
  version: string;
  severity: VulnerabilitySeverity;
  /** The version that mends it; empty when none is known. */
  fixed: string;
}

export interface Component {
  name: string;
  version: string;
  purl: string;
}

/** What a document says that it is about. */
export interface About {
  /** Digests of images, `sha256:…`. */
  digests: readonly string[];
  /** Full ids of commits. */
  commits: readonly string[];
  /** Digests that may be those of the image, but may as well be others: of its configuration, of a file. They bind, and contradict nothing. */
  perhaps: readonly string[];
}

/** What a document says. */
export interface Reading {
  format: EvidenceFormat;
  kind: EvidenceKind;
  about: About;
  /** Null when it does not say whether anybody looked for any. */
  findings: readonly Finding[] | null;
  /** Null when it is no list of components. */
  components: readonly Component[] | null;
}

/** A document that is not what it says, or in a version that is not read. The message is for people. */
export class UnreadableDocument extends Error {}

/** The longest name, version or id that is kept, characters. */
const longest = 500;

/** An object's members; none for anything else. */
export function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

/** A list's elements; none for anything else. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A text on one line, cut; empty for anything else. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? cutText(visibleLine(value), longest) : '';
}

/** The SHA-256 digests in texts such as `name@sha256:…` and `pkg:oci/name@sha256%3A…`. */
export function digestsIn(...texts: readonly unknown[]): string[] {
  return texts.flatMap(text =>
    typeof text === 'string'
      ? [...text.matchAll(/\bsha256(?::|%3a)([0-9a-f]{64})(?![0-9a-f])/gi)].map(([, hex = '']) => digestOfHex(hex))
      : [],
  );
}

/** `sha256:…` of a SHA-256 in hex; nothing for anything else. */
export function digestOfSha256(hex: unknown): string[] {
  return typeof hex === 'string' && /^[0-9a-f]{64}$/i.test(hex) ? [digestOfHex(hex)] : [];
}

function digestOfHex(hex: string): string {
  return `sha256:${hex.toLowerCase()}`;
}

/** The full id of a commit; nothing for anything else. */
export function commitOf(value: unknown): string[] {
  return typeof value === 'string' && /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(value) ? [value] : [];
}

const order: readonly VulnerabilitySeverity[] = ['critical', 'high', 'medium', 'low', 'unknown'];

/** How severe, 0 for the most severe. */
export function rankOf(severity: VulnerabilitySeverity): number {
  return order.indexOf(severity);
}

/** The tools' words. What is below low counts as low, and what nobody rated as unknown. */
export function severityOf(word: unknown): VulnerabilitySeverity {
  const text = typeof word === 'string' ? word.toLowerCase() : '';
  if (text === 'negligible' || text === 'info' || text === 'none') return 'low';
  return order.find(one => one === text) ?? 'unknown';
}

/** A CVSS score, by the ranges of CVSS 3.1 and 4.0. */
export function severityOfScore(score: number): VulnerabilitySeverity {
  if (!(score >= 0 && score <= 10)) return 'unknown';
  if (score >= 9) return 'critical';
  if (score >= 7) return 'high';
  return score >= 4 ? 'medium' : 'low';
}

/** Merges those with one id in one package: the most severe counts, and a fix is kept. The most severe first. */
export function mergeFindings(all: Iterable<Finding>): Finding[] {
  const merged = new Map<string, Finding>();
  for (const one of all) {
    const key = `${one.id}\n${one.package}`;
    const known = merged.get(key);
    if (known === undefined) merged.set(key, one);
    else {
      const worse = rankOf(one.severity) < rankOf(known.severity) ? one : known;
      merged.set(key, { ...worse, fixed: worse.fixed || known.fixed || one.fixed });
    }
  }
  return [...merged.values()].sort((a, b) => rankOf(a.severity) - rankOf(b.severity));
}
