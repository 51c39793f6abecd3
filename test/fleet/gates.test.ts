import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tokens } from '../doubles/app.ts';
import { type Fleet, type FleetNode, missingServers, startFleet, until } from './fleet.ts';

const image = `registry.example/checkout@sha256:${'0f1e2d3c4b5a6978'.repeat(4)}`;
const files = () => ({
  'gates.yaml': 'gates: { deploy: { ask: [alice], needs: [image] } }\n',
  'policy.yaml': `rules:
  - { name: staging, when: 'gate.subject.environment == "staging"', decide: auto }
  - { name: never, when: 'gate.subject.environment == "legacy"', decide: deny }
  - { name: ask, decide: approve, by: sre, expires: 10m }
`,
});

describe.skipIf(missingServers() !== null)('gates over two nodes', () => {
  let fleet: Fleet;
  let nodes: [FleetNode, FleetNode];
  beforeAll(async () => {
    fleet = await startFleet(files);
    nodes = await Promise.all([fleet.node(), fleet.node()]);
  });
  afterAll(async () => await fleet.close());
  const ask = (node: FleetNode, environment: string) =>
    node.call('POST', '/gates', { gate: 'deploy', subject: { image, environment } });

  it('a hundred that ask at once open one question, and one vote lets all of them through', async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => ask(nodes[index % 2 ? 1 : 0], 'production')),
    );
    expect(new Set(answers.map(one => one.status))).toEqual(new Set([200]));
    expect(new Set(answers.map(one => one.body.id)).size).toBe(1);
    const gate = answers[0]?.body;
    const open = await nodes[1].call('GET', '/api/v1/approvals?state=open');
    expect(open.body).toHaveLength(1);
    const waiting = nodes[0].call('GET', `/gates/${gate.id}?wait=45s`);
    await nodes[1].call('POST', `/api/v1/approvals/${gate.approval}/votes`, { vote: 'approve' }, 'BOB');
    expect((await waiting).body).toMatchObject({ id: gate.id, verdict: 'allow' });
  });

  it('one Idempotency-Key means one question, on whichever node it comes, also a denied one', async () => {
    const keyed = async (index: number, environment = 'legacy') => {
      const answer = await fetch(`${nodes[index % 2 ? 1 : 0].url}/gates`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${tokens['ALICE']}`,
          'content-type': 'application/json',
          'idempotency-key': 'build-1',
        },
        body: JSON.stringify({ gate: 'deploy', subject: { image, environment } }),
      });
      return { status: answer.status, body: (await answer.json()) as { id: string; verdict: string } };
    };
    const answers = await Promise.all(Array.from({ length: 40 }, (_, index) => keyed(index)));
    expect(new Set(answers.map(one => `${one.status} ${one.body.verdict}`))).toEqual(new Set(['200 deny']));
    expect(new Set(answers.map(one => one.body.id)).size).toBe(1);
    expect((await ask(nodes[0], 'legacy')).body.id).not.toBe(answers[0]?.body.id);
    expect((await keyed(1)).body.id).toBe(answers[0]?.body.id);
    expect((await keyed(0, 'production')).status).toBe(422);
  });

  it('a revocation on one is seen by the other at once', async () => {
    const { body: gate } = await ask(nodes[0], 'staging');
    expect(gate.verdict).toBe('allow');
    const revoked = await nodes[0].call('POST', `/api/v1/gates/${gate.id}/revoke`, { reason: 'it loses orders' });
    expect(revoked.status).toBe(200);
    expect((await nodes[1].call('GET', `/gates/${gate.id}`)).body).toMatchObject({ verdict: 'deny', state: 'revoked' });
  });

  it('what a killed node asked is decided and settled on the other', async () => {
    const { body: gate } = await ask(nodes[0], 'canary');
    await nodes[0].kill();
    await nodes[1].call('POST', `/api/v1/approvals/${gate.approval}/votes`, { vote: 'approve' }, 'BOB');
    const allowed = await until(async () => {
      const { body } = await nodes[1].call('GET', `/gates/${gate.id}`);
      return body.verdict === 'pending' ? null : body;
    });
    expect(allowed).toMatchObject({ verdict: 'allow', because: 'approved by bob' });
    expect((await ask(nodes[1], 'canary')).body.id).toBe(gate.id);
  });
});
