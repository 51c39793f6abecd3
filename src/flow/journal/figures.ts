import { messageOf } from '../../kernel/errors.ts';
import type { Log } from '../../kernel/log.ts';
import type { Metrics } from '../../kernel/metrics.ts';
import type { Event } from '../../model/event.ts';
import type { FactOf } from '../../model/journal.ts';
import { endings, isVerified, type Run } from '../../model/run.ts';
import type { Change, Store } from '../../ports/store.ts';
import { neededPeople } from './people.ts';

/**
 * Metrics from the journal. The node that commits a fact counts it, right after the commit. Every fact is committed once, so the sum over
 * all nodes counts it once, and nothing is read or written for it.
 */
export interface Figures {
  /** Starts the series of these runbooks at 0: a series that starts at 1 shows no increase, and its first failure would not be seen. */
  expect(runbooks: Iterable<string>): void;
  /** Counts a change that this process committed. Never throws. */
  count(change: Change): void;
  /** Resolves when what had to be looked up is counted. */
  settled(): Promise<void>;
}

export interface FiguresParts {
  metrics: Metrics;
  store: Pick<Store, 'alert' | 'stream' | 'runs'>;
  log: Log;
}

/** The most runbooks and gates with series of their own; further ones share `(others)`, so that /metrics stays bounded. */
const mostRunbooks = 1000;

export function createFigures(parts: FiguresParts): Figures {
  const known = new Set<string>();
  const lookingUp = new Set<Promise<void>>();
  const label = (runbook: string) => {
    if (known.size < mostRunbooks) known.add(runbook);
    return known.has(runbook) ? runbook : '(others)';
  };

  function ended(run: Run): void {
    const { metrics } = parts;
    metrics.count('tocsin_runs_total', { state: run.state });
    metrics.count('tocsin_runbook_runs_total', { runbook: label(run.runbook), state: run.state });
    if (run.startedAt !== null)
      metrics.observe('tocsin_run_duration_seconds', seconds(run.startedAt, run.finishedAt), { state: run.state });
    if (run.state !== 'succeeded' || run.alert === null || run.parent !== null || !isVerified(run)) return;
    const work = remediated(run, label(run.runbook), parts)
      .catch(error => parts.log.warn({ run: run.id, because: messageOf(error) }, 'a remediation is not in the figures'))
      .finally(() => lookingUp.delete(work));
    lookingUp.add(work);
  }

  return {
    expect(runbooks) {
      for (const id of runbooks) {
        const runbook = label(id);
        for (const state of endings) parts.metrics.count('tocsin_runbook_runs_total', { runbook, state }, 0);
        for (const people of ['yes', 'no']) parts.metrics.count('tocsin_remediations_total', { runbook, people }, 0);
      }
    },
    count(change) {
      if (change.entries === undefined || change.entries.length === 0) return;
      for (const { fact, at } of change.entries) {
        if (fact.kind === 'event.accepted') accepted(fact.event, parts.metrics);
        if (fact.kind === 'step.finished') stepEnded(fact, change, parts.metrics);
        if (fact.kind === 'approval.closed') approvalClosed(fact, at, change, parts.metrics, label);
        const run = fact.kind === 'run.finished' ? runOf(change, fact.run) : undefined;
        if (run !== undefined) ended(run);
      }
    },
    settled: async () => void (await Promise.all(lookingUp)),
  };
}

function accepted({ source, body }: Event, metrics: Metrics): void {
  metrics.count('tocsin_events_accepted_total', { source });
  if (body.kind === 'change') metrics.count('tocsin_changes_total', { source, outcome: body.outcome.state });
}

/** The run's document in the change, as it is afterwards. */
function runOf({ rows = [] }: Change, id: string): Run | undefined {
  for (const row of rows) if (row.table === 'run' && row.doc.id === id) return row.doc;
  return undefined;
}

function stepEnded(fact: FactOf<'step.finished'>, change: Change, metrics: Metrics): void {
  const step = runOf(change, fact.run)?.steps.find(one => one.id === fact.step);
  if (step === undefined) return;
  metrics.count('tocsin_steps_total', { type: step.type, state: fact.state });
  if (step.startedAt !== null)
    metrics.observe('tocsin_step_duration_seconds', seconds(step.startedAt, step.finishedAt), { type: step.type });
}

function approvalClosed(
  fact: FactOf<'approval.closed'>,
  at: number,
  { rows = [] }: Change,
  metrics: Metrics,
  label: (name: string) => string,
): void {
  metrics.count('tocsin_approvals_total', { state: fact.state });
  const row = rows.find(one => one.table === 'approval' && one.doc.id === fact.approval);
  if (row?.table !== 'approval') return;
  if (row.doc.run === null) {
    const labels = { gate: label(row.doc.runbook), state: fact.state };
    metrics.observe('tocsin_time_to_gate_decision_seconds', seconds(row.doc.createdAt, at), labels);
  } else if (fact.state === 'approved')
    metrics.observe('tocsin_time_to_approval_seconds', seconds(row.doc.createdAt, at), {
      runbook: label(row.doc.runbook),
    });
}

/** Counts a verified run, and whether people were needed; observes the time from the delivery that opened its episode. */
async function remediated(run: Run, runbook: string, { metrics, store }: FiguresParts): Promise<void> {
  const people = (await neededPeople(run, store)) ? 'yes' : 'no';
  metrics.count('tocsin_remediations_total', { runbook, people });
  const alert = run.alert === null ? null : await store.alert(run.alert);
  if (alert !== null && alert.episode === run.episode)
    metrics.observe('tocsin_time_to_remediation_seconds', seconds(alert.firstSeen, run.finishedAt), { runbook });
}

/** Between two times in milliseconds. Never below 0, because the clocks of nodes may differ a little. */
function seconds(from: number, to: number | null): number {
  return Math.max(0, (to ?? from) - from) / 1000;
}
