import { answerAct, defineCommand } from 'tocsin';

export default defineCommand({
  id: 'break-glass-end',
  about: 'Ends your break-glass window before its time. Operators end those of others by their id.',
  usage: 'break-glass-end [window] [reason]',
  args: [
    { name: 'window', about: 'Its id; your own window when left out', required: false, of: 'text' },
    { name: 'reason', about: 'Why', required: false, of: 'text' },
  ],
  examples: ['break-glass-end', 'break-glass-end win_0mgw3k5q2x "checkout is back"'],
  async run({ who, words, named }, host) {
    const said = [...words];
    const window = named.get('window') ?? (said[0]?.startsWith('win_') === true ? said.shift() : undefined);
    const reason = named.get('reason') ?? (said.length === 0 ? null : said.join(' '));
    const which = window === undefined ? {} : { window };
    return answerAct(await host.act(who, { kind: 'break-glass-end', ...which, reason }));
  },
});
