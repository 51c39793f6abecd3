import {
  answer,
  type ChatHost,
  type CommandAnswer,
  defineCommand,
  describeParam,
  fieldsOf,
  nearest,
  refuse,
  showDuration,
  subjectText,
} from 'tocsin';

const lists: Record<string, (host: ChatHost) => Promise<CommandAnswer>> = {
  runbooks: listRunbooks,
  runs: listRuns,
  approvals: listApprovals,
  gates: listGates,
  changes: listChanges,
  alerts: listAlerts,
};

export default defineCommand({
  id: 'list',
  about: 'Lists runbooks, or what is open: runs, approvals, gates, unpermitted changes, alerts.',
  usage: 'list [runbooks | runs | approvals | gates | changes | alerts]',
  args: [
    {
      name: 'what',
      about: 'runbooks (when left out), runs, approvals, gates, changes or alerts',
      required: false,
      of: 'text',
    },
  ],
  examples: ['list', 'list approvals'],
  async run({ words }, host) {
    const what = words[0] ?? 'runbooks';
    const list = Object.hasOwn(lists, what) ? lists[what] : undefined;
    if (list !== undefined) return list(host);
    const near = nearest(what, Object.keys(lists));
    const hint = near === null ? '' : ` Did you mean "${near}"?`;
    return refuse('bad-request', `There is no list "${what}".${hint} Lists: ${Object.keys(lists).join(', ')}.`);
  },
});

async function listRunbooks(host: ChatHost): Promise<CommandAnswer> {
  const { runbooks } = host.catalogue();
  const rows = runbooks.map(one => {
    const params = one.params.length === 0 ? '' : `; ${one.params.map(describeParam).join(', ')}`;
    return [one.id, `${one.title} (risk ${one.risk}${params})`] as const;
  });
  return rows.length === 0
    ? answer({
        title: 'There are no runbooks',
        blocks: [{ kind: 'text', text: 'Put one in the folder that tocsin.yaml names.' }],
      })
    : answer({ title: `${rows.length} runbooks`, blocks: [fieldsOf(rows)] });
}

async function listRuns(host: ChatHost): Promise<CommandAnswer> {
  const runs = await host.store.runs({ states: ['waiting', 'queued', 'running', 'asking'], limit: 25 });
  if (runs.length === 0) return answer({ title: 'No run is open' });
  return answer({
    title: `${runs.length} open runs`,
    blocks: [fieldsOf(runs.map(run => [run.id, `${run.title}: ${run.state}`] as const))],
  });
}

async function listApprovals(host: ChatHost): Promise<CommandAnswer> {
  const approvals = await host.store.approvals({ state: 'open', limit: 25 });
  if (approvals.length === 0) return answer({ title: 'Nothing waits for approval' });
  return answer({
    tone: 'ask',
    title: `${approvals.length} open approvals`,
    blocks: [fieldsOf(approvals.map(one => [one.id, `${one.title}, asked of ${one.ask.by.join(', ')}`] as const))],
  });
}

async function listGates(host: ChatHost): Promise<CommandAnswer> {
  const gates = await host.store.documents('gate', { state: 'pending', limit: 25 });
  if (gates.length === 0) return answer({ title: 'Nobody waits at a gate' });
  const rows = gates.map(one => [one.id, `${subjectText(one.subject)}, at ${one.name}`] as const);
  return answer({ tone: 'ask', title: counted(gates, 'gate that waits', 'gates that wait'), blocks: [fieldsOf(rows)] });
}

async function listChanges(host: ChatHost): Promise<CommandAnswer> {
  const held = await host.store.documents('held', { state: 'unpermitted', limit: 25 });
  if (held.length === 0) return answer({ tone: 'good', title: 'No change stands that nobody approved' });
  const now = host.clock.now();
  const rows = held.map(
    one =>
      [
        one.id,
        `${one.title}, by ${one.principal || 'nobody who is named'}, stands for ${showDuration(now - one.occurredAt)}`,
      ] as const,
  );
  return answer({
    tone: 'warning',
    title: counted(held, 'unpermitted change', 'unpermitted changes'),
    blocks: [fieldsOf(rows)],
  });
}

function counted(found: readonly unknown[], one: string, many: string): string {
  return found.length === 1 ? `1 ${one}` : `${found.length}${found.length === 25 ? ' or more' : ''} ${many}`;
}

async function listAlerts(host: ChatHost): Promise<CommandAnswer> {
  const alerts = await host.store.alerts({ state: 'firing', limit: 25 });
  if (alerts.length === 0) return answer({ tone: 'good', title: 'No alert is firing' });
  return answer({
    tone: 'warning',
    title: `${alerts.length} firing alerts`,
    blocks: [fieldsOf(alerts.map(one => [one.id, `${one.title} (${one.severity}, ${one.source})`] as const))],
  });
}
