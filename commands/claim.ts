import { answerAct, defineCommand, refuse } from 'tocsin';

export default defineCommand({
  id: 'claim',
  about: 'Says that an unpermitted change was yours. A second person is asked whether it may stand.',
  usage: 'claim <change> <reason>',
  args: [
    { name: 'change', about: 'Its id, as its thread shows it', required: true, of: 'text' },
    { name: 'reason', about: 'Why you did it', required: true, of: 'text' },
  ],
  examples: ['claim hld_0mgw3k5q2x "the port was needed for the migration"'],
  async run({ who, words, named }, host) {
    const said = [...words];
    const change = named.get('change') ?? said.shift();
    const reason = named.get('reason') ?? said.join(' ');
    if (change === undefined || reason.trim() === '')
      return refuse('bad-request', 'Say which change, and why: claim hld_0mgw3k5q2x "the port was needed".');
    return answerAct(await host.act(who, { kind: 'claim', change, reason }));
  },
});
