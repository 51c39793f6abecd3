import type { Json } from '../kernel/canonical.ts';
import type { Actor } from '../model/actor.ts';
import type { Alert } from '../model/alert.ts';
import type { Config } from '../model/config.ts';
import type { Ask, Risk, TriggerKind, Verdict } from '../model/decision.ts';
import type { Event } from '../model/event.ts';
import type { Plan } from '../model/plan.ts';
import type { CatalogueView } from './chat.ts';
import type { Runbook } from './runbook.ts';
import type { Source } from './source.ts';

/** The files of the user as one consistent set: config, policy, runbooks. A broken edit keeps the last good set. */
export interface Catalogue {
  /** The set in force. It is replaced as a whole, never changed. */
  current(): CatalogueSet;
  /** What is wrong with the files as they are now; empty when the set in force is what the files say. */
  problems(): readonly Problem[];
  /** Called after a reload, good or bad. Returns how to stop. */
  onChange(listener: () => void): () => void;
  /** Reads the files again. */
  reload(): Promise<void>;
  /** Loads a runbook from a plan's snapshot: what was approved is what runs. `files` are the bytes by path. */
  fromSnapshot(plan: Plan, files: ReadonlyMap<string, Uint8Array>): Promise<Runbook>;
  close(): Promise<void>;
}

export interface CatalogueSet {
  config: Config;
  policy: Policy;
  runbooks: ReadonlyMap<string, Runbook>;
  /** The sources of tocsin.yaml by the name in `/events/{name}`, with their parsed options. */
  sources: ReadonlyMap<string, ConfiguredSource>;
  /** The channels, as `platform:channel`, in which this alert or event is posted: the first route that holds, else `console:alerts`. Never empty, never throws. */
  route(variables: { event: Event | null; alert: Alert | null }): readonly string[];
  /** All channels that the files name, and where: routes and the fallback. */
  targets: readonly RouteTarget[];
  /** SHA-256 over all files that made this set. */
  digest: string;
  view: CatalogueView;
}

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
}

/** One thing that is wrong in a file. Lines and columns count from 1. */
export interface Problem {
  file: string;
  line: number;
  column: number;
  code: string;
  message: string;
  allowed?: string;
  given?: string;
  /** The nearest known word. */
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
  /** Throws when it cannot be evaluated, which caps the decision at `approve`. */
  when(variables: PolicyVariables): boolean;
  decide: Verdict;
  ask: Ask | null;
  limit: Limit | null;
  /** Whether runs by this rule may resolve the alert at its origin, once it is verified gone. */
  resolves?: boolean;
}

/** Brakes on `auto`; a brake that trips turns it into `approve`. */
export interface Limit {
  /** At most this many automatic runs of the runbook an hour. */
  perHour: number | null;
  /** At most `count` automatic runs on one target within `within` milliseconds. */
  perTarget: { count: number; within: number } | null;
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
