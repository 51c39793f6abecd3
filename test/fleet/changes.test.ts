import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Fleet, type FleetNode, missingServers, startFleet, until } from './fleet.ts';

const files = () => ({
  'tocsin.yaml': `sources: { eventbridge: { token: bus-secret } }
people: { alice: {}, bob: {} }
operators: [alice]
tokens:
  - { env: ALICE, person: alice }
  - { env: BOB, person: bob }
`,
  'changes.yaml': `matchAfter: 0s
known:
  - { reason: autoscaling, principals: ["arn:aws:iam::*:role/autoscaler"] }
`,
});

/** A call as CloudTrail records it and EventBridge delivers it. */
function call(role: string, id: string = crypto.randomUUID()) {
  const at = new Date().toISOString();
  const session = `arn:aws:sts::111122223333:assumed-role/${role}/somebody`;
  return {
    ...{ version: '0', id, 'detail-type': 'AWS API Call via CloudTrail', source: 'aws.ec2', account: '111122223333' },
    ...{ time: at, region: 'eu-west-1', resources: [] },
    detail: {
      ...{ eventVersion: '1.10', eventTime: at, eventSource: 'ec2.amazonaws.com', awsRegion: 'eu-west-1' },
      userIdentity: {
        type: 'AssumedRole',
        principalId: 'AROAEXAMPLE:somebody',
        arn: session,
        accountId: '111122223333',
      },
      ...{ eventName: 'AuthorizeSecurityGroupIngress', sourceIPAddress: '203.0.113.7', userAgent: 'aws-cli/2.15.0' },
      ...{ requestParameters: { groupId: 'sg-0a1b2c3d' }, responseElements: { _return: true } },
      ...{ requestID: crypto.randomUUID(), eventID: id, readOnly: false, eventType: 'AwsApiCall' },
      ...{ managementEvent: true, recipientAccountId: '111122223333' },
    },
  };
}

describe.skipIf(missingServers() !== null)('the change ledger over two nodes', () => {
  let fleet: Fleet;
  let nodes: [FleetNode, FleetNode];
  beforeAll(async () => {
    fleet = await startFleet(files);
    nodes = await Promise.all([fleet.node(), fleet.node()]);
  });
  afterAll(async () => await fleet.close());

  const tell = async (node: FleetNode, body: object) => {
    const answer = await fetch(`${node.url}/events/eventbridge`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer bus-secret' },
      body: JSON.stringify(body),
    });
    expect(answer.status).toBe(202);
  };
  const judged = (node: FleetNode, count: number) =>
    until(async () => {
      const { body } = await node.call('GET', '/api/v1/changes');
      return body.length === count && body.every((one: { state: string }) => one.state !== 'open') ? body : null;
    });

  it('what both are told at once is held once and judged once, also after the one that judged was killed', async () => {
    const changes = [...Array.from({ length: 8 }, () => call('ops')), call('autoscaler')];
    await Promise.all(changes.flatMap(change => nodes.map(node => tell(node, change))));
    const first = await judged(nodes[1], changes.length);
    expect(first.filter((one: { state: string }) => one.state === 'known')).toHaveLength(1);
    await nodes[0].kill();
    await tell(nodes[1], call('ops'));
    const all = await judged(nodes[1], changes.length + 1);
    const { body: alerts } = await nodes[1].call('GET', '/api/v1/alerts');
    expect(alerts).toMatchObject([{ source: 'changes', state: 'firing', count: 9 }]);
    const verdicts = (await fleet.journal(nodes[1])).filter(({ fact }) => fact.kind === 'change.judged');
    expect(verdicts).toHaveLength(all.length);
  });
});
