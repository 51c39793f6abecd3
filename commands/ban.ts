import { answerAct, defineCommand, readBanWords } from 'tocsin';

export default defineCommand({
  id: 'ban',
  about: 'Puts an image, a commit or a package on the list of what no gate lets through. For operators.',
  usage: 'ban [what] [for <time>] because <reason>',
  args: [
    {
      name: 'what',
      about: 'A digest, the id of a commit, or a purl with a version; in a thread, what its alert is about',
      required: false,
      of: 'text',
    },
    { name: 'for', about: 'For how long: 7d, 30d; without an end when left out', required: false, of: 'text' },
    { name: 'blocks', about: 'rollout for new workloads, all for whatever would start', required: false, of: 'text' },
    { name: 'reason', about: 'Why; everybody who is kept out reads it', required: true, of: 'text' },
  ],
  examples: ['ban pkg:npm/left-pad@1.3.0 for 7d because it loses orders', 'ban for 30d because it loses orders'],
  async run(input, host) {
    return answerAct(await host.act(input.who, { kind: 'ban', ...readBanWords(input) }));
  },
});
