import { answerAct, type ChatHost, type CommandContext, defineCommand, pickByPrefix, refuse } from 'tocsin';

export default defineCommand({
  id: 'revoke',
  about: 'Takes back what a gate allowed, with its permit. It holds no more on any node.',
  usage: 'revoke [gate] <reason>',
  args: [
    { name: 'gate', about: "Its id, or an end of it; in a thread, the thread's own", required: false, of: 'gate' },
    { name: 'reason', about: 'Why: everybody who relies on it will ask', required: true, of: 'text' },
  ],
  examples: ['revoke gat_0mgw3k5q2x "it loses orders"'],
  async run({ who, context, words, named }, host) {
    const { gate, rest } = await chooseGate(words, named, context, host);
    const reason = named.get('reason') ?? rest.join(' ');
    if (gate === null)
      return refuse('bad-request', 'Say which gate, and why: revoke gat_0mgw3k5q2x "it loses orders".');
    if (reason.trim() === '') return refuse('bad-request', `Say why: revoke ${gate} "it loses orders".`);
    return answerAct(await host.act(who, { kind: 'revoke', gate, reason }));
  },
});

/** The gate that is named, else that of the thread. In its thread the words may be the reason alone. */
async function chooseGate(
  words: readonly string[],
  named: ReadonlyMap<string, string>,
  context: CommandContext,
  host: ChatHost,
): Promise<{ gate: string | null; rest: readonly string[] }> {
  const given = named.get('gate');
  const [word, ...rest] = given === undefined ? words : [given, ...words];
  const alone = word === undefined || (context.gate !== null && !word.startsWith('gat_') && !named.has('reason'));
  if (alone) return { gate: context.gate, rest: words };
  // Whoever takes back what is not allowed is told how it stands.
  if ((await host.store.document('gate', word)) !== null) return { gate: word, rest };
  const allowed = await host.store.documents('gate', { state: 'allowed', limit: 500 });
  return { gate: pickByPrefix(word, allowed, one => one.id, 'gate that is allowed').id, rest };
}
