import { defineRunbook, z } from 'tocsin';

export default defineRunbook({
  title: 'Rebalance the shards',
  risk: 'high',
  params: z.object({ cluster: z.string().max(40), moves: z.number().int().max(50).default(8) }),
  target: 'params.cluster',
  async run({ step, params }) {
    const plan = await step.exec('plan', ['shardctl', 'plan', params.cluster, String(params.moves)], {
      idempotent: true,
    });
    for (const [index, move] of plan.stdout.trim().split('\n').entries())
      await step.exec(`move-${index}`, ['shardctl', 'move', ...move.split(' ')]);
  },
});
