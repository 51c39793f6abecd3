import type { Json } from '../kernel/canonical.ts';
import type { Actor } from '../model/actor.ts';
import type { Alert } from '../model/alert.ts';
import type { Config } from '../model/config.ts';
import type { Ask, Risk, TriggerKind, Verdict } from '../model/decision.ts';
import type { Event, Labels, Severity } from '../model/event.ts';
import type { ServiceDoors } from '../model/gates/doors.ts';
import type { Evidence, EvidenceRules } from '../model/gates/evidence.ts';
import type { FeedSpec } from '../model/gates/feed.ts';
import type { Door } from '../model/gates/gate.ts';
import type { GateFile } from '../model/gates/gates-file.ts';
import type { BadEntry, BadMatch } from '../model/gates/known-bad.ts';
import type { KubernetesDoorFile } from '../model/gates/kubernetes-door.ts';
import type { Subject } from '../model/gates/subject.ts';
import type { LedgerFile } from '../model/ledger/ledger-file.ts';
import type { Plan } from '../model/plan.ts';
import type { DetectRule } from '../model/records/records.ts';
import type { CatalogueView } from './chat.ts';
import type { LabelMatch, Runbook } from './runbook.ts';
import type { Source } from './source.ts';

/** The user's files (config, policy, runbooks) as one consistent set. When an edit breaks a file, the last good set stays in force. */
export interface Catalogue {
  /** The set in force. A reload replaces it as a whole; it is never changed in place. */
  current(): CatalogueSet;
  /** Errors in the present files; empty when the set in force matches the files. */
  problems(): readonly Problem[];
  /** Calls the listener after each reload that changed the set or its problems. Returns the function that unsubscribes. */
  onChange(listener: () => void): () => void;
  /** Reads the files again. */
  reload(): Promise<void>;
  /**
   * Loads a runbook from a plan's snapshot, so that exactly what was approved runs. `files` are the bytes by path. Rejects with
   * `plan-changed` when they do not match the plan.
   */
  fromSnapshot(plan: Plan, files: ReadonlyMap<string, Uint8Array>): Promise<Runbook>;
  close(): Promise<void>;
}

export interface CatalogueSet {
  config: Config;
  policy: Policy;
  runbooks: ReadonlyMap<string, Runbook>;
  /** The sources of tocsin.yaml by the name in `/events/{name}`, with their parsed options. */
  sources: ReadonlyMap<string, ConfiguredSource>;
  /**
   * The channels, as `platform:channel`, in which this alert or event is posted: those of the first route that holds, else
   * `console:alerts`. Never empty, never throws.
   */
  route(variables: { event: Event | null; alert: Alert | null }): readonly string[];
  /** All channels that routes and the fallback name, with their positions. */
  targets: readonly RouteTarget[];
  /** The gates of gates.yaml by name. */
  gates: ReadonlyMap<string, GateSpec>;
  /** What changes.yaml says. */
  changes: ChangesSpec;
  /** The doors of gates.yaml. */
  doors: Doors;
  /** What known-bad.yaml says. */
  knownBad: KnownBadFile;
  /** The alerts that must keep coming. */
  expectations: readonly Expectation[];
  /** SHA-256 over all files of this set. */
  digest: string;
  view: CatalogueView;
}

/** What known-bad.yaml says. */
export interface KnownBadFile {
  entries: readonly BadEntry[];
  feeds: readonly FeedSpec[];
  /** The folders of local clones, by repository. */
  clones: ReadonlyMap<string, string>;
}

/** A gate of gates.yaml. */
export interface GateSpec {
  name: string;
  about: string;
  /** Who may ask, by identity: `service:ci`, `person:alice`, `service:door:kubernetes`. */
  ask: readonly string[];
  /** What a subject must have. */
  needs: readonly (keyof Subject)[];
  /** The channels of its threads, as `platform:channel`; the default route when empty. */
  to: readonly string[];
  /** Where no image and no commit comes in without its verdict. */
  guards: GateFile['guards'];
  /** For how long an allow holds, milliseconds; null until it is revoked. */
  holds: number | null;
  /** What it takes as evidence. */
  evidence: EvidenceRules;
}

/** What changes of the environment are held against. Times are milliseconds. */
export interface ChangesSpec {
  /** What is held against permits, and which permits are taken; null without a changes.yaml: then nothing is held. */
  ledger: LedgerFile | null;
  /** Whose a principal is: people by the names that changes carry of them. */
  principals: ReadonlyMap<string, string>;
  /** Who may open a window for themselves; null when nobody may. */
  breakGlass: BreakGlassSpec | null;
  /** Who agrees to a claim; null for whoever is asked when nobody is named. */
  claims: { by: readonly string[]; quorum: number; expires: number } | null;
}

