import { sha256 } from '../../kernel/canonical.ts';
import { TocsinError } from '../../kernel/errors.ts';
import { type Plan, planBytes, planHash, plan as planSchema } from '../../model/plan.ts';
import type { Params, Runbook } from '../../ports/runbook.ts';
import type { Store } from '../../ports/store.ts';

/** A plan with everything that must be stored for it: its own bytes and the files it is made of. */
export interface Planned {
  plan: Plan;
  hash: string;
  blobs: { digest: string; bytes: Uint8Array | string }[];
}

export function makePlan(runbook: Runbook, params: Params): Planned {
  const files = [...runbook.files].map(([path, bytes]) => ({ path, bytes, digest: sha256(bytes) }));
  const plan: Plan = {
    runbook: runbook.id,
    files: Object.fromEntries(files.map(file => [file.path, file.digest])),
    entry: runbook.entry,
    params: { ...params },
    targets: runbook.targets(params),
    secrets: [...runbook.secrets].sort(),
  };
  const hash = planHash(plan);
  return {
    plan,
    hash,
    blobs: [{ digest: hash, bytes: planBytes(plan) }, ...files.map(({ digest, bytes }) => ({ digest, bytes }))],
  };
}

/** True when the runbook's files are still those of the plan. */
export function isCurrent(plan: Plan, runbook: Runbook | undefined): boolean {
  if (runbook === undefined || runbook.files.size !== Object.keys(plan.files).length) return false;
  return [...runbook.files].every(([path, bytes]) => plan.files[path] === sha256(bytes));
}

/**
 * Reads a plan and its files back and checks every digest. Rejects with `plan-changed` when a byte differs from what was approved,
 * or is no longer there.
 */
export async function readPlan(
  store: Pick<Store, 'blob'>,
  hash: string,
): Promise<{ plan: Plan; files: Map<string, Uint8Array> }> {
  const plan = planSchema.parse(JSON.parse(Buffer.from(await checkedBlob(store, hash, 'the plan')).toString('utf8')));
  const files = new Map<string, Uint8Array>();
  for (const [path, digest] of Object.entries(plan.files)) files.set(path, await checkedBlob(store, digest, path));
  return { plan, files };
}

/** Checks the hash of the plan alone, before every step. Rejects with `plan-changed`. */
export async function checkPlan(store: Store, hash: string): Promise<void> {
  await checkedBlob(store, hash, 'the plan');
}

async function checkedBlob(store: Pick<Store, 'blob'>, digest: string, what: string): Promise<Uint8Array> {
  const bytes = await store.blob(digest);
  if (bytes === null || sha256(bytes) !== digest) {
    throw new TocsinError('plan-changed', {
      message: `The stored snapshot of ${what} is not what was decided on.`,
      allowed: digest,
      given: bytes === null ? 'nothing' : sha256(bytes),
    });
  }
  return bytes;
}
