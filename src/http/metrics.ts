import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { CounterName, GaugeName, HistogramName, Metrics } from '../kernel/metrics.ts';

const counters: Record<CounterName, { help: string; labels: string[] }> = {
  tocsin_events_accepted_total: { help: 'Events made durable and answered 202, by source.', labels: ['source'] },
  tocsin_events_refused_total: {
    help: 'Deliveries refused at the door, by source and code.',
    labels: ['source', 'code'],
  },
  tocsin_events_echoed_total: {
    help: 'Deliveries dropped because they bear the marks of what Tocsin itself did, by source and what (note, page, status, check, deployment), or because their project is not taken (foreign).',
    labels: ['source', 'what'],
  },
  tocsin_changes_total: {
    help: 'Changes to the environment that sources told of, by source and outcome (success, failure, unknown).',
    labels: ['source', 'outcome'],
  },
  tocsin_gates_total: {
    help: 'Questions of gates that were asked or decided, by door and the state that they came to.',
    labels: ['door', 'state'],
  },
  tocsin_permits_imported_total: {
    help: 'Permits that tokens and sources told, by who did (importer) and what became of them (issued, refused, ended).',
    labels: ['importer', 'outcome'],
  },
  tocsin_changes_judged_total: {
    help: 'Changes that were held against permits, by source and what they turned out to be (permitted, known, break-glass, failed, unpermitted).',
    labels: ['source', 'state'],
  },
  tocsin_gates_told_total: {
    help: 'Answers to the callers of doors, by door and outcome (ok, refused: not taken any more, failed: tried again).',
    labels: ['door', 'outcome'],
  },
  tocsin_door_deliveries_total: {
    help: 'Deliveries to the doors of gates, by door and outcome (asked, nothing: it asks nothing, or the code of the refusal).',
    labels: ['door', 'outcome'],
  },
  tocsin_records_total: {
    help: 'Raw records of batches that were counted, by source and outcome (taken, unreadable); and those that a source lost before (lost).',
    labels: ['source', 'outcome'],
  },
  tocsin_records_left_out_total: {
    help: 'Raw records that matched a rule and were not counted by it, by source, rule and outcome (beyond the limit of keys, late) or made no notice (unnoticed).',
    labels: ['source', 'rule', 'outcome'],
  },
  tocsin_dead_letters_total: {
    help: 'Objects and messages that a source could not read and put on the list of dead letters, by source. Tries that failed again count too.',
    labels: ['source'],
  },
  tocsin_decisions_total: { help: 'Decisions of policy, by verdict.', labels: ['verdict'] },
  tocsin_runs_total: { help: 'Runs that ended, by state.', labels: ['state'] },
  tocsin_runbook_runs_total: { help: 'Runs that ended, by runbook and state.', labels: ['runbook', 'state'] },
  tocsin_remediations_total: {
    help: 'Runs that saw that their alert is gone, by runbook and whether people were needed (yes, no).',
    labels: ['runbook', 'people'],
  },
  tocsin_steps_total: { help: 'Steps that ended, by type and state.', labels: ['type', 'state'] },
  tocsin_approvals_total: { help: 'Approvals that closed, by state.', labels: ['state'] },
  tocsin_acts_refused_total: { help: 'Acts of people and services that were refused, by act.', labels: ['act'] },
  tocsin_acts_unjournalled_total: {
    help: 'Refused acts of strangers that were not journalled because there were too many, by act.',
    labels: ['act'],
  },
  tocsin_admission_total: {
    help: 'AdmissionReviews that were answered, by verdict (allow, deny, pending; failure where onFailure answered; refused where the request was none).',
    labels: ['verdict'],
  },
  tocsin_origin_told_total: {
    help: 'What origins of alerts were told, by source, what and outcome.',
    labels: ['source', 'what', 'outcome'],
  },
  tocsin_pictures_total: {
    help: 'Pictures of alerts, by source and outcome: ok, failed, or left-out where more came in a minute than are made.',
    labels: ['source', 'outcome'],
  },
  tocsin_posts_left_out_total: {
    help: 'Messages that a chat platform did not take and that are in the console only, by platform.',
    labels: ['platform'],
  },
  tocsin_trace_spans_total: {
    help: 'Spans of traces, by outcome: sent, or dropped because the collector is slow or down.',
    labels: ['outcome'],
  },
};

/** Buckets in seconds, up to a week, because durations include people and timers. */
const long = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400, 604_800];

