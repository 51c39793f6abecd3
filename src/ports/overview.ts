import type { Actor } from '../model/actor.ts';
import type { Standing } from '../model/approval.ts';
import type { NodeFacts } from '../model/node.ts';
import type { Finding } from './check.ts';

/** What the console's pages about the house itself are made of: who may do what, what is due, and how everything is. It only reads. */
export interface Overview {
  /** What waits for this person or service now, the oldest first. Never rejects for a group that cannot be asked: nobody is in it then. */
  waitingFor(who: Actor): Promise<readonly WaitingItem[]>;
  people(): Promise<PeopleView>;
  /** What would become of what the person could press, by the same functions as a press. Changes nothing. Null for an unknown person. */
  mayDo(person: string, about: MayQuestion): Promise<readonly MayAnswer[] | null>;
  /** The jobs of all schedule sources, the next due first. */
  schedules(): Promise<readonly ScheduledJob[]>;
  status(): Promise<StatusView>;
  /** Asks chat platforms and origins whether all that is needed of them is there, as `tocsin doctor` does. Never rejects. */
  checks(): Promise<readonly CheckedPart[]>;
  /** What the tests beside a runbook say. Null when there is no such runbook. */
  tests(runbook: string): Promise<TestsView | null>;
}

export interface WaitingItem {
  kind: 'approval' | 'question';
  /** The id of the approval, or of the run that asks. */
  id: string;
  /** The run or the gate that waits; null for a claim of a change. */
  run: string | null;
  gate: string | null;
  claim: string | null;
  since: number;
}

export interface PeopleView {
  people: readonly PersonView[];
  groups: readonly GroupView[];
  /** What tocsin.yaml names as operators; empty when everybody is one. */
  operators: readonly string[];
}

export interface PersonView {
  id: string;
  /** The linked accounts by platform. */
  accounts: Readonly<Record<string, string>>;
  groups: readonly string[];
  operator: boolean;
}

export interface GroupView {
  name: string;
  /** Each place that keeps members of it, and how fresh its answer is. */
  parts: readonly { people: readonly string[]; how: Standing['how']; from: string; at: number }[];
  /** The rules of the policy that ask it. */
  rules: readonly string[];
}

export interface MayQuestion {
  runbook: string | null;
  /** `name=value` words, as after the command `run`. */
  params: string;
  alert: string | null;
}

/** `would` says what would happen: at once, after others agreed, or not at all. */
export interface MayAnswer {
  what: string;
  would: 'yes' | 'asks' | 'no';
  because: string;
}

export interface ScheduledJob {
  source: string;
  job: string;
  title: string | null;
  cron: string;
  timezone: string;
  missed: 'skip' | 'once';
  labels: Readonly<Record<string, string>>;
  /** Runbooks with a trigger that takes its tick. */
  runbooks: readonly string[];
  /** The next times at which it is due, milliseconds since the epoch. */
  next: readonly number[];
  /** The newest tick; null when none is among the newest entries of the journal. */
  last: TickView | null;
  /** The newest time at which it was due before now; null when there was none for a month. */
  due: number | null;
}

export interface TickView {
  at: number;
  event: string;
  /** What came of it, by runbook. */
  runs: readonly string[];
  refused: readonly { runbook: string; verdict: 'notify' | 'deny'; because: string }[];
}

export interface StatusView {
  version: string;
  ready: boolean;
  draining: boolean;
  /** The parts of `/readyz`: null for one that is well. */
  parts: Readonly<Record<string, string | null>>;
  node: string;
  nodes: readonly NodeFacts[];
  problems: readonly string[];
  dispatcher: string;
  store: string;
  /** Runs that are worked on here, and places for them. */
  work: { busy: number; places: number };
}

export interface CheckedPart {
  title: string;
  findings: readonly Finding[];
}

export interface TestsView {
  /** The path of the test file; null when there is none. */
  file: string | null;
  /** Null while it is not known whether they pass, with the reason. */
  checkedAt: number | null;
  because: string | null;
  cases: readonly { name: string; ok: boolean | null; differences: readonly string[] }[];
}
