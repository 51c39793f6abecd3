import {
  answer,
  type ChatHost,
  type CommandAnswer,
  type CommandContext,
  defineCommand,
  fieldsOf,
  pickByPrefix,
} from 'tocsin';

export default defineCommand({
  id: 'status',
  about: 'Shows how things are: everything, or one run, approval, gate or alert.',
  usage: 'status [run | approval | gate | alert]',
  args: [
    {
      name: 'id',
      about: 'A run, an approval, a gate or an alert; in a thread, what the thread is about',
      required: false,
      of: 'run',
    },
  ],
  examples: ['status', 'status run_0mgw3k5q2x'],
  async run({ words, context }, host) {
    const [word] = words;
    const subject = word === undefined ? subjectOf(context) : await find(word, host);
    if (subject === null) return overall(host);
    const card = await host.details(subject.kind, subject.id);
    return card === null ? overall(host) : { ok: true, card };
  },
});

interface Subject {
  kind: 'alert' | 'run' | 'approval' | 'gate';
  id: string;
}

function subjectOf(context: CommandContext): Subject | null {
  if (context.run !== null) return { kind: 'run', id: context.run };
  if (context.gate !== null) return { kind: 'gate', id: context.gate };
  return context.alert === null ? null : { kind: 'alert', id: context.alert };
}

async function find(word: string, host: ChatHost): Promise<Subject> {
  const [runs, approvals, gates, alerts] = await Promise.all([
    host.store.runs({ limit: 500 }),
    host.store.approvals({ limit: 500 }),
    host.store.documents('gate', { limit: 500 }),
    host.store.alerts({ limit: 500 }),
  ]);
  const all: Subject[] = [
    ...runs.map(({ id }) => ({ kind: 'run' as const, id })),
    ...approvals.map(({ id }) => ({ kind: 'approval' as const, id })),
    ...gates.map(({ id }) => ({ kind: 'gate' as const, id })),
    ...alerts.map(({ id }) => ({ kind: 'alert' as const, id })),
  ];
  return pickByPrefix(word, all, one => one.id, 'run, approval, gate or alert');
}

async function overall(host: ChatHost): Promise<CommandAnswer> {
  const [halted, alerts, runs, approvals, gates, unpermitted] = await Promise.all([
    host.store.halted(),
    host.store.alerts({ state: 'firing', limit: 100 }),
    host.store.runs({ states: ['queued', 'running', 'waiting', 'asking'], limit: 100 }),
    host.store.approvals({ state: 'open', limit: 100 }),
    host.store.documents('gate', { state: 'pending', limit: 100 }),
    host.store.documents('held', { state: 'unpermitted', limit: 100 }),
  ]);
  const { problems } = host.catalogue();
  const asking = runs.filter(run => run.state === 'asking').length;
  return answer({
    tone:
      halted !== null
        ? 'critical'
        : asking > 0 || approvals.length > 0
          ? 'ask'
          : alerts.length + unpermitted.length > 0
            ? 'warning'
            : 'good',
    title: halted === null ? 'Tocsin is working' : `Halted by ${halted.by}: ${halted.reason}`,
    badge: halted === null ? null : 'halted',
    blocks: [
      fieldsOf([
        ['Alerts firing', count(alerts)],
        ['Approvals open', count(approvals)],
        ['Gates that wait', count(gates)],
        ['Unpermitted changes', count(unpermitted)],
        ['Runs open', count(runs)],
        ['Runs that ask', String(asking)],
        ['File problems', problems.length === 0 ? 'none' : `${problems.length}; the last good files are in force`],
      ]),
    ],
  });
}

function count(found: readonly unknown[]): string {
  return found.length === 100 ? '100 or more' : String(found.length);
}
