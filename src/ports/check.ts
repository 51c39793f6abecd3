import type { Clock } from '../kernel/clock.ts';

/** One thing that `tocsin doctor` looked at. */
export interface Finding {
  /** What was looked at: `the bot token`, `channel #ops`. */
  what: string;
  state: 'ok' | 'warning' | 'bad';
  /** What was found, in a sentence; needed unless it is ok. */
  because?: string;
  /** What to do. */
  remedy?: string;
  /** The page where it is set. */
  page?: string;
}

/** What checks are made with. They look, and change nothing. */
export interface CheckTools {
  clock: Clock;
  /** The time of each answer is compared with the clock of this machine, so a check need not do it. */
  fetch: typeof fetch;
  env(name: string): string | undefined;
  signal: AbortSignal;
  /** Where people and senders reach Tocsin; null when tocsin.yaml does not say. */
  url: string | null;
  /** For a source: its name, as in `/events/{name}`. For a platform: its id. */
  name: string;
  /** For a platform: the channels that routes name, without the platform. */
  channels: readonly string[];
  /** For a platform: the groups that it keeps for tocsin.yaml and policy. For an origin: escalation policies and schedules. */
  groups: readonly string[];
  /** The accounts that people of tocsin.yaml have there, by person. */
  accounts: Readonly<Record<string, string>>;
}
