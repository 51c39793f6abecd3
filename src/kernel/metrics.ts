/** The interface to metrics: no layer below http depends on the metrics library. The names are those of /metrics (see http/metrics.ts). */
export interface Metrics {
  count(name: CounterName, labels?: Readonly<Record<string, string>>, by?: number): void;
  /** Durations are in seconds, as Prometheus recommends. */
  observe(name: HistogramName, seconds: number, labels?: Readonly<Record<string, string>>): void;
  gauge(name: GaugeName, value: number, labels?: Readonly<Record<string, string>>): void;
}

export type CounterName =
  | 'tocsin_events_accepted_total'
  | 'tocsin_events_refused_total'
  | 'tocsin_events_echoed_total'
  | 'tocsin_changes_total'
  | 'tocsin_gates_total'
  | 'tocsin_changes_judged_total'
  | 'tocsin_gates_told_total'
  | 'tocsin_door_deliveries_total'
  | 'tocsin_permits_imported_total'
  | 'tocsin_records_total'
  | 'tocsin_records_left_out_total'
  | 'tocsin_dead_letters_total'
  | 'tocsin_decisions_total'
  | 'tocsin_runs_total'
  | 'tocsin_runbook_runs_total'
  | 'tocsin_remediations_total'
  | 'tocsin_steps_total'
  | 'tocsin_approvals_total'
  | 'tocsin_acts_refused_total'
  | 'tocsin_acts_unjournalled_total'
  | 'tocsin_admission_total'
  | 'tocsin_origin_told_total'
  | 'tocsin_pictures_total'
  | 'tocsin_posts_left_out_total'
  | 'tocsin_trace_spans_total';

export type HistogramName =
  | 'tocsin_intake_seconds'
  | 'tocsin_run_duration_seconds'
  | 'tocsin_step_duration_seconds'
  | 'tocsin_time_to_decision_seconds'
  | 'tocsin_time_to_approval_seconds'
  | 'tocsin_time_to_remediation_seconds'
  | 'tocsin_change_exposure_seconds'
  | 'tocsin_time_to_gate_decision_seconds';

export type GaugeName =
  | 'tocsin_journal_head'
  | 'tocsin_journal_checked'
  | 'tocsin_journal_broken'
  | 'tocsin_runs'
  | 'tocsin_oldest_queued_run_seconds'
  | 'tocsin_approvals_open'
  | 'tocsin_oldest_approval_seconds'
  | 'tocsin_posts_undelivered'
  | 'tocsin_halted'
  | 'tocsin_part_down'
  | 'tocsin_nodes'
  | 'tocsin_fleet_problems'
  | 'tocsin_work_busy'
  | 'tocsin_work_places';
