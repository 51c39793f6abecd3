import { createPublicKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { explainFile } from '../kernel/file-error.ts';
import type { EvidenceRules, SignatureRules } from '../model/gates/evidence.ts';
import type { EvidenceFile } from '../model/gates/gates-file.ts';
import type { Faults } from './problems.ts';
import type { Path } from './yaml.ts';

/** A file that gates.yaml names: a trusted root or a public key. */
export interface TrustFile {
  path: string;
  /** Null when it cannot be read. */
  text: string | null;
  /** Why it cannot be read; empty when it can. */
  because: string;
}

/** A trusted root has some kilobytes; this is a bound against a wrong path. */
const longest = 4 * 1024 * 1024;

/** Reads the files that the gates trust, by their names in gates.yaml, whose data need not be valid yet. */
export async function readTrustFiles(data: unknown, folder: string): Promise<ReadonlyMap<string, TrustFile>> {
  const read = async (name: string): Promise<[string, TrustFile]> => {
    const path = isAbsolute(name) ? name : join(folder, name);
    try {
      const text = await readFile(path, 'utf8');
      return [
        name,
        text.length > longest ? { path, text: null, because: 'it is too large' } : { path, text, because: '' },
      ];
    } catch (error) {
      return [name, { path, text: null, because: explainFile(error) }];
    }
  };
  return new Map(await Promise.all([...new Set(namesIn(data))].map(read)));
}

function namesIn(data: unknown): string[] {
  return Object.values(membersOf(membersOf(data)['gates'])).flatMap(gate => {
    const { trustedRoot, keys } = membersOf(membersOf(membersOf(gate)['evidence'])['provenance']);
    return [trustedRoot, ...(Array.isArray(keys) ? keys : [])].filter(one => typeof one === 'string');
  });
}

function membersOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

interface Place {
  path: Path;
  faults: Faults;
  files: ReadonlyMap<string, TrustFile>;
}

/** What a gate takes as evidence, with the text of the files that it trusts. */
export function compileEvidence({ fetch, sbom, scan, provenance }: EvidenceFile, place: Place): EvidenceRules {
  return {
    fetch: fetch.map(({ url, kind, format }) => ({ url, kind, format: format ?? null })),
    sbom: { caller: sbom.trust === 'caller', unbound: sbom.unbound },
    scan: { caller: scan.trust === 'caller', unbound: scan.unbound },
    signatures: provenance === undefined ? null : compileSignatures(provenance, place),
  };
}

function compileSignatures(of: NonNullable<EvidenceFile['provenance']>, place: Place): SignatureRules {
  const at: Path = [...place.path, 'provenance'];
  const rootAt: Path = [...at, 'trustedRoot'];
  const roots = of.trustedRoot === undefined ? null : textOf(of.trustedRoot, rootAt, place);
  if (roots !== null && !isTrustedRoot(roots))
    place.faults.add(rootAt, 'it is no trusted root of Sigstore: JSON with certificateAuthorities', {
      given: of.trustedRoot,
    });
  const keys = of.keys.flatMap((name, index) => keyOf(name, [...at, 'keys', index], place));
  return {
    ...{ roots, keys, builders: of.builders },
    issuer: of.issuer ?? null,
    repository: of.repository ?? null,
    identity: of.identity ?? null,
    workflow: of.workflow ?? null,
  };
}

function textOf(name: string, at: Path, { faults, files }: Place): string | null {
  const file = files.get(name);
  if (file === undefined || file.text === null)
    faults.add(at, `the file cannot be used: ${file?.because ?? 'it was not read'}`, { given: name });
  return file?.text ?? null;
}

function keyOf(name: string, at: Path, place: Place): string[] {
  const text = textOf(name, at, place);
  if (text === null) return [];
  try {
    return [createPublicKey(text).export({ type: 'spki', format: 'pem' }).toString()];
  } catch {
    place.faults.add(at, 'it is no public key in PEM', { given: name });
    return [];
  }
}

/** One as JSON, or one on each line, as `gh attestation trusted-root` writes them. */
function isTrustedRoot(text: string): boolean {
  const roots = parsed(text) ?? linesOf(text);
  return roots.length > 0 && roots.every(one => notEmpty(membersOf(one)['certificateAuthorities']));
}

function linesOf(text: string): unknown[] {
  return text.split('\n').flatMap(line => (line.trim() === '' ? [] : (parsed(line) ?? [null])));
}

function parsed(text: string): unknown[] | null {
  try {
    return [JSON.parse(text)];
  } catch {
    return null;
  }
}

function notEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}
