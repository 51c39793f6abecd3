import { cutText } from '../../../kernel/text.ts';
import type { Risk } from '../../../model/decision.ts';
import type { Run } from '../../../model/run.ts';
import type { StepOutline } from '../../../ports/runbook.ts';
import { gravest, showWord, tellStep } from './telling.ts';

export const riskWords: Record<Risk, string> = { none: 'READ ONLY', low: 'LOW', medium: 'MEDIUM', high: 'HIGH' };

const separator = ' · ';
/** Characters; platforms cut titles at about 250. */
const mostHeadline = 220;

export function joinHeadline(risk: Risk, ...parts: readonly string[]): string {
  return cutText([riskWords[risk], ...parts.filter(part => part !== '')].join(separator), mostHeadline);
}

/**
 * The headline of a run that waits for people: its risk, what really runs, on what and how many. Of several commands the gravest, and how
 * many there are besides. For a step that asks, `outline` is what comes after it.
 */
export function runHeadline(
  run: Pick<Run, 'risk' | 'runbook' | 'targets' | 'params'>,
  outline: readonly StepOutline[],
  facts: { known: boolean; step: string | null },
): string {
  const told = outline.map(tellStep);
  const best = gravest(told.filter(one => one.weight > 0));
  const what =
    best === null ? nothingToTell(run, facts) : best.text + andMore(told.filter(one => one.weight > 0).length);
  const host = best?.host ?? null;
  const elsewhere = host !== null && !run.targets.includes(host) ? ` by ssh on ${showWord(host)}` : '';
  const goesOn = facts.step === null ? '' : 'goes on with ';
  return joinHeadline(run.risk, `${goesOn}${what}${elsewhere}`, targetsText(run, host));
}

function nothingToTell({ runbook }: Pick<Run, 'runbook'>, { known, step }: { known: boolean; step: string | null }) {
  if (!known) return `code of the runbook ${showWord(runbook)}`;
  return step === null ? 'nothing but waiting and telling' : 'its end';
}

function andMore(acting: number): string {
  return acting > 1 ? ` and ${acting - 1} more` : '';
}

/** Characters of names; more targets are counted. */
const mostNames = 40;

/** `db-1`, `web-1, web-2`, `40 hosts`. */
export function targetsText({ targets, params }: Pick<Run, 'targets' | 'params'>, host: string | null = null): string {
  if (targets.length === 0) return host === null ? 'no target named' : '';
  const names = targets.slice(0, 2).map(showWord).join(', ');
  if (targets.length === 1 || (targets.length === 2 && names.length <= mostNames)) return names;
  return `${targets.length.toLocaleString('en-GB')} ${unitOf(targets, params)}`;
}

/** The name of the parameter that lists the targets, where it is a plural: `hosts`. */
function unitOf(targets: readonly string[], params: Run['params']): string {
  const lists = Object.entries(params).filter(([name, value]) => {
    const all = Array.isArray(value) ? value : typeof value === 'string' ? value.split(/[\s,]+/) : [];
    return /^[a-z]{2,20}s$/.test(name) && all.length === targets.length && targets.every(one => all.includes(one));
  });
  return lists[0]?.[0] ?? 'targets';
}
