import type { Gate } from '../../src/model/gates/gate.ts';
import { subjectHash } from '../../src/model/gates/subject.ts';
import type { Held } from '../../src/model/ledger/held.ts';
import type { Permit } from '../../src/model/ledger/permit.ts';
import { noon } from './samples.ts';

/** Documents of gates and of the ledger with everything filled in, for tests that care about one field at a time. */
export const sampleDigest = `sha256:${'0f1e2d3c4b5a6978'.repeat(4)}`;

export function sampleGate(over: Partial<Gate> = {}): Gate {
  const subject = over.subject ?? {
    service: 'checkout',
    environment: 'production',
    image: `registry.example/checkout@${sampleDigest}`,
    actor: 'bob',
  };
  return {
    id: 'gat_1',
    name: 'deploy',
    door: 'http',
    subject,
    hash: subjectHash('deploy', subject),
    requestedBy: 'service:ci',
    decision: { verdict: 'approve', rule: 'ask', because: 'rule "ask" always holds', ask: null },
    approval: null,
    state: 'pending',
    because: 'rule "ask" always holds',
    evidence: [],
    found: null,
    knownBad: [],
    callback: {},
    createdAt: noon,
    expiresAt: noon + 600_000,
    closedAt: null,
    holdsUntil: null,
    told: [],
    permit: null,
    version: 1,
    ...over,
  };
}

export function samplePermit(over: Partial<Permit> = {}): Permit {
  return {
    id: 'pmt_1',
    origin: 'import',
    of: 'CHG-4411',
    principal: 'arn:aws:iam::123456789012:role/deployer',
    nonce: '',
    key: '',
    actions: ['AuthorizeSecurityGroup*'],
    resources: ['arn:aws:ec2:eu-central-1:123456789012:security-group/*'],
    account: '123456789012',
    region: 'eu-central-1',
    environment: null,
    from: noon - 3_600_000,
    until: noon + 3_600_000,
    state: 'open',
    because: 'CHG-4411 was approved',
    createdAt: noon - 3_600_000,
    version: 1,
    ...over,
  };
}

export function sampleHeld(over: Partial<Held> = {}): Held {
  return {
    id: 'chg_1',
    event: 'evt_1',
    source: 'trail',
    title: 'Port 22 was opened to the world',
    changeKey: 'key_1',
    principal: 'arn:aws:iam::123456789012:user/mallory',
    actor: 'arn:aws:iam::123456789012:user/mallory',
    action: 'AuthorizeSecurityGroupIngress',
    resource: 'arn:aws:ec2:eu-central-1:123456789012:security-group/sg-1',
    account: '123456789012',
    region: 'eu-central-1',
    environment: null,
    nonce: '',
    address: '203.0.113.7',
    keys: [],
    unpinned: [],
    outcome: 'success',
    was: null,
    became: null,
    asks: false,
    trusted: true,
    state: 'unpermitted',
    because: 'the permit pmt_1 is for another principal',
    bypassed: null,
    permit: null,
    alert: null,
    claim: null,
    occurredAt: noon,
    ahead: false,
    dueAt: null,
    judgedAt: noon + 900_000,
    endedAt: null,
    version: 1,
    ...over,
  };
}
