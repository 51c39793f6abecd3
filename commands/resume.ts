import { answerAct, defineCommand, refuse } from 'tocsin';

export default defineCommand({
  id: 'resume',
  about: 'Ends a halt: runs go on where they stopped.',
  usage: 'resume <reason>',
  args: [{ name: 'reason', about: 'Why it is safe again', required: true, of: 'text' }],
  examples: ['resume "the cause is found"'],
  async run({ who, words, named }, host) {
    const reason = named.get('reason') ?? words.join(' ');
    if (reason.trim() === '') return refuse('bad-request', 'Say why: resume "the cause is found".');
    return answerAct(await host.act(who, { kind: 'resume', reason }));
  },
});
