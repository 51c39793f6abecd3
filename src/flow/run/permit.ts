import { randomBytes } from 'node:crypto';
import { system } from '../../model/actor.ts';
import { streamOf } from '../../model/journal.ts';
import { matchesPattern } from '../../model/ledger/pattern.ts';
import type { Permit } from '../../model/ledger/permit.ts';
import { runPermitId, sessionName } from '../../model/ledger/principal.ts';
import type { Run } from '../../model/run.ts';
import type { Change, Store } from '../../ports/store.ts';

/** The permit of a run: what its steps hand on, so that what they do can be told from what others do. */
export interface RunPermit {
  /** The word that changes of the run carry; null for a run that began before runs had permits. */
  mark: string | null;
  /** Issues it, with the beginning of the run; null when it has one. */
  issue: ((run: Run, at: number) => Change) | null;
}

/** The permit that the run has, however often it is resumed, or a new one for a run that begins now. */
export async function permitOfRun(run: Run, store: Pick<Store, 'document'>): Promise<RunPermit> {
  const known = run.startedAt === null ? null : await store.document('permit', runPermitId(run.id));
  if (known !== null) return { mark: sessionName(known.nonce), issue: null };
  if (run.startedAt !== null) return { mark: null, issue: null };
  // 128 bits: whoever does not see the run cannot guess it.
  const nonce = randomBytes(16).toString('hex');
  return { mark: sessionName(nonce), issue: (begun, at) => issuing(begun, nonce, at) };
}

function issuing(run: Run, nonce: string, at: number): Change {
  const targets = run.targets.length === 0 ? '' : ` for ${run.targets.join(', ')}`;
  const permit: Permit = {
    id: runPermitId(run.id),
    origin: 'run',
    of: run.id,
    // As what runs act is known to changes.yaml, when it is judged.
    ...{ principal: '', nonce, key: nonce, actions: [], resources: [], account: null, region: null, environment: null },
    from: at,
    until: null,
    state: 'open',
    because: `the run ${run.title}${targets} does it`,
    createdAt: at,
    version: 1,
  };
  const stream = streamOf.permit(permit.id);
  return {
    guards: [{ kind: 'stream', stream, version: 0 }],
    entries: [{ stream, actor: system, at, fact: { kind: 'permit.issued', permit } }],
    rows: [{ table: 'document', kind: 'permit', doc: permit }],
  };
}

/**
 * Variables of what a step starts. The name of a session is the runbook's to change, where it acts as a role that demands another name; what it
 * does then is not known to be the run's.
 */
export function withMark(
  env: Readonly<Record<string, string>> | undefined,
  mark: string | null,
): Record<string, string> {
  return mark === null ? { ...env } : { AWS_ROLE_SESSION_NAME: mark, ...env, TOCSIN_PERMIT: mark };
}

/** Adds the header to requests to hosts that may have it. A redirect to another origin does not take it along (kernel/egress). */
export function fetchWithMark(
  request: typeof fetch,
  mark: string | null,
  hosts: () => readonly string[],
): typeof fetch {
  if (mark === null) return request;
  return async (input, init) => {
    const address = input instanceof Request ? input.url : String(input);
    const host = URL.parse(address)?.hostname ?? '';
    if (!hosts().some(pattern => matchesPattern(pattern, host))) return await request(input, init);
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
    headers.set('tocsin-permit', mark);
    return await request(input, { ...init, headers });
  };
}
