import { defaultAsk } from '../flow/people/default-ask.ts';
import { decide } from '../flow/pipeline/decide.ts';
import { type Candidate, createTriggerIndex } from '../flow/pipeline/match.ts';
import { TocsinError } from '../kernel/errors.ts';
import { createCatalogue } from '../load/index.ts';
import { type Alert, foldAlert } from '../model/alert.ts';
import type { Event, IncomingAlert } from '../model/event.ts';
import { content, type Fact, type FactOf } from '../model/journal.ts';
import type { CatalogueSet } from '../ports/catalogue.ts';
import { type CliCommand, optionOf, usage } from './command.ts';
import { readSettings } from './environment.ts';
import { loadParts } from './files.ts';
import { readJournal } from './journal/journal.ts';
import { plain } from './plain.ts';
import { counted } from './progress.ts';
import { exitCode } from './terminal.ts';

export const replay: CliCommand = {
  name: 'replay',
  about:
    'Puts stored events to the rules and runbooks as the files are now, and shows what would be decided differently. Nothing is done. Questions of gates are not replayed.',
  usage: '',
  options: [
    { name: 'file', about: 'Take the events from an exported journal instead of the running process.', value: 'file' },
    { name: 'after', about: 'Only events after this sequence of the journal.', value: 'seq' },
  ],
  words: { least: 0, most: 0 },
  examples: ['tocsin replay', 'TOCSIN_CONFIG=new/tocsin.yaml tocsin replay --file journal.ndjson'],
  async run(input, terminal) {
    const after = parseSeq(optionOf(input, 'after'));
    const { dataFolder } = readSettings(terminal.env, terminal.cwd);
    const catalogue = await createCatalogue({ ...(await loadParts(terminal)), data: dataFolder, watch: false });
    const replayed = createReplay(catalogue.current());
    try {
      for await (const line of counted(readJournal(optionOf(input, 'file'), terminal), terminal, 'Replaying'))
        replayed.take(parseFact(line.bytes, line.seq), line.seq > after);
    } finally {
      await catalogue.close();
    }
    const { events, gates, differences } = replayed.result();
    for (const difference of differences) terminal.out(plain(difference));
    terminal.err(`${events} events replayed, ${differences.length} decided differently.`);
    if (gates > 0) terminal.err(notReplayed(gates));
    return differences.length === 0 ? exitCode.ok : exitCode.failed;
  },
};

/** What alerts and known-bad entries there were at that time is not in the entries that are read here. */
function notReplayed(gates: number): string {
  const what = gates === 1 ? '1 question of a gate was' : `${gates} questions of gates were`;
  return `${what} not replayed. tocsin explain gat_… shows for each what would be decided now.`;
}

function parseSeq(text: string | null): number {
  if (text === null) return 0;
  if (!/^\d{1,15}$/.test(text))
    throw usage(replay, `--after ${JSON.stringify(text.slice(0, 100))} is not a number of an entry.`);
  return Number(text);
}

function parseFact(bytes: string, seq: number): { fact: Fact; at: number } {
  const parsed = content.safeParse(JSON.parse(bytes));
  if (parsed.success) return parsed.data;
  throw new TocsinError('journal-broken', {
    message: 'An entry is not of a version that this Tocsin knows.',
    at: `entry ${seq}`,
  });
}

/** The recorded or computed decision about one event and runbook, as texts that are compared. */
interface Outcome {
  verdict: string;
  rule: string;
}

interface Considered {
  event: Event;
  before: Map<string, Outcome>;
  after: Map<string, Outcome>;
}

