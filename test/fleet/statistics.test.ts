import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Fleet, type FleetNode, missingServers, startFleet, until } from './fleet.ts';

describe.skipIf(missingServers() !== null)('statistics over two nodes', () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet(() => ({}));
  });
  afterAll(async () => await fleet.close());

  const opened = async (node: FleetNode) => (await node.call('GET', '/api/v1/statistics')).body.total.opened;

  it('count each episode once, whichever node took it in, and go on where a killed node left off', async () => {
    let nodes = await Promise.all([fleet.node(), fleet.node()]);
    let sent = 0;
    for (let round = 1; round <= 3; round++) {
      for (let index = 0; index < 20; index++) {
        const node = nodes[index % nodes.length] as FleetNode;
        sent++;
        expect(await node.alert({ alertname: 'Many', round: String(round) }, { fingerprint: `fp-${sent}` })).toBe(202);
      }
      const [first, second] = nodes as [FleetNode, FleetNode];
      // The one that counts is killed in the middle of it, whichever of the two it is.
      const victim = round % 2 === 1 ? first : second;
      await victim.kill();
      nodes = [victim === first ? second : first, await fleet.node()];
    }
    for (const node of nodes) await until(async () => (await opened(node)) === sent);
    await new Promise(resolve => setTimeout(resolve, 3000));
    for (const node of nodes) expect(await opened(node)).toBe(sent);
  }, 180_000);
});
