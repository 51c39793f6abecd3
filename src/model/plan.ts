import { z } from 'zod';
import { canonicalJson, sha256 } from '../kernel/canonical.ts';
import { json } from './run.ts';

/** The snapshot behind a plan hash. Its canonical JSON is stored as a blob, and people approve the SHA-256 of those bytes. */
export const plan = z.object({
  runbook: z.string(),
  /** Blob digests, by path, of all files of the runbook: its source, its imports, and the runbooks it calls. */
  files: z.record(z.string(), z.string()),
  /** The path in `files` of the runbook itself. */
  entry: z.string(),
  params: z.record(z.string(), json),
  targets: z.array(z.string()),
  /** Names only; values are fetched when a step needs them. */
  secrets: z.array(z.string()),
});
export type Plan = z.infer<typeof plan>;

export function planBytes(value: Plan): string {
  return canonicalJson(value);
}

/** The plan hash: SHA-256 over the canonical plan, lower-case hex. */
export function planHash(value: Plan): string {
  return sha256(planBytes(value));
}

/** The first ten characters of a hash, as cards show it. */
export function shortHash(hash: string): string {
  return hash.slice(0, 10);
}
