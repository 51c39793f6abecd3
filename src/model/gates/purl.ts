import { PackageURL } from 'packageurl-js';
import semver from 'semver';

/** A package of an ecosystem, without its version. */
export interface PackageName {
  /** The ecosystem: `npm`, `pypi`. */
  type: string;
  /** What it is found by: `npm/@acme/left-pad`, in lower case. */
  key: string;
  /** Its purl without version, qualifiers and path. */
  purl: string;
  /** The version that the purl has; empty without one. */
  version: string;
}

/** The longest purl that is read, characters. */
const longest = 1000;

/** Reads a purl; null when it is none. Case counts in few ecosystems, and telling two packages apart by it alone in none. */
export function readPurl(text: string): PackageName | null {
  if (text.length > longest) return null;
  try {
    const { type, namespace, name, version } = PackageURL.fromString(text);
    return named(type, namespace ?? null, name, version ?? '');
  } catch {
    return null;
  }
}

/** A package by the names of its parts; null when they make no purl. */
export function namePackage(type: string, namespace: string | null, name: string): PackageName | null {
  try {
    const made = new PackageURL(type, namespace ?? undefined, name);
    return named(made.type, made.namespace ?? null, made.name, '');
  } catch {
    return null;
  }
}

function named(type: string, namespace: string | null, name: string, version: string): PackageName {
  const purl = new PackageURL(type, namespace ?? undefined, name).toString();
  const key = [type, namespace, name].filter(Boolean).join('/').toLowerCase();
  return { type, key, purl, version };
}

/** The ecosystems whose versions are semantic, so that ranges of them can be compared. */
export const comparedEcosystems: readonly string[] = ['npm', 'cargo', 'golang'];

/** True for a range as npm writes it. */
export function isRange(text: string): boolean {
  return text.trim() !== '' && semver.validRange(text) !== null;
}

/** Whether the version is in the range; null when that cannot be told, because one of them is not semantic. */
export function isInRange(version: string, range: string): boolean | null {
  const parsed = semver.parse(version, { loose: true });
  if (parsed === null || semver.validRange(range) === null) return null;
  return semver.satisfies(parsed, range, { includePrerelease: true });
}

/** The order of two semantic versions; null when one of them is none. */
export function compareVersions(a: string, b: string): number | null {
  const [left, right] = [semver.parse(a, { loose: true }), semver.parse(b, { loose: true })];
  return left === null || right === null ? null : semver.compare(left, right);
}
