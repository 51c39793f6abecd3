import type { Actor } from '../../model/actor.ts';
import type { Alert } from '../../model/alert.ts';
import type { Decision } from '../../model/decision.ts';
import type { Evidence } from '../../model/gates/evidence.ts';
import type { Door, Gate } from '../../model/gates/gate.ts';
import type { BadMatch } from '../../model/gates/known-bad.ts';
import type { Subject } from '../../model/gates/subject.ts';
import type { CatalogueSet, GateVariables, Policy } from '../../ports/catalogue.ts';
import type { Store } from '../../ports/store.ts';
import { everyOf } from '../journal/pages.ts';
import { defaultAsk } from '../people/default-ask.ts';
import { decideGate, type GateFacts } from './decide.ts';
import type { GateParts } from './parts.ts';

/** What is decided about. */
export interface Considered {
  name: string;
  door: Door;
  subject: Subject;
  evidence: Evidence;
  who: Actor;
}

export type ConsiderParts = Pick<GateParts, 'clock' | 'store' | 'catalogue' | 'knownBad'>;

/** What policy sees of the question now, and what it cannot know from it. */
export async function gatherGate(
  { name, door, subject, evidence, who }: Considered,
  { clock, store, catalogue, knownBad }: ConsiderParts,
): Promise<{ variables: GateVariables; facts: GateFacts }> {
  const set = catalogue.current();
  const [halted, alerts, bad] = await Promise.all([
    store.halted(),
    alertsFor(set.policy, store),
    knownBad.match(subject, evidence),
  ]);
  return {
    variables: { gate: { name, door, subject, evidence, knownBad: bad }, alerts, actor: who, now: clock.now() },
    facts: { halted, defaultAsk: defaultAsk(set) },
  };
}

/** The decision about the question now, without effect. */
export async function considerGate(
  question: Considered,
  parts: ConsiderParts,
): Promise<{ decision: Decision; knownBad: readonly BadMatch[] }> {
  const { policy } = parts.catalogue.current();
  const { variables, facts } = await gatherGate(question, parts);
  return { decision: decideGate(policy, variables, facts), knownBad: variables.gate.knownBad };
}

/** Why the gate could not be asked by the files as they are now; null when it could. They may have changed since. */
export function refusedNow(
  { name, requestedBy }: Pick<Gate, 'name' | 'requestedBy'>,
  set: CatalogueSet,
): string | null {
  const spec = set.gates.get(name);
  if (spec === undefined) return `gates.yaml has no gate "${name}" any more`;
  return spec.ask.includes(requestedBy) ? null : `gates.yaml does not let ${requestedBy} ask "${name}" any more`;
}

/** The most alerts that a rule looks at. With more of them a rule that asks for alerts fails, so that people are asked. */
const mostAlerts = 10_000;

/** The alerts that fire, also silenced ones; null when there are too many. None where no rule reads them. */
async function alertsFor({ rules }: Policy, store: Store): Promise<Alert[] | null> {
  const alerts: Alert[] = [];
  if (!rules.some(rule => rule.gate?.readsAlerts === true)) return alerts;
  for (const state of ['firing', 'silenced'] as const)
    for await (const alert of everyOf(page => store.alerts({ ...page, state })))
      if (alerts.push(alert) > mostAlerts) return null;
  return alerts;
}
