import { answerAct, defineCommand } from 'tocsin';

const about = /^(alt|run|gat)_[a-z0-9]+$/;

export default defineCommand({
  id: 'note',
  about: 'Writes a note in the thread of an alert, a run or a gate, and at the origin of the alert.',
  usage: 'note [alert, run or gate] <text>',
  args: [
    {
      name: 'text',
      about: 'What everybody should know; outside of a thread after the id of what it is about',
      required: true,
      of: 'text',
    },
  ],
  examples: ['note the vendor is informed', 'note alt_0mgw3k5q2x the vendor is informed'],
  plain: true,
  async run({ who, context, words }, host) {
    const line = unquoted(words.join(' ').trim());
    const id = /^\S+/.exec(line)?.[0] ?? '';
    if (!about.test(id)) {
      const { alert, run, gate } = context;
      return answerAct(await host.act(who, { kind: 'note', alert, run, gate, text: line }));
    }
    const of = (prefix: string) => (id.startsWith(prefix) ? id : null);
    const subject = { alert: of('alt_'), run: of('run_'), gate: of('gat_') };
    return answerAct(await host.act(who, { kind: 'note', ...subject, text: unquoted(line.slice(id.length).trim()) }));
  },
});

/** A text that stands in quotes as a whole, without them. */
function unquoted(text: string): string {
  return /^"(?:[^"\\]|\\.)*"$/s.test(text) ? text.slice(1, -1).replace(/\\(.)/gs, '$1') : text;
}
