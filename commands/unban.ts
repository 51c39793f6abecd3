import { answerAct, defineCommand, refuse } from 'tocsin';

export default defineCommand({
  id: 'unban',
  about: 'Takes an entry off the list of what no gate lets through. For operators.',
  usage: 'unban <entry> <reason>',
  args: [
    { name: 'entry', about: 'Its id, as the thread shows it: bad_0mgw3k5q2x', required: true, of: 'text' },
    { name: 'reason', about: 'Why it is not bad any more', required: true, of: 'text' },
  ],
  examples: ['unban bad_0mgw3k5q2x "the digest was the wrong one"'],
  async run({ who, words, named }, host) {
    const [entry = named.get('entry') ?? '', ...rest] = words;
    const reason = named.get('reason') ?? rest.join(' ');
    if (entry === '' || reason.trim() === '')
      return refuse('bad-request', 'Say which and why: unban bad_0mgw3k5q2x "the digest was the wrong one".');
    return answerAct(await host.act(who, { kind: 'unban', entry, reason }));
  },
});
