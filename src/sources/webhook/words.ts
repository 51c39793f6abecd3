import type { IncomingAlert, Severity } from '../../model/event.ts';
import { severityOf } from '../../model/incoming.ts';

export const stateNames = [
  'firing',
  'resolved',
  'acknowledged',
  'unacknowledged',
  'notice',
] as const satisfies readonly (IncomingAlert['state'] | 'notice')[];
export type StateName = (typeof stateNames)[number];
/** The states of a permit; `notice` for what is none, such as a ticket that nobody has approved yet. */
export const permitStates = ['open', 'ended', 'notice'] as const;
export type PermitState = (typeof permitStates)[number];
/** What a sender's word may be said to mean. */
export const allStates = [...stateNames, 'open', 'ended'] as const;
type AnyState = (typeof allStates)[number];
export const severityNames = ['critical', 'error', 'warning', 'info'] as const satisfies readonly Severity[];

/**
 * The words of common senders, lower case: types of notification of Nagios and Icinga 2 (PROBLEM, RECOVERY, DowntimeStart), their states of
 * hosts and services, the event status of Zabbix (PROBLEM, RESOLVED, OK), severities of collectd.
 */
const known: Readonly<Record<StateName, readonly string[]>> = {
  firing: ['problem', 'warning', 'critical', 'unknown', 'down', 'unreachable', 'failure'],
  resolved: ['recovery', 'ok', 'okay', 'up'],
  acknowledged: ['acknowledgement'],
  unacknowledged: [],
  notice: [
    'custom',
    'downtimestart',
    'downtimeend',
    'downtimecancelled',
    'downtimeremoved',
    'flappingstart',
    'flappingstop',
    'flappingend',
    'flappingdisabled',
  ],
};

const states = new Map(stateNames.flatMap(name => [name, ...known[name]].map(word => [word, name] as const)));

/** A sender's words, in lower case. */
type Words<Name> = ReadonlyMap<string, Name>;

/** The state for a sender's word, or null when it is not known. The words of the options come first. */
export function stateOf(word: string, own: Words<AnyState>): StateName | null {
  const key = fold(word);
  const named = own.get(key);
  if (named !== undefined) return stateNames.find(name => name === named) ?? null;
  return states.get(key) ?? null;
}

/** The same for a permit. */
export function permitStateOf(word: string, own: Words<AnyState>): PermitState | null {
  const key = fold(word);
  const named = own.get(key) ?? key;
  return permitStates.find(name => name === named) ?? null;
}

/** The severity for a sender's word; `warning` when it is not known. The words of the options come first. */
export function severityFor(word: string, own: Words<Severity>): Severity {
  return own.get(fold(word)) ?? severityOf(word) ?? 'warning';
}

/** A word without its case and the blanks around it. */
export function fold(word: string): string {
  return word.trim().toLowerCase();
}
