import type { Decision } from '../../model/decision.ts';
import type { Evidence } from '../../model/gates/evidence.ts';
import type { BadMatch } from '../../model/gates/known-bad.ts';
import type { Subject } from '../../model/gates/subject.ts';
import type { GateParts } from './parts.ts';

/** Somebody lets a subject through without being asked. */
export interface Glass {
  /** Who, by the name that the door knows them by. */
  by: string;
  reason: string;
  /** For how long it holds, milliseconds. */
  for: number;
}

/**
 * What breaking the glass leads to. It lets through what policy would ask about or deny, also what is known to be bad for new workloads, and
 * is posted (`notify`). It lifts no halt, and nothing that is bad wherever it would start.
 */
export async function decideGlass(
  { by, reason }: Glass,
  subject: Subject,
  evidence: Evidence,
  { store, knownBad }: Pick<GateParts, 'store' | 'knownBad'>,
): Promise<{ decision: Decision; knownBad: BadMatch[] }> {
  const [halted, found] = await Promise.all([store.halted(), knownBad.match(subject, evidence)]);
  const bad = found.find(({ blocks }) => blocks === 'all');
  const because =
    halted !== null
      ? `${halted.by} halted everything: ${halted.reason}; breaking the glass lifts no halt`
      : bad !== undefined
        ? `${bad.what} may not start anywhere: ${bad.reason} (${bad.by}, ${bad.from}); breaking the glass does not lift that`
        : null;
  const decision: Decision =
    because === null
      ? { verdict: 'notify', rule: 'break-glass', because: `${by} broke the glass: ${reason}`, ask: null }
      : { verdict: 'deny', rule: 'break-glass', because, ask: null };
  return { decision, knownBad: [...found] };
}
