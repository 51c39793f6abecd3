/** What people should know before they press Approve: findings about a plan, one file for each kind, and the facts that they are made of. */

import { canonicalJson, sha256 } from '../../../kernel/canonical.ts';
import type { Run } from '../../../model/run.ts';
import type { StepOutline } from '../../../ports/runbook.ts';
import { type Change, findChanged } from './changed.ts';
import type { Finding, OtherCard } from './finding.ts';
import { findNearNames } from './near-name.ts';
import { findOrder } from './order.ts';
import { findOthers } from './others.ts';
import { findScripts, type KnownNames, type PlanText } from './scripts.ts';
import { createMask, findSecrets } from './secrets.ts';
import { findUnknown } from './unknown.ts';
import { findVoters, type Voters } from './voters.ts';

export interface Facts {
  run: Pick<Run, 'runbook' | 'params' | 'targets' | 'planHash'>;
  kind: 'yaml' | 'ts' | null;
  outline: readonly StepOutline[];
  /** The names of all runbooks. */
  runbooks: readonly string[];
  /** Hosts and targets that were seen before. */
  known: KnownNames;
  /** Null when it has not changed, or has never run successfully. */
  change: Change | null;
  others: readonly OtherCard[];
  voters: Voters;
}

/** Pure. The most telling comes first: what is not what it seems, then what nobody can read, then what else is known. */
export function findBeforehand(facts: Facts): Finding[] {
  const { run, outline } = facts;
  const mask = createMask(run.params);
  const texts = planTexts(run, outline);
  const found = [
    ...findScripts(texts, facts.known),
    ...findOrder(texts),
    ...findNearNames(run.runbook, facts.runbooks),
    ...findUnknown(facts.kind, outline),
    ...findChanged(facts.change),
    ...findOthers(run, facts.others),
    ...findSecrets(run.params),
    ...findVoters(facts.voters),
  ];
  return found.map(one => ({ ...one, text: mask(one.text) }));
}

/** Everything on a plan that names something. */
function planTexts(run: Facts['run'], outline: readonly StepOutline[]): PlanText[] {
  const targets = run.targets.map(text => ({ where: 'The target', text, isName: true }));
  const params = Object.entries(run.params).map(([name, value]) => ({
    where: `The parameter ${name}`,
    text: typeof value === 'string' ? value : JSON.stringify(value),
  }));
  const commands = outline.map(step => ({ where: `Step ${step.id}`, text: step.shows }));
  return [...targets, ...params, ...commands];
}

/** What a confirmation is bound to: the kinds and subjects of the findings, in any order. */
export function digestOf(findings: readonly Finding[]): string {
  return sha256(canonicalJson(findings.map(one => `${one.kind}\n${one.key}`).sort()));
}
