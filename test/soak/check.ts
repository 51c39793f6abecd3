import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { leftProcesses } from './node.ts';

/** An alert that was taken. One that does not last may be over before anything was decided; then nothing is to be done. */
export interface Accepted {
  kind: string;
  lasts: boolean;
}

export interface EndedRun {
  id: string;
  runbook: string;
  state: string;
  alert: string;
  steps: readonly { id: string; state: string }[];
}

/** What a soak has left. */
export interface Remains {
  /** By fingerprint. */
  accepted: ReadonlyMap<string, Accepted>;
  runs: readonly EndedRun[];
  alerts: readonly { id: string; fingerprint: string }[];
  /** `STEP RUN` for each time that a program of a step had its effect. */
  lines: readonly string[];
  folder: string;
  before: { descriptors: number; memory: number };
  after: { descriptors: number; memory: number };
}

/** The steps whose effect may come once only. */
const once = ['first', 'second', 'asked', 'after'];
/** The steps that write into the ledger. */
const writing = [...once, 'quick', 'fails'];
const over = ['succeeded', 'failed', 'ineffective', 'unconfirmed', 'cancelled', 'denied', 'expired'];

/** Each fault as a sentence. */
export function check(remains: Remains): string[] {
  const { folder, before, after } = remains;
  const faults = [...checkAlerts(remains), ...checkEffects(remains)];
  for (const run of remains.runs) if (!over.includes(run.state)) faults.push(`${run.id} is still ${run.state}`);
  for (const left of leftProcesses(folder)) faults.push(`a process was left: ${left}`);
  for (const name of readdirSync(join(folder, 'tmp')))
    if (name.startsWith('tocsin-')) faults.push(`a temporary file was left: ${name}`);
  // Up to 80 are the pool of pipes.
  if (after.descriptors > before.descriptors + 100) faults.push(`${after.descriptors} descriptors are open`);
  if (after.memory > 2 * before.memory + 60) faults.push(`${after.memory.toFixed(0)} MB are in use`);
  return faults;
}

/** Each accepted alert is there once, with one run of its runbook. */
function checkAlerts({ accepted, alerts, runs }: Remains): string[] {
  const faults: string[] = [];
  const byFingerprint = Map.groupBy(alerts, alert => alert.fingerprint);
  const byAlert = Map.groupBy(runs, run => run.alert);
  for (const [fingerprint, { kind, lasts }] of accepted) {
    const found = byFingerprint.get(fingerprint) ?? [];
    if (found.length !== 1) faults.push(`the alert ${fingerprint} is there ${found.length} times`);
    const own = byAlert.get(found[0]?.id ?? '') ?? [];
    if (own.length > 1 || (lasts && own.length === 0) || own.some(run => run.runbook !== kind.toLowerCase()))
      faults.push(`${fingerprint} (${kind}) has ${own.length} runs: ${own.map(run => run.runbook)}`);
  }
  return faults;
}

/** What is done had its effect; what may happen once happened at most once; what was denied had none. */
function checkEffects({ runs, lines }: Remains): string[] {
  const faults: string[] = [];
  const times = new Map<string, number>();
  for (const line of lines) times.set(line, (times.get(line) ?? 0) + 1);
  for (const [line, count] of times)
    if (count > 1 && once.includes(line.split(' ')[0] ?? '')) faults.push(`${line}: ${count} times`);
  for (const run of runs) {
    for (const step of run.steps)
      if (step.state === 'done' && writing.includes(step.id) && !times.has(`${step.id} ${run.id}`))
        faults.push(`${run.id} of ${run.runbook}: "${step.id}" is done without its effect`);
    if (['denied', 'expired'].includes(run.state) && writing.some(step => times.has(`${step} ${run.id}`)))
      faults.push(`${run.id} was ${run.state} and had an effect`);
  }
  return faults;
}
