import { type Finding, listed, type OtherCard } from './finding.ts';

/** Other cards that are open for the same plan, or for a target of this one. */
export function findOthers(plan: Pick<OtherCard, 'planHash' | 'targets'>, others: readonly OtherCard[]): Finding[] {
  const same = others.filter(one => one.planHash === plan.planHash);
  const mine = new Set(plan.targets);
  const shared = others.filter(one => one.planHash !== plan.planHash && one.targets.some(target => mine.has(target)));
  return [...findSame(same.length), ...findShared(shared, mine)];
}

function findSame(count: number): Finding[] {
  if (count === 0) return [];
  const text =
    count === 1
      ? 'Another card is open for the same plan: approved twice, it runs twice.'
      : `${count} other cards are open for the same plan: each that is approved runs it once more.`;
  return [{ kind: 'others', key: 'others plan', text }];
}

function findShared(shared: readonly OtherCard[], mine: ReadonlySet<string>): Finding[] {
  if (shared.length === 0) return [];
  const targets = [...new Set(shared.flatMap(one => one.targets.filter(target => mine.has(target))))].sort();
  // Without figures, so that a storm of the same runbook does not ask again and again.
  const runbooks = [...new Set(shared.map(one => one.runbook))].sort();
  const cards = shared.length === 1 ? 'Another card is' : `${shared.length} other cards are`;
  const text = `${cards} open for ${listed(targets)}: ${listed(runbooks)}.`;
  return [{ kind: 'others', key: `others target ${runbooks.join(' ')}`, text }];
}
