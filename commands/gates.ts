import { answer, defineCommand, fieldsOf, nearest, refuse, subjectText } from 'tocsin';

const states = {
  pending: 'wait for people',
  allowed: 'are allowed',
  denied: 'were denied',
  expired: 'expired',
  void: 'are void',
  revoked: 'were revoked',
} as const;
const most = 25;

export default defineCommand({
  id: 'gates',
  about: 'Lists the gates at which somebody waits, or those of another state.',
  usage: 'gates [pending | allowed | denied | expired | void | revoked]',
  args: [{ name: 'state', about: 'pending when left out', required: false, of: 'text' }],
  examples: ['gates', 'gates allowed'],
  async run({ words }, host) {
    const state = words[0] ?? 'pending';
    const known = Object.hasOwn(states, state) ? states[state as keyof typeof states] : null;
    if (known === null) {
      const near = nearest(state, Object.keys(states));
      const hint = near === null ? '' : ` Did you mean "${near}"?`;
      return refuse('bad-request', `No gate is "${state}".${hint} States: ${Object.keys(states).join(', ')}.`);
    }
    const found = await host.store.documents('gate', { state, limit: most });
    if (found.length === 0) return answer({ title: state === 'pending' ? 'Nobody waits at a gate' : 'There are none' });
    const rows = found.map(one => [one.id, `${subjectText(one.subject)}, at ${one.name}: ${one.because}`] as const);
    const count = found.length === most ? `The newest ${most}` : `${found.length}`;
    return answer({
      tone: state === 'pending' ? 'ask' : 'neutral',
      title: `${count} that ${known}`,
      blocks: [fieldsOf(rows)],
    });
  },
});
