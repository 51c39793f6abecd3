/**
 * `npm run bench -- expressions`: compiles and evaluates the conditions of sample policies, beside the build before Tocsin evaluated CEL as
 * its definition has it (bench/fixtures/expressions), and decides by policies of 10 and of 1,000 rules. Exits with 1 when a target is
 * missed; --quick is short.
 */

import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { decide, type Facts } from '../src/flow/pipeline/decide.ts';
import type { Alert } from '../src/model/alert.ts';
import type { Event } from '../src/model/event.ts';
import { compileExpression } from '../src/model/expression/expression.ts';
import type { Policy, PolicyVariables } from '../src/ports/catalogue.ts';
import { compileExpression as compileBefore } from './fixtures/expressions/compile.ts';
import { type Line, middle, printLines } from './report.ts';

const quick = process.argv.includes('--quick');
const rounds = quick ? 7 : 31;

const samples = [
  ...whensIn('../policy.yaml'),
  ...whensIn('../docs/policy.md'),
  'labels.team in ["payments", "search"] && history.runsLastHour < 5',
  'labels.exists(name, name.startsWith("kubernetes_"))',
  're(labels.instance, "^web-[0-9]+")',
  'event.severity == "critical" && (labels.env == "production" || hostOf(labels.instance) == "db-1")',
  'alert.count > 3 && alert.firstSeen < now - duration("10m")',
  'targets.all(target, target.endsWith(".example.com")) && size(targets) <= 3',
  '"team" in labels && params.size > 10',
];

const at = Date.UTC(2026, 0, 15, 12);

function eventOf(count: number): Event {
  return {
    id: `evt_${count}`,
    source: 'alertmanager',
    receivedAt: at,
    raw: null,
    trusted: true,
    body: {
      kind: 'alert',
      title: 'Disk full',
      labels: { alertname: 'DiskFull', env: 'production', instance: 'web-1:9100', team: `team-${count}`, job: 'node' },
      links: [],
      occurredAt: at,
      startsAt: at,
      endsAt: null,
      state: 'firing',
      fingerprint: `f${count}`,
      severity: 'critical',
      annotations: { summary: 'full' },
    },
  };
}

/** New objects, as each event brings them: nothing about them is cached. */
function variablesOf(count: number): PolicyVariables {
  return {
    event: eventOf(count),
    alert: null as Alert | null,
    runbook: { id: 'restart-service', title: 'Restart a service', risk: 'low' },
    params: { host: 'web-1.example.com', size: 20 },
    targets: ['web-1.example.com'],
    actor: { kind: 'source', id: 'alertmanager' },
    trigger: 'event',
    now: at,
    history: { runsLastHour: 1, failuresLastHour: 0 },
  };
}

const events = Array.from({ length: 20 }, (_, count) => variablesOf(count));

function whensIn(file: string): string[] {
  const text = readFileSync(new URL(file, import.meta.url), 'utf8');
  const yaml = file.endsWith('.md') ? (/```yaml\n(# policy\.yaml[\s\S]*?)```/.exec(text)?.[1] ?? '') : text;
  const { rules } = parse(yaml) as { rules: { when?: string }[] };
  return rules.flatMap(rule => rule.when ?? []);
}

/** Milliseconds of the processor that a call takes: on a busy machine the clock also counts the work of others. */
function time(work: () => void): number {
  const start = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(start);
  return (user + system) / 1000;
}

type Compile = (text: string) => { evaluate(variables: PolicyVariables): boolean };

const now: Compile = text => compileExpression(text, 'policy', 'bool');
const before: Compile = text => compileBefore(text, 'policy', 'bool');

/** The middle of the ratios of rounds, in which both take turns. */
function ratioOf(work: (compile: Compile) => () => void): number {
  const [ours, theirs] = [work(now), work(before)];
  for (let warm = 0; warm < 5; warm++) for (const run of [ours, theirs]) run();
  return middle(Array.from({ length: rounds }, () => time(ours) / time(theirs)));
}

function evaluating(compile: Compile): () => void {
  const compiled = samples.map(compile);
  return () => {
    for (const variables of quick ? events.slice(0, 10) : events)
      for (const expression of compiled) for (let again = 0; again < 20; again++) expression.evaluate(variables);
  };
}

function compiling(compile: Compile): () => void {
  return () => samples.forEach(compile);
}

const facts: Facts = {
  trusted: true,
  reopened: false,
  halted: null,
  autoRuns: [],
  autoRunsOf: () => [],
  defaultAsk: { by: ['you'], quorum: 1, expires: 60_000, escalate: null, reasonRequired: false },
};

/** What people write about labels, runbooks, actors and history. */
const forms: readonly ((index: number) => string)[] = [
  index => `labels.team == "nobody-${index}" && runbook.risk == "low"`,
  index => `runbook.risk == "low" && runbook.id in ["nothing-${index}", "none-${index}"]`,
  index => `runbook.id.startsWith("nothing-${index}")`,
  index => `labels.env == "production" && (labels.instance == "db-${index}" || labels.instance == "db-${index}:9100")`,
  index => `history.runsLastHour > ${index + 5}`,
  index => `labels.team == "nobody-${index}"`,
  index => `actor.kind == "person" && actor.id == "nobody-${index}"`,
  index => `runbook.id == "nothing-${index}" && inWindow(now, "Fri 16:00 - Mon 08:00", "Europe/London")`,
  index => `runbook.id == "nothing-${index}"`,
];

/** A policy whose last rule is the one that holds. */
function policyOf(count: number): Policy {
  const rules = Array.from({ length: count }, (_, index) => {
    const text = index === count - 1 ? 'true' : (forms[index % forms.length]?.(index) ?? 'false');
    const when = now(text);
    return {
      name: `rule ${index}`,
      text,
      when: when.evaluate,
      gate: null,
      decide: 'auto' as const,
      ask: null,
      limit: null,
      resolves: false,
    };
  });
  return { rules };
}

function deciding(count: number, times: number): () => void {
  const policy = policyOf(count);
  return () => {
    for (let run = 0; run < times; run++)
      for (const variables of events.slice(0, 5)) decide(policy, { ...variables }, facts);
  };
}

/** Of the least disturbed round of each: many rules do not stay in the caches of a busy machine. */
function growth(): number {
  const [few, many] = [deciding(10, 1000), deciding(1000, 10)];
  for (let warm = 0; warm < 10; warm++) for (const run of [few, many]) run();
  const times = Array.from({ length: 3 * rounds }, () => [time(few), time(many)] as const);
  return (Math.min(...times.map(one => one[1])) / Math.min(...times.map(one => one[0]))) * 100;
}

function line(what: string, value: number, most: number | null): Line {
  const target = most === null ? 'none' : `<= ${most}`;
  return { what, value, shown: `${value.toFixed(2)} x`, target, reached: most === null || value <= most };
}

const lines = [
  line('evaluate sample policies, to the build before', ratioOf(evaluating), 2.5),
  line('compile sample policies, to the build before', ratioOf(compiling), null),
  line('decide by 1,000 rules, to 10 rules', growth(), 110),
];
printLines(lines);
process.exit(lines.every(one => one.reached) ? 0 : 1);
