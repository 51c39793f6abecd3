import {
  answer,
  type Block,
  type ChatHost,
  type CommandContext,
  defineCommand,
  type Explanation,
  fieldsOf,
  type GateExplanation,
  pickByPrefix,
  refuse,
} from 'tocsin';

export default defineCommand({
  id: 'explain',
  about: 'Says why: every runbook with the clause that held or failed, every rule, and what was decided.',
  usage: 'explain <event | alert | run | gate>',
  args: [
    {
      name: 'what',
      about: 'An event, an alert, a run or a gate; in a thread, its alert or gate',
      required: false,
      of: 'alert',
    },
  ],
  examples: ['explain alt_0mgw3k5q2x', 'explain run_0mgw3k5q2x', 'explain gat_0mgw3k5q2x'],
  async run({ words, context }, host) {
    const id = await findSubject(words[0], context, host);
    if (id === null) {
      return refuse('bad-request', 'Say what: explain <event>, explain <alert>, explain <run> or explain <gate>.');
    }
    if (id.startsWith('gat_')) {
      const gate = await host.explainGate(id);
      return gate === null
        ? refuse('not-found', `Nothing is known about "${id}" that could be explained.`)
        : answer({ title: `Why: ${gate.title}`, blocks: showGate(gate) });
    }
    const found = await host.explain(id);
    if (found === null) return refuse('not-found', `Nothing is known about "${id}" that could be explained.`);
    return answer({
      title: `Why: ${found.title}`,
      blocks: [...(await decidedThen(found, host)), ...decidedNow(found)],
    });
  },
});

async function findSubject(word: string | undefined, context: CommandContext, host: ChatHost): Promise<string | null> {
  if (word === undefined) return context.run ?? context.alert ?? context.gate;
  if (word.startsWith('evt_')) return word;
  if (word.startsWith('gat_')) {
    if ((await host.store.document('gate', word)) !== null) return word;
    return pickByPrefix(word, await host.store.documents('gate', { limit: 500 }), one => one.id, 'gate').id;
  }
  const [runs, alerts] = await Promise.all([host.store.runs({ limit: 500 }), host.store.alerts({ limit: 500 })]);
  return pickByPrefix(word, [...runs, ...alerts], one => one.id, 'event, alert or run').id;
}

/** The decisions in the journal, made when the events arrived: for the present episode of the alert, or for the one event. */
async function decidedThen(found: Explanation, host: ChatHost): Promise<Block[]> {
  if (found.started !== null) return startedBy(found.started);
  const events = await eventsOf(found, host);
  const streams = await Promise.all(events.map(event => host.store.stream(`decision/${event}`)));
  const made = streams.flat().flatMap(({ fact }) => (fact.kind === 'decision.made' ? [fact] : []));
  const runs = await host.store.runs({ limit: 500, ...(found.alert === null ? {} : { alert: found.alert }) });
  const ran = runs.filter(run => run.event !== null && events.includes(run.event));
  const lines = [
    ...made.map(fact => [fact.runbook, `${fact.verdict}: ${fact.because}`] as const),
    ...ran.map(
      run => [run.runbook, `${run.decision.verdict}: ${run.decision.because}; ${run.id} is ${run.state}`] as const,
    ),
  ];
  return lines.length === 0
    ? [{ kind: 'text', text: 'Nothing was decided when it came: no runbook matched.' }]
    : [{ kind: 'text', text: 'Decided when it came:' }, fieldsOf(lines)];
}

/** A run that somebody started: who, and what was decided then. */
function startedBy({ run, by, decided }: NonNullable<Explanation['started']>): Block[] {
  const { verdict, rule, because } = decided;
  return [
    fieldsOf([
      ['Run', run],
      ['Started by', by],
      ['Decided then', `${verdict} by "${rule}": ${because}`],
    ]),
  ];
}

const mostEvents = 50;

async function eventsOf(found: Explanation, host: ChatHost): Promise<string[]> {
  const newest = found.event === null ? [] : [found.event];
  if (found.alert === null) return newest;
  const alert = await host.store.alert(found.alert);
  const entries = await host.store.stream(`alert/${found.alert}`);
  const own = entries.flatMap(({ fact }) =>
    fact.kind === 'event.accepted' && fact.episode === alert?.episode ? [fact.event.id] : [],
  );
  return [...new Set([...newest, ...own.slice(-mostEvents)])];
}

const mostOthers = 20;

/** The decisions that would be made now, without effects. They may differ, because the files may have changed since. */
function decidedNow(found: Explanation): Block[] {
  const held = found.runbooks.filter(one => one.holds);
  const others = found.runbooks.filter(one => !one.holds);
  const blocks: Block[] = held.flatMap(showRunbook);
  if (others.length > 0) {
    blocks.push({ kind: 'text', text: 'Runbooks that do not match:' });
    blocks.push(fieldsOf(others.slice(0, mostOthers).map(one => [one.runbook, one.because] as const)));
  }
  if (others.length > mostOthers) blocks.push({ kind: 'text', text: `and ${others.length - mostOthers} more` });
  return [{ kind: 'text', text: 'With the files as they are now:' }, ...blocks];
}

function showRunbook(one: Explanation['runbooks'][number]): Block[] {
  const facts: [string, string][] = [
    ['Runbook', one.runbook],
    ['Matches', one.because],
  ];
  if (one.decision !== null) {
    facts.push(['Decision', one.decision.verdict], ['Rule', one.decision.rule], ['Because', one.decision.because]);
  }
  return [fieldsOf(facts), ...showRules(one.rules)];
}

function showRules(rules: GateExplanation['rules']): Block[] {
  const lines = rules.map(
    rule =>
      `${rule.result}: ${rule.name}\n    when: ${rule.when}${rule.because === null || rule.because === rule.when ? '' : `\n    ${rule.because}`}`,
  );
  return lines.length === 0 ? [] : [{ kind: 'code', text: lines.join('\n') }];
}

function showGate({ name, state, because, decided, now, rules, knownBad, evidence }: GateExplanation): Block[] {
  const bad = knownBad.now.map(({ what, reason, from, by }) => [what, `${reason} (${by}, ${from})`] as const);
  const documents = evidence.documents.map(
    one => [one.format, one.verified ? one.says : `counts as absent: ${one.because ?? 'no reason is known'}`] as const,
  );
  return [
    fieldsOf([
      ['Gate', name],
      ['State', `${state}: ${because}`],
      ['When it was asked', `${decided.verdict} by "${decided.rule}": ${decided.because}`],
      ['Asked now', `${now.verdict} by "${now.rule}": ${now.because}`],
    ]),
    ...showRules(rules),
    ...titled('Known to be bad now:', bad),
    ...titled(evidence.kept ? 'Evidence:' : 'Evidence, which is stored no more and counts as absent now:', documents),
  ];
}

function titled(title: string, rows: readonly (readonly [string, string])[]): Block[] {
  return rows.length === 0 ? [] : [{ kind: 'text', text: title }, fieldsOf(rows)];
}
