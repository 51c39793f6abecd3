import {
  answerAct,
  type ChatHost,
  type CommandContext,
  defineCommand,
  pickByPrefix,
  type Run,
  TocsinError,
} from 'tocsin';

export default defineCommand({
  id: 'cancel',
  about: 'Stops a run: its running step is ended, and no further step starts.',
  usage: 'cancel <run> [reason]',
  args: [
    { name: 'run', about: 'Its id, or a beginning or an end of it that no other has', required: true, of: 'run' },
    { name: 'reason', about: 'Why', required: false, of: 'text' },
  ],
  examples: ['cancel run_0mgw3k5q2x', 'cancel run_0mgw3k5q2x "wrong machine"'],
  async run({ who, context, words, named }, host) {
    const { run, rest } = await choose(words, context, host);
    const reason = named.get('reason') ?? (rest.length === 0 ? null : rest.join(' '));
    return answerAct(await host.act(who, { kind: 'cancel', run: run.id, reason }));
  },
});

async function choose(
  words: readonly string[],
  context: CommandContext,
  host: ChatHost,
): Promise<{ run: Run; rest: readonly string[] }> {
  const open = await host.store.runs({ states: ['waiting', 'queued', 'running', 'asking'], limit: 500 });
  const [word, ...rest] = words;
  if (word !== undefined) return { run: pickByPrefix(word, open, run => run.id, 'open run'), rest };
  const here = open.filter(run => run.id === context.run || (run.alert !== null && run.alert === context.alert));
  const [only] = here;
  if (only !== undefined && here.length === 1) return { run: only, rest };
  throw new TocsinError('bad-request', {
    message: 'Say which run.',
    allowed: open.length === 0 ? 'no run is open now' : open.slice(0, 10).map(run => `${run.id} (${run.title})`),
  });
}
