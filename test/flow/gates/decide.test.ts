import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideGate } from '../../../src/flow/gates/decide.ts';
import { compilePolicy } from '../../../src/load/policy.ts';
import { loadYaml } from '../../../src/load/yaml.ts';
import type { Alert } from '../../../src/model/alert.ts';
import { noEvidence } from '../../../src/model/gates/evidence.ts';
import type { GateVariables, Policy } from '../../../src/ports/catalogue.ts';

const defaultAsk = { by: ['sre'], quorum: 1, expires: 60_000, escalate: null, reasonRequired: false };
const facts = { halted: null, defaultAsk };
const bad = {
  what: `sha256:${'0'.repeat(64)}`,
  reason: 'loses orders',
  from: 'known-bad.yaml',
  by: 'alice',
  blocks: 'all' as const,
  until: null,
  sure: true,
  asOf: null,
};
const variables: GateVariables = {
  gate: {
    name: 'deploy',
    door: 'http',
    subject: {
      service: 'checkout',
      environment: 'production',
      links: [{ label: 'build', url: 'https://ci.example/1' }],
    },
    evidence: noEvidence,
    knownBad: [],
  },
  alerts: [],
  actor: { kind: 'service', id: 'ci', via: 'http' },
  now: Date.parse('2026-11-25T12:00:00Z'),
};
const isBad: GateVariables = { ...variables, gate: { ...variables.gate, knownBad: [bad] } };

interface WrittenRule {
  when?: string;
  decide: 'auto' | 'approve' | 'notify' | 'deny';
}

function policyOf(rules: readonly WrittenRule[]): Policy {
  const data = {
    rules: rules.map((rule, index) => ({
      name: `r${index}`,
      ...rule,
      ...(rule.decide === 'approve' && { by: 'sre' }),
    })),
  };
  const read = loadYaml('policy.yaml', Buffer.from(JSON.stringify(data)));
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  const { policy, faults } = compilePolicy(read.yaml, null);
  if (policy === null) throw new Error(JSON.stringify(faults.list));
  return policy;
}

const decide = (rules: readonly WrittenRule[], given = variables) => decideGate(policyOf(rules), given, facts);
const verdict = fc.constantFrom('auto', 'approve', 'notify', 'deny');
const lets = (one: { verdict: string }) => one.verdict === 'auto' || one.verdict === 'notify';

/** Conditions that say nothing of gates. */
const ofRuns = fc.constantFrom(
  undefined,
  'true',
  '1 == 1',
  'actor.kind == "service"',
  'now > timestamp("2020-01-01T00:00:00Z")',
  'inWindow(now, "Mon-Sun 00:00 - 24:00", "UTC")',
  'runbook.risk == "none" || true',
  'runbook.id != "gate.name"',
  'labels.gate == ""',
  'params.gate == "x" || true',
  'trigger != "gate"',
  'history.failuresLastHour == 0',
);
/** Conditions that hold for this gate. */
const ofGates = fc.constantFrom(
  'gate.name == "deploy"',
  'gate.subject.environment == "production"',
  'alerts.firing("service=checkout").size() == 0',
  '!gate.evidence.vulnerabilities.known',
);
/** Conditions that cannot be evaluated. */
const failing = fc.constantFrom(
  'int(gate.subject.change) > 0',
  'gate.evidence.vulnerabilities.list[0].id == ""',
  'alerts.firing("service=" + gate.subject.service + ",,").size() == 0',
);
const written = (when: fc.Arbitrary<string | undefined>) =>
  fc
    .record({ when, decide: verdict })
    .map(({ when: text, decide: of }) => ({ ...(text !== undefined && { when: text }), decide: of }));

describe('what rules let through a gate', () => {
  it('is nothing where all of them speak of runs, whatever they say', () => {
    fc.assert(
      fc.property(fc.array(written(ofRuns), { maxLength: 8 }), rules => {
        expect(lets(decide(rules))).toBe(false);
      }),
    );
  });

  it('is nothing behind a rule that cannot be evaluated', () => {
    const rules = fc.tuple(
      fc.array(written(ofRuns), { maxLength: 3 }),
      written(failing),
      fc.array(written(fc.oneof(ofRuns, ofGates)), { maxLength: 5 }),
    );
    fc.assert(
      fc.property(rules, ([before, fails, after]) => {
        const decision = decide([...before, fails, ...after]);
        expect(lets(decision)).toBe(false);
        if (decision.verdict === 'approve') expect(decision.ask).not.toBeNull();
      }),
    );
  });

  it('is nothing that is known to be bad, unless the rule that decides speaks of it', () => {
    fc.assert(
      fc.property(fc.array(written(fc.oneof(ofRuns, ofGates)), { maxLength: 8 }), rules => {
        expect(decide(rules, isBad)).toMatchObject({ verdict: 'deny', rule: 'known bad' });
      }),
    );
  });
});