/** Folds the journal once: the alerts at each event, the recorded decisions, and the decisions by the present files. Pure. */
export function createReplay(set: CatalogueSet) {
  const triggers = createTriggerIndex(set.runbooks.values());
  const alerts = new Map<string, Alert>();
  const considered = new Map<string, Considered>();
  const claimed = new Set<string>();
  /** What each run was for: alert, episode and runbook; and which of them were voided, so that a reopening asks again. */
  const runs = new Map<string, string>();
  const voided = new Set<string>();
  const history = createHistory();
  let gates = 0;
  return {
    take({ fact, at }: { fact: Fact; at: number }, counts: boolean): void {
      if (fact.kind === 'event.accepted') consider(fact, foldOnto(alerts, fact), at, counts);
      if (fact.kind === 'alert.reopened') consider(fact, alerts.get(fact.alert) ?? null, at, counts);
      if (fact.kind === 'gate.asked' && counts) gates++;
      if (fact.kind === 'decision.made') note(fact.event, fact.runbook, fact);
      if (fact.kind === 'run.created' && fact.run.event !== null) {
        note(fact.run.event, fact.run.runbook, fact.run.decision);
        runs.set(fact.run.id, `${fact.run.alert}/${fact.run.episode}/${fact.run.runbook}`);
      }
      if (fact.kind === 'approval.closed' && fact.state === 'void') voided.add(runs.get(fact.run ?? '') ?? '');
    },
    result(): { events: number; gates: number; differences: string[] } {
      return { events: considered.size, gates, differences: [...considered.values()].flatMap(differencesOf) };
    },
  };

  function consider(
    fact: FactOf<'event.accepted'> | FactOf<'alert.reopened'>,
    alert: Alert | null,
    at: number,
    counts: boolean,
  ): void {
    const { event } = fact;
    const effect = fact.kind === 'alert.reopened' ? 'reopened' : fact.effect;
    // A reopening of today counts when its quiet time is over; in older journals it counted at once.
    const quiet = fact.kind === 'event.accepted' && fact.quiet === true;
    const starts = effect === null || effect === 'opened' || (effect === 'reopened' && !quiet);
    if (!starts) return;
    const now = new Map<string, Outcome>();
    for (const candidate of triggers.match({ event, alert })) {
      const own = alert === null ? '' : `${alert.id}/${alert.episode}/${candidate.runbook.id}`;
      if (fact.kind === 'alert.reopened' && claimed.has(own) && !voided.has(own)) continue;
      // As in the real pipeline: once for each episode and runbook, and once more for each reopening.
      const doubted = candidate.failed === 'where';
      const scope = alert === null || (effect === 'reopened' && !doubted) ? event.id : `${alert.id}/${alert.episode}`;
      const claim = `${scope}/${candidate.runbook.id}${doubted ? '/where' : ''}`;
      if (claimed.has(claim)) continue;
      claimed.add(claim);
      now.set(
        candidate.runbook.id,
        outcomeNow(candidate, { event, alert, at, reopened: effect === 'reopened' }, { set, history }),
      );
    }
    if (counts) considered.set(event.id, { event, before: new Map(), after: now });
  }

  function note(event: string, runbook: string, outcome: Outcome): void {
    considered.get(event)?.before.set(runbook, outcome);
  }
}

/** What the present files decide about a candidate, with the automatic runs so far for the brakes. */
function outcomeNow(
  candidate: Candidate,
  facts: { event: Event; alert: Alert | null; at: number; reopened: boolean },
  { set, history }: { set: CatalogueSet; history: ReturnType<typeof createHistory> },
): Outcome {
  const { runbook, params } = candidate;
  if (params === null) return { verdict: 'deny', rule: candidate.failed ?? 'parameters' };
  const { event, alert, at, reopened } = facts;
  const targets = runbook.targets(params);
  const decision = decide(
    set.policy,
    {
      event,
      alert,
      runbook: { id: runbook.id, title: runbook.title, risk: runbook.risk },
      params,
      targets,
      actor: { kind: 'source', id: event.source },
      trigger: event.body.kind === 'tick' ? 'schedule' : 'event',
      now: at,
      history: { runsLastHour: history.lately(runbook.id, at).length, failuresLastHour: 0 },
    },
    {
      trusted: event.trusted,
      reopened,
      halted: null,
      autoRuns: history.of(runbook.id),
      autoRunsOf: target => history.of(runbook.id, target),
      defaultAsk: defaultAsk(set),
    },
  );
  if (decision.verdict === 'auto') history.add(runbook.id, targets, at);
  return decision;
}

/** When runbooks would have run by themselves, for the brakes. */
function createHistory() {
  const times = new Map<string, number[]>();
  const key = (runbook: string, target?: string) => (target === undefined ? runbook : `${runbook}\n${target}`);
  const of = (runbook: string, target?: string) => times.get(key(runbook, target)) ?? [];
  return {
    of,
    lately: (runbook: string, now: number) => of(runbook).filter(at => at > now - 3_600_000),
    add(runbook: string, targets: readonly string[], at: number) {
      for (const name of [key(runbook), ...targets.map(target => key(runbook, target))]) {
        times.set(name, [...(times.get(name) ?? []), at]);
      }
    },
  };
}

function foldOnto(alerts: Map<string, Alert>, fact: FactOf<'event.accepted'>): Alert | null {
  const { event, effect, alert: id } = fact;
  if (id === null || effect === null || event.body.kind !== 'alert') return null;
  const next = foldAlert(alerts.get(id) ?? null, event as Event & { body: IncomingAlert }, effect, id, fact);
  alerts.set(id, next);
  return next;
}

function differencesOf({ event, before, after }: Considered): string[] {
  const runbooks = [...new Set([...before.keys(), ...after.keys()])].sort();
  return runbooks.flatMap(runbook => {
    const [was, would] = [show(before.get(runbook)), show(after.get(runbook))];
    if (was === would) return [];
    const when = new Date(event.receivedAt).toISOString();
    return [`${when}  ${event.id}  ${event.body.title}\n  ${runbook}: was ${was}, would be ${would}`];
  });
}

function show(outcome: Outcome | undefined): string {
  return outcome === undefined ? 'nothing' : `${outcome.verdict} by "${outcome.rule}"`;
}
