import { answerAct, defineCommand, readDuration, refuse } from 'tocsin';

export default defineCommand({
  id: 'break-glass',
  about: 'Opens a window in which your own principals may change things without another permit. Everybody is told.',
  usage: 'break-glass <reason> [for <time>]',
  args: [
    { name: 'reason', about: 'Why; everybody sees it', required: true, of: 'text' },
    { name: 'for', about: 'For how long: 30m; at most what changes.yaml says', required: false, of: 'text' },
  ],
  examples: ['break-glass "checkout is down" for 30m'],
  async run({ who, words, named }, host) {
    const said = [...words];
    // `for 30m` at the end is a time. A reason that ends so is given as reason="...".
    const time =
      named.get('for') ?? (said.at(-2) === 'for' && /^\d/.test(said.at(-1) ?? '') ? said.splice(-2).at(-1) : undefined);
    const reason = named.get('reason') ?? said.join(' ');
    if (reason.trim() === '') return refuse('bad-request', 'Say why: break-glass "checkout is down" for 30m.');
    const duration = time === undefined ? {} : { duration: readDuration(time) };
    return answerAct(await host.act(who, { kind: 'break-glass', reason, ...duration }));
  },
});
