import {
  answer,
  type ChatHost,
  type CommandAnswer,
  defineCommand,
  type Entry,
  fieldsOf,
  nameOf,
  nearest,
  pickByPrefix,
  type Run,
  showDuration,
  TocsinError,
} from 'tocsin';

export default defineCommand({
  id: 'history',
  about: 'Shows what happened: the last runs, those of a runbook or an alert, or every entry of one run.',
  usage: 'history [runbook | run | alert]',
  args: [
    { name: 'what', about: 'A runbook, a run or an alert; in a thread, its alert', required: false, of: 'runbook' },
  ],
  examples: ['history', 'history disk-clean-up', 'history run_0mgw3k5q2x'],
  async run({ words, context }, host) {
    const [word] = words;
    if (word === undefined) {
      const runs = await host.store.runs({ limit: 15, ...(context.alert === null ? {} : { alert: context.alert }) });
      return listRuns(context.alert === null ? 'The last runs' : 'Runs for this alert', runs, host);
    }
    if (host.catalogue().runbooks.some(one => one.id === word)) {
      return listRuns(`The last runs of ${word}`, await host.store.runs({ runbook: word, limit: 15 }), host);
    }
    return ofSubject(word, host);
  },
});

async function ofSubject(word: string, host: ChatHost): Promise<CommandAnswer> {
  const runbooks = host.catalogue().runbooks.map(one => one.id);
  const near = nearest(word, runbooks);
  if (near !== null) {
    throw new TocsinError('not-found', {
      message: `There is no runbook "${word}". Did you mean "${near}"?`,
      allowed: runbooks,
    });
  }
  const [runs, alerts] = await Promise.all([host.store.runs({ limit: 500 }), host.store.alerts({ limit: 500 })]);
  const found = pickByPrefix(word, [...runs, ...alerts], one => one.id, 'runbook, run or alert');
  if (!('runbook' in found)) {
    return listRuns(`Runs for ${found.title}`, await host.store.runs({ alert: found.id, limit: 15 }), host);
  }
  const entries = await host.store.stream(`run/${found.id}`);
  const first = entries[0]?.at ?? found.createdAt;
  return answer({
    title: `${found.title}: ${found.state}`,
    blocks: [{ kind: 'code', text: entries.map(entry => showEntry(entry, first)).join('\n') || 'no entries' }],
  });
}

/** `+12s  step.finished  clean  done`. */
function showEntry(entry: Entry, first: number): string {
  const { fact } = entry;
  const step = 'step' in fact ? fact.step : '';
  const state = 'state' in fact ? fact.state : '';
  const because = 'because' in fact && fact.because !== null ? fact.because : '';
  const words = [`+${showDuration(entry.at - first)}`, fact.kind, step, state, because, `by ${nameOf(entry.actor)}`];
  return words.filter(word => word !== '').join('  ');
}

function listRuns(title: string, runs: readonly Run[], host: ChatHost): CommandAnswer {
  if (runs.length === 0) return answer({ title: `${title}: none` });
  const now = host.clock.now();
  return answer({ title, blocks: [fieldsOf(runs.map(run => [run.id, showRun(run, now)] as const))] });
}

function showRun(run: Run, now: number): string {
  const took =
    run.startedAt !== null && run.finishedAt !== null ? `, took ${showDuration(run.finishedAt - run.startedAt)}` : '';
  return `${run.title}: ${run.state}, ${showDuration(now - run.createdAt)} ago${took}`;
}
