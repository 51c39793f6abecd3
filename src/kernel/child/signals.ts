import { z } from 'zod';

const stopSignals = ['TERM', 'INT', 'HUP', 'QUIT', 'USR1', 'USR2'] as const;
export type StopSignal = (typeof stopSignals)[number];

/** The first signal that a runbook may name for the end of a step, with or without its SIG. */
export const stopSignal = z
  .enum([...stopSignals, ...stopSignals.map(name => `SIG${name}` as const)])
  .default('TERM')
  .transform(name => name.replace(/^SIG/, '') as StopSignal)
  .meta({
    description:
      'The signal that a time-out or a cancel sends first; KILL follows after 5 s. INT for programs that cancel by it: psql and mariadb end their statement on the server.',
  });
