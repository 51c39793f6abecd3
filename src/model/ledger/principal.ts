import type { IncomingChange } from '../event.ts';

/** Who did it, by the name that permits use, and the word that the trace of a run carries; the word is empty for others. */
export interface Doer {
  principal: string;
  /** The whole name, with the session of a role; of a run's session only the role. */
  actor: string;
  nonce: string;
}

/** `arn:aws:sts::111122223333:assumed-role/deployer/tocsin-…` Source: AWS IAM user guide, IAM identifiers. */
const assumed = /^arn:(aws[a-z-]*):sts::(\d{12}):assumed-role\/(?:[^/]+\/)*([^/]+)\/([^/]+)$/;
const roleArn = /^arn:(aws[a-z-]*):iam::(\d{12}):role\/(?:[^/]+\/)*([^/]+)$/;
const session = /^tocsin-([0-9a-f]{32})$/;

/** What the trace of a run is called: sessions of roles, `TOCSIN_PERMIT`, the header. 39 characters of [a-z0-9-]; of an AWS session 64 may be. */
export function sessionName(nonce: string): string {
  return `tocsin-${nonce}`;
}

/** The id of the permit of a run, so that a resumed run finds its own. */
export function runPermitId(run: string): string {
  return `pmt_${run.replace(/^run_/, '')}`;
}

/** The text without marks of runs, for people. */
export function withoutMarks(text: string): string {
  return text.replace(/tocsin-[0-9a-f]{32}/g, '[a run]');
}

/**
 * The stable name of a principal. What acts as a role is the role, by its ARN, whatever the session is called. The path of a role is left out:
 * the ARN of a session has none, and an account has one role of a name.
 */
export function principalName(given: string): string {
  const [, partition, account, role] = assumed.exec(given) ?? roleArn.exec(given) ?? [];
  return role === undefined ? given : `arn:${partition}:iam::${account}:role/${role}`;
}

/** Who did it; null when nobody is told. A name is taken before an id only where the id is no name (the `uid` of a cluster's user). */
export function doerOf({ actor }: Pick<IncomingChange, 'actor'>): Doer | null {
  if (actor === undefined) return null;
  const { name, id } = actor;
  const word = [id, name]
    .map(text => session.exec(text?.split('/').at(-1) ?? '')?.[1])
    .find(found => found !== undefined);
  const whole = id?.startsWith('arn:') === true ? id : name;
  const principal = principalName(whole);
  return { principal, actor: word === undefined ? whole : principal, nonce: word ?? '' };
}
