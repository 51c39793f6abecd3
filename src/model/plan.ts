import { z } from 'zod';
import { canonicalJson, sha256 } from '../kernel/canonical.ts';
import { json } from './run.ts';

/** The stored snapshot behind a plan hash: these exact canonical bytes are a blob, and their SHA-256 is what people approve. */
export const plan = z.object({
  runbook: z.string(),
  /** Every file that the runbook is made of (its source, its imports, the runbooks it calls), by path, as blob digests. */
  files: z.record(z.string(), z.string()),
  /** The path in `files` that is the runbook itself. */
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

/** What cards show of a hash. */
export function shortHash(hash: string): string {
  return hash.slice(0, 10);
}
