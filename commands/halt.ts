import { answerAct, defineCommand, refuse } from 'tocsin';

export default defineCommand({
  id: 'halt',
  about: 'Stops everything: no step starts until somebody resumes.',
  usage: 'halt <reason>',
  args: [{ name: 'reason', about: 'Why; everybody sees it', required: true, of: 'text' }],
  examples: ['halt "runbooks make it worse"'],
  async run({ who, words, named }, host) {
    const reason = named.get('reason') ?? words.join(' ');
    if (reason.trim() === '') return refuse('bad-request', 'Say why: halt "runbooks make it worse".');
    return answerAct(await host.act(who, { kind: 'halt', reason }));
  },
});
