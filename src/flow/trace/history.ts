import type { Approval } from '../../model/approval.ts';
import { type Entry, streamOf } from '../../model/journal.ts';
import type { Run } from '../../model/run.ts';
import type { Store } from '../../ports/store.ts';
import { type TraceContext, traceOfEpisode, traceOfRun } from './ids.ts';

/** What spans need of a run's entries so far. Its size does not depend on the run's output. */
export interface RunHistory {
  seq: number;
  context: TraceContext;
  run: Pick<Run, 'id' | 'runbook' | 'trigger' | 'risk' | 'parent' | 'event' | 'alert' | 'episode'>;
  verdict: string;
  rule: string;
  createdAt: number;
  /** When it began to wait for a worker, milliseconds since the epoch; null once a worker took it. */
  queuedAt: number | null;
  startedAt: number | null;
  starts: number;
  lastAt: number;
  /** Attempts that were begun and have not ended, by step. */
  open: Map<string, { attempt: number; at: number; type: string }>;
  /** When the run began to ask people what to do; null while it asks nothing. */
  askingAt: number | null;
}

/** A cache of run histories. A run whose beginning it has not seen is read from the journal. */
export interface RunHistories {
  /** The run as it was before the entry. Null when the journal does not know it. */
  before(entry: Entry, run: string): Promise<RunHistory | null>;
  contextOf(run: string): Promise<TraceContext | null>;
  approvalOf(entry: Entry, approval: string): Promise<Approval | null>;
}

/** The most runs in the cache; others are read from the journal again. */
const most = 2000;
/** The most callers that are followed upwards from a called run. */
const deepest = 32;

export function createRunHistories(store: Pick<Store, 'stream' | 'run'>): RunHistories {
  const known = new Map<string, RunHistory>();

  async function readBefore(run: string, seq: number): Promise<RunHistory | null> {
    let past: RunHistory | null = null;
    for (const entry of await store.stream(streamOf.run(run))) if (entry.seq < seq) past = await fold(past, entry);
    return past;
  }

  async function fold(past: RunHistory | null, entry: Entry): Promise<RunHistory | null> {
    if (entry.fact.kind !== 'run.created') return past === null ? null : advance(past, entry);
    return beginning(entry.fact.run, entry, await contextOfRun(entry.fact.run));
  }

  async function contextOfRun(run: Pick<Run, 'id' | 'alert' | 'episode' | 'parent'>, depth = 0): Promise<TraceContext> {
    if (run.alert !== null && run.episode !== null) return traceOfEpisode(run.alert, run.episode);
    const caller = run.parent === null || depth > deepest ? null : await store.run(run.parent.run);
    return caller === null ? traceOfRun(run.id) : await contextOfRun(caller, depth + 1);
  }

  function remember(id: string, past: RunHistory): void {
    known.delete(id);
    known.set(id, past);
    for (const oldest of known.keys()) {
      if (known.size <= most) return;
      known.delete(oldest);
    }
  }

  return {
    async before(entry, id) {
      const kept = known.get(id);
      // For an entry that is handled again, the history before it is read from the journal.
      const found = kept !== undefined && kept.seq < entry.seq ? kept : await readBefore(id, entry.seq);
      const before = found === null ? null : { ...found, open: new Map(found.open) };
      const after = await fold(found, entry);
      if (after !== null && entry.fact.kind !== 'run.finished') remember(id, after);
      else known.delete(id);
      return before ?? (entry.fact.kind === 'run.created' ? after : null);
    },
    async contextOf(id) {
      const kept = known.get(id);
      if (kept !== undefined) return kept.context;
      const run = await store.run(id);
      return run === null ? null : await contextOfRun(run);
    },
    async approvalOf(entry, id) {
      const [first] = await store.stream(streamOf.approval(id));
      return first?.fact.kind === 'approval.requested' && first.seq <= entry.seq ? first.fact.approval : null;
    },
  };
}

function beginning(run: Run, { seq, at }: Entry, context: TraceContext): RunHistory {
  const { id, runbook, trigger, risk, parent, event, alert, episode, decision } = run;
  return {
    seq,
    context,
    run: { id, runbook, trigger, risk, parent, event, alert, episode },
    verdict: decision.verdict,
    rule: decision.rule,
    createdAt: at,
    queuedAt: run.state === 'queued' ? at : null,
    startedAt: null,
    starts: 0,
    lastAt: at,
    open: new Map(),
    askingAt: null,
  };
}

function advance(past: RunHistory, { fact, at, seq }: Entry): RunHistory {
  const next = { ...past, seq, lastAt: at };
  if (fact.kind === 'run.released') next.queuedAt = at;
  if (fact.kind === 'run.started') {
    next.queuedAt = null;
    next.startedAt ??= at;
    next.starts += 1;
  }
  if (fact.kind === 'run.asking') next.askingAt = at;
  if (fact.kind === 'step.answered') next.askingAt = null;
  if (fact.kind === 'step.started') next.open.set(fact.step, { attempt: fact.attempt, at, type: fact.type });
  if (fact.kind === 'step.finished' || fact.kind === 'step.retrying' || fact.kind === 'step.interrupted')
    next.open.delete(fact.step);
  return next;
}
