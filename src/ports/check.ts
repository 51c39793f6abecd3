import type { Clock } from '../kernel/clock.ts';

/** The result of one check of `tocsin doctor`. */
export interface Finding {
  /** What was checked: `the bot token`, `channel #ops`. */
  what: string;
  state: 'ok' | 'warning' | 'bad';
  /** What was found, in one sentence; required unless the state is `ok`. */
  because?: string;
  /** Set on what tells whether the origin of a source can be asked and told at all. */
  asks?: true;
  /** What does not work while this is so. */
  without?: string;
  /** What to do. */
  remedy?: string;
  /** The URL of the page where it is configured. */
  page?: string;
}

/** The tools of a check. Checks only read; they change nothing. */
export interface CheckTools {
  clock: Clock;
  /** `fetch` that also compares the Date of each response with this machine's clock, so that a check need not do it. */
  fetch: typeof fetch;
  env(name: string): string | undefined;
  signal: AbortSignal;
  /** The public URL of Tocsin; null when tocsin.yaml names none. */
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
