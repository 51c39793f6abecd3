import { z } from 'zod';
import { argvInput, showArgv } from '../kernel/child/argv.ts';
import { duration, showDuration } from '../kernel/duration.ts';
import {
  httpRequest,
  isOkStatus,
  sendRequest,
  showAnswer,
  showFailure,
  showRequest,
} from '../kernel/egress/request.ts';
import { defineStep, type StepContext, type StepResult } from '../ports/step.ts';

const within = duration.meta({ description: 'How long it may take, from the first look.' });
const every = duration.prefault('5s').meta({ description: 'The pause between two looks.' });

const input = z.union([
  z.strictObject({
    resolved: z.literal(true).meta({ description: 'Until the alert is gone, as its source says.' }),
    within,
  }),
  z.strictObject({ exec: argvInput.meta({ description: 'Until this program exits with 0.' }), every, within }),
  z.strictObject({ http: httpRequest.meta({ description: 'Until this request succeeds.' }), every, within }),
]);
type Input = z.infer<typeof input>;
type Resolved = Extract<Input, { resolved: true }>;
type Condition = Exclude<Input, Resolved>;

/** The time-out of one check, milliseconds. */
const checkTimeout = 30_000;

export default defineStep<Input, null>({
  id: 'verify',
  about:
    "Closes the loop: waits until the alert is gone, or until a program or a request succeeds. A source that can be asked is asked (Alertmanager's API); otherwise its news is waited for. When the alert still fires after the last step the run ends `ineffective`; without any news it ends `unconfirmed`. The run holds no worker between two looks.",
  input,
  output: z.null(),
  risk: 'none',
  idempotent: true,
  timeout: null,
  examples: [
    {
      title: 'Until the alert is gone',
      input: { resolved: true, within: '10m' },
      expect: { state: 'waiting', for: 'resolve' },
    },
    {
      title: 'Until a program succeeds',
      input: { exec: ['true'], within: '1m' },
      expect: { state: 'done', output: null },
    },
    {
      title: 'A program that does not yet',
      input: { exec: ['false'], every: '10s', within: '1m' },
      expect: { state: 'waiting', for: 'timer' },
    },
    {
      title: 'Until a request succeeds',
      input: { http: { url: 'http://service.example/healthz' }, within: '1m' },
      expect: { state: 'done', output: null },
    },
    { title: 'It needs an end', input: { resolved: true }, expect: { refused: 'within' } },
  ],
  show,
  async run(what, context) {
    if (context.dry) return { state: 'done', output: null };
    return 'resolved' in what ? await lookAtAlert(what, context) : await lookAtCondition(what, context);
  },
});

function show(what: Input): string {
  const time = `within ${showDuration(what.within)}`;
  if ('resolved' in what) return `until the alert is gone, ${time}`;
  return 'exec' in what
    ? `until ${showArgv(what.exec)} succeeds, ${time}`
    : `until ${showRequest(what.http)} succeeds, ${time}`;
}

async function lookAtAlert({ within: time }: Resolved, context: StepContext): Promise<StepResult<null>> {
  const alert = await context.alert();
  if (alert === null)
    return { state: 'failed', because: 'there is no alert to verify: the run was not started for one' };
  // A later episode means that the episode of this run has ended.
  const over = alert.state === 'resolved' || (context.run.episode !== null && alert.episode > context.run.episode);
  if (over) return { state: 'done', output: null };
  const firing = await context.isFiring();
  if (firing === 'resolved') return { state: 'done', output: null };
  const { now, since, deadline } = times(context, time);
  if (now < deadline)
    return { state: 'waiting', for: 'resolve', wakeAt: Math.min(deadline, now + pauseAfter(now - since)) };
  const fresh = firing === 'firing' || alert.lastFiring > context.lastStepAt;
  return fresh
    ? {
        state: 'failed',
        because: `the alert still fires ${showDuration(time)} after the last step`,
        ending: 'ineffective',
      }
    : { state: 'failed', because: `there was no news of the alert for ${showDuration(time)}`, ending: 'unconfirmed' };
}

/** Milliseconds until the source is asked again: often at first, because most fixes show at once, then less often (2 s to 30 s). */
function pauseAfter(elapsed: number): number {
  return Math.min(30_000, Math.max(2000, Math.round(elapsed / 4)));
}

async function lookAtCondition(what: Condition, context: StepContext): Promise<StepResult<null>> {
  const because = 'exec' in what ? await tryProgram(what.exec, context) : await tryRequest(what.http, context);
  if (because === null) return { state: 'done', output: null };
  const { now, deadline } = times(context, what.within);
  if (now >= deadline)
    return { state: 'failed', because: `not within ${showDuration(what.within)}: ${because}`, ending: 'ineffective' };
  return { state: 'waiting', for: 'timer', wakeAt: Math.min(deadline, now + what.every) };
}

function times(context: StepContext, time: number) {
  const now = context.clock.now();
  const since = context.waiting?.since ?? now;
  return { now, since, deadline: since + time };
}

/** Null when the program succeeded, else the reason. */
async function tryProgram(argv: readonly string[], context: StepContext): Promise<string | null> {
  const { exitCode, signal } = await context.spawn({ argv, timeout: checkTimeout });
  return exitCode === 0 ? null : exitCode === null ? `ended by ${signal ?? 'a signal'}` : `exit code ${exitCode}`;
}

async function tryRequest(
  request: Extract<Condition, { http: unknown }>['http'],
  context: StepContext,
): Promise<string | null> {
  try {
    // The step itself has no time-out, so a service that answers very slowly must not hold the worker.
    const signal = AbortSignal.any([context.signal, AbortSignal.timeout(checkTimeout)]);
    const answer = await sendRequest(request, { ...context, signal, secret: name => context.secret(name) });
    return isOkStatus(answer.status, request.okStatus) ? null : showAnswer(answer);
  } catch (error) {
    if (context.signal.aborted) throw error;
    return showFailure(error);
  }
}
