import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { CounterName, GaugeName, HistogramName, Metrics } from '../kernel/metrics.ts';

const counters: Record<CounterName, { help: string; labels: string[] }> = {
  tocsin_events_accepted_total: { help: 'Events made durable and answered 202, by source.', labels: ['source'] },
  tocsin_events_duplicate_total: { help: 'Deliveries that were seen before, by source.', labels: ['source'] },
  tocsin_events_refused_total: {
    help: 'Deliveries refused at the door, by source and code.',
    labels: ['source', 'code'],
  },
  tocsin_decisions_total: { help: 'Decisions of policy, by verdict.', labels: ['verdict'] },
  tocsin_runs_total: { help: 'Runs that ended, by state.', labels: ['state'] },
  tocsin_steps_total: { help: 'Steps that ended, by type and state.', labels: ['type', 'state'] },
  tocsin_approvals_total: { help: 'Approvals that closed, by state.', labels: ['state'] },
  tocsin_acts_refused_total: { help: 'Acts of people and services that were refused, by act.', labels: ['act'] },
  tocsin_origin_told_total: {
    help: 'What origins of alerts were told, by source, what and outcome.',
    labels: ['source', 'what', 'outcome'],
  },
};

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
};

const gauges: Record<GaugeName, { help: string; labels: string[] }> = {
  tocsin_journal_head: { help: 'Sequence of the last journal entry.', labels: [] },
  tocsin_runs: { help: 'Runs that have not ended, by state.', labels: ['state'] },
  tocsin_posts_undelivered: {
    help: 'Posts that a chat platform does not show yet, by platform.',
    labels: ['platform'],
  },
  tocsin_halted: { help: '1 while the global halt is set.', labels: [] },
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
