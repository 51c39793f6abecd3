import { type Finding, listed } from './finding.ts';

/** Who may vote, as far as it is known. */
export interface Voters {
  quorum: number;
  /** The people of the groups that are asked; null when they cannot be asked for now. */
  people: readonly string[] | null;
  /** Identities that may not: the requester. */
  barred: readonly string[];
  /** Who voted already. */
  voted: readonly string[];
}

/** Fewer people who may vote than are needed: then nothing ever runs. */
export function findVoters({ quorum, people, barred, voted }: Voters): Finding[] {
  if (people === null) return [];
  const out = people.filter(one => barred.includes(`person:${one}`));
  const able = [...new Set([...people.filter(one => !out.includes(one)), ...voted])].sort();
  if (able.length >= quorum) return [];
  const who =
    able.length === 0 ? 'nobody may give one' : `only ${listed(able)} may give ${able.length === 1 ? 'one' : 'them'}`;
  const asked = out.length === 0 ? '' : ` (${listed(out)} asked for it and may not)`;
  const text = `${quorum} ${quorum === 1 ? 'approval is' : 'approvals are'} needed, and ${who}${asked}: it cannot be approved as it stands.`;
  return [{ kind: 'voters', key: `voters ${quorum} ${able.join(' ')}`, text }];
}
