import { z } from 'zod';
import { duration, showDuration } from '../kernel/duration.ts';
import { defineStep } from '../ports/step.ts';

export default defineStep<number, null>({
  id: 'wait',
  about: 'Waits. The run holds no worker meanwhile, and the time goes on while Tocsin is down.',
  input: duration,
  output: z.null(),
  risk: 'none',
  idempotent: true,
  timeout: null,
  examples: [
    { title: 'Ten minutes', input: '10m', expect: { state: 'waiting', for: 'timer' } },
    { title: 'No time at all', input: '0s', expect: { state: 'done', output: null } },
    { title: 'A number needs a unit in a file', input: 'ten minutes', expect: { refused: 'is not a duration' } },
  ],
  deed: () => ({ kind: 'quiet' }),
  show: time => `wait ${showDuration(time)}`,
  async run(time, context) {
    const until = (context.waiting?.since ?? context.clock.now()) + time;
    if (context.dry || context.clock.now() >= until) return { state: 'done', output: null };
    return { state: 'waiting', for: 'timer', wakeAt: until };
  },
});
