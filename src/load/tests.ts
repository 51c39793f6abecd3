import { readdir, readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { canonicalJson, type Json } from '../kernel/canonical.ts';
import { messageOf } from '../kernel/errors.ts';
import { isMissing } from '../kernel/file-error.ts';
import { nearest } from '../kernel/nearest.ts';
import { type Alert, foldAlert } from '../model/alert.ts';
import { type Event, type IncomingEvent, takesKind } from '../model/event.ts';
import { changeOf, type ToldState } from '../model/incoming-change.ts';
import type { Problem } from '../ports/catalogue.ts';
import type { LabelMatch, Params, Runbook, Trigger } from '../ports/runbook.ts';
import { type DryRun, runDry } from './dry-run.ts';
import { createFaults, unreadable } from './problems.ts';
import { pathKey, readAs, withScalars } from './scalars.ts';
import { type LoadedSet, type LoadParts, loadSet } from './set.ts';
import type { Shelf } from './steps-yaml.ts';
import { type ChangeGiven, type TestCase, testFile } from './test-file.ts';
import { isNothing, loadYaml, type YamlFile } from './yaml.ts';

export interface TestResult {
  runbook: string;
  file: string;
  /** The name of the case. */
  name: string;
  ok: boolean;
  /** Expected and actual value, one text for each difference. */
  differences: readonly string[];
}

export interface TestReport {
  /** Problems in the user's files and in the test files. With errors in the user's files no test is run. */
  problems: readonly Problem[];
  results: readonly TestResult[];
  /** Runbooks without a test file. */
  untested: readonly string[];
}

/** Runs runbooks/<id>.test.yaml of every runbook as dry runs, without effects. For `tocsin test`. */
export async function runRunbookTests(parts: LoadParts): Promise<TestReport> {
  const { set, problems } = await loadSet(parts);
  if (set === null) return { problems, results: [], untested: [] };
  const { runbooks: place } = set.config;
  const folder = isAbsolute(place) ? place : join(dirname(parts.configPath), place);
  const found: Problem[] = [...problems];
  const results: TestResult[] = [];
  const untested: string[] = [];
  for (const runbook of set.runbooks.values()) {
    const file = join(folder, `${runbook.id}.test.yaml`);
    const cases = await readCases(file, runbook, found);
    if (cases === null) untested.push(runbook.id);
    for (const one of cases ?? [])
      results.push({ runbook: runbook.id, file, name: one.name, ...(await runCase(runbook, one, parts.steps)) });
  }
  return { problems: found, results, untested };
}

/** The tests of one loaded runbook. `dry: false` reads the file and runs nothing. `there` is false when it has no test file. */
export async function testRunbook(
  runbook: Runbook,
  file: string,
  { steps, dry }: { steps: Shelf; dry: boolean },
): Promise<Pick<TestReport, 'problems' | 'results'> & { there: boolean; names: readonly string[] }> {
  const problems: Problem[] = [];
  const results: TestResult[] = [];
  const cases = await readCases(file, runbook, problems);
  for (const one of dry ? (cases ?? []) : [])
    results.push({ runbook: runbook.id, file, name: one.name, ...(await runCase(runbook, one, steps)) });
  return { there: cases !== null, problems, results, names: (cases ?? []).map(one => one.name) };
}

/** The problems of all test files, beside a loaded set or one that has errors. For `tocsin check`. */
export async function checkRunbookTests({ set, folder }: LoadedSet): Promise<Problem[]> {
  const names = (await readdir(folder).catch(() => [])).filter(name => /^[^._#].*\.test\.yaml$/.test(name)).sort();
  const problems: Problem[] = [];
  for (const name of names) {
    const id = name.replace(/\.test\.yaml$/, '');
    const runbook = set?.runbooks.get(id) ?? null;
    await readCases(join(folder, name), runbook, problems);
    if (set === null || runbook !== null) continue;
    const near = nearest(id, set.runbooks.keys());
    problems.push({
      file: join(folder, name),
      line: 1,
      column: 1,
      code: 'file-invalid',
      level: 'warning',
      message: `there is no runbook "${id}" beside it, so that nothing here is tested`,
      given: name,
      ...(near === null ? {} : { nearest: near }),
    });
  }
  return problems;
}

async function readCases(file: string, runbook: Runbook | null, problems: Problem[]): Promise<TestCase[] | null> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    if (isMissing(error)) return null;
    problems.push(unreadable(file, error));
    return [];
  }
  const loaded = loadYaml(file, bytes);
  if (!loaded.ok) {
    problems.push(...loaded.problems);
    return [];
  }
  const faults = createFaults(loaded.yaml);
  const { parsed } = readAs(
    testFile,
    runbook === null ? loaded.yaml.data : paramsAsDeclared(loaded.yaml, runbook),
    faults,
    [],
  );
  if (!parsed.success) faults.addIssues([], parsed.error.issues, testFile);
  problems.push(...faults.list);
  return parsed.success && faults.list.length === 0 ? parsed.data.cases : [];
}

/** The cases with the text of parameters that are declared as text: `version: 1.10` is "1.10" there, as it is on the command line. */
function paramsAsDeclared(yaml: YamlFile, runbook: Runbook): unknown {
  const texts = new Map<string, string>();
  const cases = (yaml.data as { cases?: unknown } | null)?.cases;
  const names = runbook.view.params
    .filter(({ type }) => type !== 'number' && type !== 'boolean')
    .map(({ name }) => name);
  for (const index of Array.isArray(cases) ? cases.keys() : [])
    for (const place of [['params'], ['expect', 'params']])
      for (const name of names) {
        const path = ['cases', index, ...place, name];
        const written = yaml.written(path);
        if (written !== null && !isNothing(written)) texts.set(pathKey(path), written);
      }
  return withScalars(yaml.data, texts);
}

type Outcome = Pick<TestResult, 'ok' | 'differences'>;

async function runCase(runbook: Runbook, one: TestCase, shelf: Shelf): Promise<Outcome> {
  const start = startOf(runbook, one);
  const differences: string[] = [];
  const { expect } = one;
  if (expect.matches !== undefined && expect.matches !== start.matches)
    differences.push(`matches: expected ${expect.matches}, came ${start.matches}`);
  if (expect.refused !== undefined && !(start.refused ?? '').includes(expect.refused))
    differences.push(`refused: expected a reason with "${expect.refused}", came ${start.refused ?? 'no refusal'}`);
  if (start.params === null) {
    if (expect.refused === undefined && expect.matches !== false)
      differences.push(start.refused ?? 'no trigger holds for the event');
    return { ok: differences.length === 0, differences };
  }
  compare(differences, 'params', expect.params, start.params);
  compare(differences, 'targets', expect.targets, runbook.targets(start.params));
  const ran = await runDry(runbook, start.params, start.alert, one.steps, shelf);
  compareRun(differences, expect, ran);
  return { ok: differences.length === 0, differences };
}

function compareRun(differences: string[], expect: TestCase['expect'], ran: DryRun) {
  for (const key of ['steps', 'skipped', 'undone'] as const) compare(differences, key, expect[key], ran[key]);
  for (const [id, input] of Object.entries(expect.inputs ?? {}))
    compare(differences, `inputs.${id}`, input, ran.inputs[id]);
  const state = expect.state ?? 'succeeded';
  if (state !== ran.state)
    differences.push(`state: expected ${state}, came ${ran.state}${ran.because === null ? '' : ` (${ran.because})`}`);
}

function compare(differences: string[], name: string, expected: unknown, came: unknown) {
  if (expected === undefined || isDeepStrictEqual(plain(expected), plain(came))) return;
  differences.push(`${name}: expected ${canonicalJson(expected)}, came ${canonicalJson(came)}`);
}

function plain(value: unknown): Json {
  return value === undefined ? null : (JSON.parse(canonicalJson(value)) as Json);
}

interface Start {
  matches: boolean;
  params: Params | null;
  refused: string | null;
  alert: Alert | null;
}

function startOf(runbook: Runbook, one: TestCase): Start {
  const event = one.event === undefined ? null : eventOf(one.event);
  const alert = alertOf(event);
  try {
    if (event === null) return { matches: false, params: runbook.params.parse(one.params ?? {}), refused: null, alert };
    const trigger = runbook.triggers.find(candidate => takes(candidate, one) && holds(candidate, event, alert));
    if (trigger === undefined) return { matches: false, params: null, refused: null, alert };
    return { matches: true, params: trigger.params({ event, alert }), refused: null, alert };
  } catch (error) {
    return { matches: event !== null, params: null, refused: messageOf(error), alert };
  }
}

/** A change is told twice: to other triggers when it arrives, and to those of unpermitted ones when it was judged. */
function takes({ unpermitted }: Trigger, { event }: TestCase): boolean {
  return (unpermitted ?? false) === (event?.change?.unpermitted ?? false);
}

function holds(trigger: Trigger, event: Event, alert: Alert | null): boolean {
  if (
    trigger.source !== event.source ||
    !takesKind(trigger.kind, event.body.kind) ||
    !trigger.match.every(match => labelHolds(match, event.body.labels[match.label] ?? ''))
  )
    return false;
  return trigger.where === null || trigger.where({ event, alert });
}

function labelHolds(match: LabelMatch, value: string): boolean {
  if (match.kind === 'equals') return match.value === value;
  return match.kind === 'in' ? match.values.includes(value) : match.test(value);
}

/** A fixed time, so that a test gives the same result on every day. */
const at = Date.UTC(2026, 0, 15, 12);

function eventOf(given: NonNullable<TestCase['event']>): Event {
  return { id: 'evt_test', source: given.source, receivedAt: at, raw: null, trusted: true, body: bodyOf(given) };
}

function bodyOf(given: NonNullable<TestCase['event']>): IncomingEvent {
  const common = { title: given.title, labels: given.labels, links: [], occurredAt: at };
  if (given.schedule !== undefined) return { kind: 'tick', ...common, schedule: given.schedule, at };
  if (given.notice !== undefined) return { kind: 'notice', ...common, type: given.notice };
  if (given.change !== undefined) return changeEvent(given.change, common);
  return {
    kind: 'alert',
    ...common,
    state: given.state,
    fingerprint: 'test',
    severity: given.severity,
    annotations: given.annotations,
    startsAt: at,
    endsAt: given.state === 'resolved' ? at : null,
  };
}

function changeEvent(
  given: ChangeGiven,
  common: Pick<IncomingEvent, 'title' | 'labels' | 'occurredAt'>,
): IncomingEvent {
  const { actor, before, after, outcome, error, id, unpermitted: _, ...rest } = given;
  const failed = error !== undefined || outcome === 'failure';
  return changeOf({
    ...common,
    ...rest,
    actor: { name: actor },
    before: stateOf(before),
    after: stateOf(after),
    outcome: failed ? { error } : outcome,
    changeId: id,
  });
}

function stateOf(given: ChangeGiven['before']): ToldState | null {
  if (given === undefined) return null;
  return typeof given === 'string' ? { digest: given } : { facts: given };
}

function alertOf(event: Event | null): Alert | null {
  return event?.body.kind === 'alert' ? foldAlert(null, { ...event, body: event.body }, 'opened', 'alt_test') : null;
}

/** One line for each case, with its differences below. */
export function showTests(report: TestReport): string {
  const lines = report.results.flatMap(result => [
    `${result.ok ? 'ok  ' : 'FAIL'} ${result.runbook}: ${result.name}`,
    ...result.differences.map(text => `       ${text}`),
  ]);
  const failed = report.results.filter(result => !result.ok).length;
  const without = report.untested.length === 0 ? [] : [`no test: ${report.untested.join(', ')}`];
  return [...lines, ...without, `${report.results.length - failed} passed, ${failed} failed`].join('\n');
}
