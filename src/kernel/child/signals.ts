import { z } from 'zod';

export const stopSignals = ['TERM', 'INT', 'HUP', 'QUIT', 'USR1', 'USR2'] as const;
export type StopSignal = (typeof stopSignals)[number];

/** The first signal that a runbook may name for the end of a step. */
export const stopSignal = z.enum(stopSignals).default('TERM').meta({
  description:
    'The signal that a time-out or a cancel sends first; KILL follows after 5 s. INT for programs that cancel by it: psql and mariadb end their statement on the server.',
});
