import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { Actor } from '../actor.ts';
import type { Alert } from '../alert.ts';
import { alertsValue, type GateSeen, gateValue, subjectTexts } from './gate-values.ts';
import { actorFields, actorValue, makeScope, time } from './scopes.ts';

export interface GateFacts {
  gate: GateSeen;
  /** Those that fire, also silenced ones; null where there are too many to look at. */
  alerts: readonly Alert[] | null;
  actor: Actor;
  /** Milliseconds since the epoch. */
  now: number;
}

const text = 'string';
const texts = (...names: string[]) => Object.fromEntries(names.map(name => [name, text]));

/** All rules of a policy look at the same facts. */
const bound = new WeakMap<GateFacts, Record<string, unknown>>();

/** What rules see of a gate. What a subject does not have reads as the empty text; evidence that is absent has `known: false`. */
export const gateScope = makeScope<GateFacts>({
  name: 'gate',
  types: {
    GateLink: texts('label', 'url'),
    GateSubject: { ...texts(...subjectTexts), links: 'list<GateLink>' },
    Vulnerability: texts('id', 'package', 'version', 'severity', 'fixed'),
    Vulnerabilities: {
      known: 'bool',
      signed: 'bool',
      critical: 'int',
      high: 'int',
      medium: 'int',
      low: 'int',
      unknown: 'int',
      cut: 'int',
      list: 'list<Vulnerability>',
    },
    Provenance: { known: 'bool', ...texts('builder', 'identity', 'issuer', 'repository', 'workflow') },
    Component: texts('name', 'version', 'purl'),
    Sbom: { known: 'bool', signed: 'bool', cut: 'int', components: 'list<Component>' },
    Evidence: { vulnerabilities: 'Vulnerabilities', provenance: 'Provenance', sbom: 'Sbom' },
    KnownBad: { ...texts('what', 'reason', 'from', 'by', 'blocks'), sure: 'bool' },
    Gate: { name: text, door: text, subject: 'GateSubject', evidence: 'Evidence', knownBad: 'list<KnownBad>' },
    Alerts: {},
    ActorFacts: actorFields,
  },
  variables: { gate: 'Gate', alerts: 'Alerts', actor: 'ActorFacts', now: time },
  methods: ['Alerts.firing(string): list<Alert>', 'Alerts.silenced(string): list<Alert>'],
  bind: facts => {
    const known = bound.get(facts) ?? {
      gate: gateValue(facts.gate),
      alerts: alertsValue(facts.alerts, facts.now),
      actor: actorValue(facts.actor),
      now: timestampFromMs(facts.now),
    };
    bound.set(facts, known);
    return known;
  },
});
