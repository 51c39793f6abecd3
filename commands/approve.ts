import { answerAct, chooseApproval, defineCommand } from 'tocsin';

export default defineCommand({
  id: 'approve',
  about: 'Votes for an approval: the plan runs, or the gate lets through, when enough people did.',
  usage: 'approve <approval> [reason]',
  args: [
    {
      name: 'approval',
      about: 'Its id, or a beginning or an end of it that no other has; or the id of its gate',
      required: true,
      of: 'approval',
    },
    { name: 'reason', about: 'Why', required: false, of: 'text' },
  ],
  examples: ['approve apv_0mgw3k5q2x', 'approve apv_0mgw3k5q2x "looked at the plan"'],
  async run({ who, context, words, named }, host) {
    const { approval, rest } = await chooseApproval(words, context, host);
    const reason = named.get('reason') ?? (rest.length === 0 ? null : rest.join(' '));
    return answerAct(await host.act(who, { kind: 'vote', approval: approval.id, vote: 'approve', reason, seal: null }));
  },
});