const histograms: Record<HistogramName, { help: string; labels: string[]; buckets: number[] }> = {
  tocsin_intake_seconds: {
    help: 'Time from the whole body of a delivery to its durable answer.',
    labels: [],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  },
  tocsin_run_duration_seconds: {
    help: 'Time from the start of a run to its end, waiting included.',
    labels: ['state'],
    buckets: [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400],
  },
  tocsin_step_duration_seconds: {
    help: 'Time from the first start of a step to its end.',
    labels: ['type'],
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600],
  },
  tocsin_time_to_decision_seconds: {
    help: 'Time from the delivery of an event to the decision of policy about a runbook, by runbook.',
    labels: ['runbook'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60],
  },
  tocsin_time_to_approval_seconds: {
    help: 'Time from asking people to their approval, by runbook.',
    labels: ['runbook'],
    buckets: long,
  },
  tocsin_time_to_gate_decision_seconds: {
    help: 'Time from asking people about a gate to the end of the question, by gate and by how it ended.',
    labels: ['gate', 'state'],
    buckets: long,
  },
  tocsin_time_to_remediation_seconds: {
    help: 'Time from the delivery that opened an alert to the run that saw that it is gone, by runbook.',
    labels: ['runbook'],
    buckets: long,
  },
  tocsin_change_exposure_seconds: {
    help: 'Time from an unpermitted change until it stood no more, was claimed or its alert was closed, by source.',
    labels: ['source'],
    buckets: long,
  },
};

const gauges: Record<GaugeName, { help: string; labels: string[] }> = {
  tocsin_journal_head: { help: 'Sequence of the last journal entry.', labels: [] },
  tocsin_journal_checked: { help: 'Sequence up to which this process has verified the journal.', labels: [] },
  tocsin_journal_broken: { help: '1 when an entry of the journal does not follow from the one before.', labels: [] },
  tocsin_runs: { help: 'Runs that have not ended, by state; 1000 at most.', labels: ['state'] },
  tocsin_oldest_queued_run_seconds: { help: 'How long the oldest queued run has waited for a worker.', labels: [] },
  tocsin_approvals_open: { help: 'Approvals that wait for people; 1000 at most.', labels: [] },
  tocsin_oldest_approval_seconds: { help: 'How long the oldest open approval has waited for people.', labels: [] },
  tocsin_posts_undelivered: {
    help: 'Posts that a chat platform does not show yet, by platform.',
    labels: ['platform'],
  },
  tocsin_halted: { help: '1 while the global halt is set.', labels: [] },
  tocsin_part_down: {
    help: '1 while /readyz of this node says that something is wrong with the part.',
    labels: ['part'],
  },
  tocsin_nodes: { help: 'Nodes that are up, as this node hears them.', labels: [] },
  tocsin_fleet_problems: { help: 'What is wrong between the nodes, as a number of problems.', labels: [] },
  tocsin_work_busy: { help: 'Runs that this node works on now.', labels: [] },
  tocsin_work_places: {
    help: 'Runs that this node works on at the same time at most; 0 when it takes no runs.',
    labels: [],
  },
};

/** The metrics of one process. `refresh` runs before each scrape and sets the gauges from the store. */
export function createMetrics(options: { process?: boolean } = {}): {
  metrics: Metrics;
  registry: Registry;
} {
  const registry = new Registry();
  const own = { registers: [registry] };
  const counter = made(counters, (name, { help, labels }) => new Counter({ name, help, labelNames: labels, ...own }));
  const histogram = made(
    histograms,
    (name, { help, labels, buckets }) => new Histogram({ name, help, labelNames: labels, buckets, ...own }),
  );
  const gauge = made(gauges, (name, { help, labels }) => new Gauge({ name, help, labelNames: labels, ...own }));
  if (options.process !== false) collectDefaultMetrics({ register: registry });
  return {
    registry,
    metrics: {
      count: (name, labels = {}, by = 1) => counter[name].inc(labels, by),
      observe: (name, seconds, labels = {}) => histogram[name].observe(labels, seconds),
      gauge: (name, value, labels = {}) => gauge[name].set(labels, value),
    },
  };
}

function made<Name extends string, Definition, Metric>(
  definitions: Record<Name, Definition>,
  make: (name: Name, definition: Definition) => Metric,
): Record<Name, Metric> {
  const entries = Object.entries(definitions) as [Name, Definition][];
  return Object.fromEntries(entries.map(([name, definition]) => [name, make(name, definition)])) as Record<
    Name,
    Metric
  >;
}
