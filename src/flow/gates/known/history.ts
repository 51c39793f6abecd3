import { type GitAnswer, type GitParts, hasCommit, isAncestor, isWhole } from '../../../kernel/child/git.ts';
import type { ListedThing } from '../../../model/gates/known-bad.ts';
import { isSameRepository } from './repository.ts';

export type Range = Extract<ListedThing, { kind: 'range' }>;

export type InRange = { is: 'in' } | { is: 'out' } | { is: 'unknown'; because: string };

export interface History {
  /** Whether the commit is in the range, by the clone of its repository. Never rejects. */
  contains(range: Range, sha: string): Promise<InRange>;
}

/** Answers that are remembered: what is before a commit never changes. */
const mostKnown = 10_000;

/** Asks local clones. `clones` are folders by repository, as known-bad.yaml names them. */
export function createHistory(clones: () => ReadonlyMap<string, string>, parts: GitParts): History {
  const known = new Map<string, boolean>();

  /** True, false, or why it is not known. */
  async function remembered(key: string, look: () => Promise<GitAnswer>): Promise<boolean | string> {
    const before = known.get(key);
    if (before !== undefined) return before;
    const answer = await look();
    if (answer.is === 'unknown') return answer.because;
    if (known.size >= mostKnown) known.clear();
    // A commit that is missing may be fetched later.
    if (answer.is === 'yes' || !key.startsWith('has ')) known.set(key, answer.is === 'yes');
    return answer.is === 'yes';
  }

  /** Null when the clone has them all. */
  async function missing(clone: string, ids: readonly string[]): Promise<string | null> {
    for (const id of ids) {
      const has = await remembered(`has ${clone} ${id}`, () => hasCommit(clone, id, parts));
      if (typeof has === 'string') return `its clone cannot be read (${has})`;
      if (!has) return `its clone does not have ${id.slice(0, 10)}`;
    }
    return null;
  }

  async function comesAfter(clone: string, ancestor: string, sha: string): Promise<boolean> {
    const after = await remembered(`after ${clone} ${ancestor} ${sha}`, () => isAncestor(clone, ancestor, sha, parts));
    if (typeof after === 'string') throw new Error(`its clone cannot be read (${after})`);
    return after;
  }

  async function look({ introduced, fixed, last }: Range, sha: string, clone: string): Promise<InRange> {
    const beginning = /^0+$/.test(introduced);
    const ids = [sha, ...(beginning ? [] : [introduced]), ...fixed, ...(last === null ? [] : [last])];
    const whole = await isWhole(clone, parts);
    const because = whole.is === 'unknown' ? `its clone cannot be used (${whole.because})` : await missing(clone, ids);
    if (because !== null) return { is: 'unknown', because };
    if (!beginning && !(await comesAfter(clone, introduced, sha))) return { is: 'out' };
    for (const fix of fixed) if (await comesAfter(clone, fix, sha)) return { is: 'out' };
    if (last !== null && !(await comesAfter(clone, sha, last))) return { is: 'out' };
    return { is: 'in' };
  }

  return {
    async contains(range, sha) {
      const clone = [...clones()].find(([repository]) => isSameRepository(repository, range.repository))?.[1];
      if (clone === undefined)
        return { is: 'unknown', because: `clones: of known-bad.yaml names none of ${range.repository}` };
      try {
        return await look(range, sha, clone);
      } catch (error) {
        return { is: 'unknown', because: error instanceof Error ? error.message : String(error) };
      }
    },
  };
}
