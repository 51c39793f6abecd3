import { answerAct, chooseApproval, defineCommand } from 'tocsin';

export default defineCommand({
  id: 'deny',
  about: 'Votes against an approval. One veto is enough: the plan does not run, the gate does not let through.',
  usage: 'deny <approval> [reason]',
  args: [
    {
      name: 'approval',
      about: 'Its id, or a beginning or an end of it that no other has; or the id of its gate',
      required: true,
      of: 'approval',
    },
    { name: 'reason', about: 'Why', required: false, of: 'text' },
  ],
  examples: ['deny apv_0mgw3k5q2x "not during the sale"'],
  async run({ who, context, words, named }, host) {
    const { approval, rest } = await chooseApproval(words, context, host);
    const reason = named.get('reason') ?? (rest.length === 0 ? null : rest.join(' '));
    return answerAct(await host.act(who, { kind: 'vote', approval: approval.id, vote: 'deny', reason, seal: null }));
  },
});