describe('known bad', () => {
  it.each([
    ['gate.knownBad.size() > 0', 'approve'],
    ['gate.knownBad.all(b, b.blocks == "all")', 'approve'],
    ['gate["knownBad"].size() > 0', 'approve'],
    // Words are no fields.
    ['gate.name != "gate.knownBad"', 'deny'],
    ['gate.name == "deploy" /* gate.knownBad */', null],
    ['gate.name == "deploy" // gate.knownBad', 'deny'],
  ] as const)('%s', (when, expected) => {
    const of = () => decide([{ when, decide: 'approve' }], isBad).verdict;
    if (expected === null) expect(of).toThrow();
    else expect(of()).toBe(expected);
  });
});

describe('alerts', () => {
  const alert = (id: string, labels: Record<string, string>, more: Partial<Alert> = {}) =>
    ({
      id,
      labels,
      severity: 'critical',
      state: 'firing',
      silencedUntil: null,
      silencedAtOrigin: null,
      ...more,
    }) as Alert;
  const now = variables.now;
  const given: GateVariables = {
    ...variables,
    alerts: [
      alert('alt_1', { service: 'checkout', zone: 'a' }),
      alert('alt_2', { service: 'search' }),
      alert('alt_3', { service: 'checkout' }, { state: 'silenced', silencedUntil: now + 1000 }),
      alert('alt_4', { service: 'checkout' }, { state: 'silenced', silencedAtOrigin: { by: 'ops', until: null } }),
      alert('alt_5', { service: 'checkout' }, { state: 'silenced', silencedUntil: now - 1000 }),
    ],
  };
  const holds = (when: string) => decide([{ when, decide: 'deny' }], given).verdict === 'deny';

  it.each([
    ['alerts.firing("").size() == 3', true],
    ['alerts.firing("service=checkout").size() == 2', true],
    ['alerts.firing(" service = checkout , zone != a ").exists(a, a.id == "alt_5")', true],
    ['alerts.firing("zone=").size() == 2', true],
    ['alerts.firing("zone!=").size() == 1', true],
    ['alerts.silenced("service=checkout").size() == 2', true],
    [
      'alerts.firing("service=" + gate.subject.service).exists(a, a.severity == "critical" && a.labels.zone == "a")',
      true,
    ],
    ['alerts.firing("service=cart").size() > 0', false],
  ])('%s', (when, expected) => {
    expect(holds(when)).toBe(expected);
  });

  it('that are too many to look at let nothing through', () => {
    const decision = decide([{ when: 'alerts.firing("a=b").size() == 0', decide: 'auto' }], {
      ...variables,
      alerts: null,
    });
    expect(decision).toMatchObject({ verdict: 'approve', because: expect.stringContaining('more alerts fire than') });
  });
});

it('reads what evidence and links say', () => {
  const evidence = {
    vulnerabilities: {
      known: true,
      signed: false,
      cut: 0,
      critical: 1,
      high: 0,
      medium: 2,
      low: 0,
      unknown: 0,
      list: [{ id: 'CVE-2026-1', package: 'openssl', version: '3.0.1', severity: 'critical' as const, fixed: '3.0.2' }],
    },
    provenance: {
      known: true,
      builder: 'https://github.com/actions/runner/github-hosted',
      identity: 'https://github.com/acme/checkout/.github/workflows/build.yml@refs/heads/main',
      issuer: 'https://token.actions.githubusercontent.com',
      repository: 'https://github.com/acme/checkout',
      workflow: 'build.yml',
    },
    sbom: {
      known: true,
      signed: false,
      cut: 0,
      components: [{ name: 'log4j-core', version: '2.14.1', purl: 'pkg:maven/log4j-core@2.14.1' }],
    },
  };
  const given = { ...variables, gate: { ...variables.gate, evidence } };
  const conditions = [
    'gate.evidence.vulnerabilities.critical + gate.evidence.vulnerabilities.medium == 3',
    'gate.evidence.vulnerabilities.list.exists(v, v.package == "openssl" && v.fixed != "")',
    'gate.evidence.provenance.known && gate.evidence.provenance.workflow == "build.yml"',
    'gate.evidence.sbom.components.exists(c, c.name == "log4j-core" && c.version.startsWith("2.14"))',
    'gate.subject.links[0].label == "build" && gate.subject.sha == ""',
    'gate.name != "" && actor.via == "http" && actor.kind == "service"',
  ];
  for (const when of conditions)
    expect([when, decide([{ when, decide: 'auto' }], given).verdict]).toEqual([when, 'auto']);
});

it('denies everything during a halt', () => {
  const halted = { by: 'alice', reason: 'an incident' };
  const rules = policyOf([{ when: 'gate.name == "deploy"', decide: 'auto' }]);
  expect(decideGate(rules, variables, { halted, defaultAsk })).toMatchObject({ verdict: 'deny', rule: 'halt' });
});