export interface BreakGlassSpec {
  /** Groups or people. */
  by: readonly string[];
  /** The longest window. */
  max: number;
  /** The sources whose origins page people; null for all that can. */
  pages: readonly string[] | null;
  /** The channels of its thread, as `platform:channel`; the default route when empty. */
  to: readonly string[];
  mention: readonly string[];
}

/** The doors of gates.yaml; null for those that it does not have. */
export interface Doors extends ServiceDoors {
  kubernetes: KubernetesDoor | null;
}

/** The door for the API server of a cluster, with files as absolute paths. */
export interface KubernetesDoor extends Omit<KubernetesDoorFile, 'listen'> {
  listen: { host: string; port: number };
}

/** An alert that must keep coming. When it stays away, that is an alert of the source `expect`. */
export interface Expectation {
  /** For people, and the label `expect` of its alert. */
  name: string;
  /** The fingerprint of its alert: of the name that the file gives, else of what is matched. */
  key: string;
  /** The source that must bring it; null for any. */
  source: string | null;
  match: readonly LabelMatch[];
  /** What is matched, for people: `alertname: Watchdog`. */
  text: string;
  /** Milliseconds. */
  every: number;
  severity: Severity;
  labels: Labels;
}

/** The source of the alerts that say that something expected is missing. It is no source of tocsin.yaml, and takes no deliveries. */
export const expectSource = 'expect';

/** The source of the alerts of unpermitted changes; like `expect` no source of tocsin.yaml. */
export const changesSource = 'changes';

/** A channel that tocsin.yaml names. Lines and columns count from 1. */
export interface RouteTarget {
  platform: string;
  channel: string;
  file: string;
  line: number;
  column: number;
}

export interface ConfiguredSource {
  name: string;
  driver: Source;
  options: unknown;
  /** Rules for its records from files that its options name, besides those of the options. */
  rules?: readonly DetectRule[];
}

/** One mistake in a file. Lines and columns count from 1. */
export interface Problem {
  file: string;
  line: number;
  column: number;
  code: string;
  message: string;
  allowed?: string;
  given?: string;
  /** The nearest known word, as a suggestion. */
  nearest?: string;
  level: 'error' | 'warning';
}

export interface Policy {
  rules: readonly Rule[];
}

export interface Rule {
  name: string;
  /** The CEL text, `true` when the rule has none. */
  text: string;
  /** Throws when it cannot be evaluated; then the decision is `approve` at most. False for a rule that speaks of gates. */
  when(variables: PolicyVariables): boolean;
  /** The first part of `text` that is false, as it is written; null when all hold. Left out where there is nothing to take apart. */
  falseClause?(variables: PolicyVariables): string | null;
  /** Null for a rule that does not decide about gates: it speaks of runs, or it would let through without a word about gates. */
  gate: GateRule | null;
  decide: Verdict;
  ask: Ask | null;
  limit: Limit | null;
  /** True when runs by this rule may resolve the alert at its origin after they verified that it is gone. */
  resolves?: boolean;
}

/** What a rule says about gates. */
export interface GateRule {
  /** Whether it holds; throws like `when`. */
  holds(variables: GateVariables): boolean;
  /** The first part of its condition that does not hold, for people; null when all hold. */
  falseClause(variables: GateVariables): string | null;
  /** False when it cannot hold for the gate of this name, whatever is asked. */
  mayHoldFor(gate: string): boolean;
  /** True when it reads `gate.knownBad`: such a rule decides itself about what is known to be bad. */
  judgesKnownBad: boolean;
  /** True when it reads `alerts`, which costs a look at the store. */
  readsAlerts: boolean;
}

/** Brakes on `auto` (a rate limit of automation): a brake that trips turns `auto` into `approve`. */
export interface Limit {
  /** At most this many automatic runs of the runbook an hour. */
  perHour: number | null;
  /** At most `count` automatic runs on one target within `within` milliseconds. */
  perTarget: { count: number; within: number } | null;
}

/** What a rule sees of a gate. */
export interface GateVariables {
  gate: {
    name: string;
    door: Door;
    subject: Subject;
    evidence: Evidence;
    knownBad: readonly BadMatch[];
  };
  /** The alerts that fire now, also silenced ones; null where there are more than a rule can look at. Empty where no rule reads them. */
  alerts: readonly Alert[] | null;
  /** Who asks. */
  actor: Actor;
  /** Milliseconds since the epoch. */
  now: number;
}

export interface PolicyVariables {
  event: Event | null;
  alert: Alert | null;
  runbook: { id: string; title: string; risk: Risk };
  params: Readonly<Record<string, Json>>;
  targets: readonly string[];
  actor: Actor;
  trigger: TriggerKind;
  /** Milliseconds since the epoch. */
  now: number;
  history: { runsLastHour: number; failuresLastHour: number };
}
