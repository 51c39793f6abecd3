import { z } from 'zod';
import { argvInput, showArgv } from '../kernel/child/argv.ts';
import { howItEnded } from '../kernel/child/result.ts';
import { duration, showDuration, showInstant } from '../kernel/duration.ts';
import {
  httpRequest,
  isOkStatus,
  sendRequest,
  showAnswer,
  showFailure,
  showRequest,
} from '../kernel/egress/request.ts';
import type { Alert, AlertEnd } from '../model/alert.ts';
import { defineStep, type Seen, type StepContext, type StepResult } from '../ports/step.ts';

const within = duration.meta({ description: 'How long it may take, from the first look.' });
const every = duration.prefault('5s').meta({ description: 'The pause between two looks.' });

const input = z.union([
  z.strictObject({
    resolved: z.literal(true).meta({ description: 'Until the alert is gone, as its source says.' }),
    within,
    apart: duration
      .prefault('10s')
      .meta({ description: 'The least time between two looks that both do not find it, before it counts as gone.' }),
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
    "Closes the loop: waits until the alert is gone, or until a program or a request succeeds. A source that can be asked is asked (Alertmanager's API), and gone means two looks apart, or a resolve; otherwise its news is waited for. When the alert still fires after the last step, or fires anew, the run ends `ineffective`; without any news, or when the alert only expired because its source heard nothing more, it ends `unconfirmed`. The run holds no worker between two looks.",
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
  deed: () => ({ kind: 'quiet' }),
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

async function lookAtAlert(what: Resolved, context: StepContext): Promise<StepResult<null>> {
  const alert = await context.alert();
  if (alert === null)
    return { state: 'failed', because: 'there is no alert to verify: the run was not started for one' };
  if (context.run.episode !== null && alert.episode > context.run.episode)
    return ineffective(`the alert fires anew since ${showInstant(alert.startsAt)}: it is a new episode`);
  const seen = await context.look();
  // It ended and began again between two news. One that began before the last step ended with it, all the same.
  if (alert.state === 'resolved' && alert.end?.how === 'untold' && alert.startsAt > context.lastStepAt)
    return ineffective(`the alert fired anew at ${showInstant(alert.startsAt)}, before it ended`);
  if (alert.state === 'resolved') return endedBy(alert.end, seen, what);
  if (seen.state === 'gone' && seen.at - seen.since >= what.apart) return endedBy(seen.end, seen, what);
  const { now, since, deadline } = times(context, what.within);
  // Gone in one look: the second is waited for, also a little beyond the end. Meanwhile it may be found again.
  if (seen.state === 'gone')
    return waitUntil(now + Math.max(1000, Math.min(pauseAfter(now - since), what.apart - (seen.at - seen.since))));
  if (now < deadline) return waitUntil(Math.min(deadline, now + pauseAfter(now - since)));
  return afterDeadline(alert, seen, what, context);
}

function waitUntil(wakeAt: number): StepResult<null> {
  return { state: 'waiting', for: 'resolve', wakeAt };
}

/** An end is a cure unless something says that it is none. `end` is null for a resolve that an older build took in. */
function endedBy(end: AlertEnd | null, seen: Seen, { within: window }: Resolved): StepResult<null> {
  switch (end?.how) {
    case 'expired':
    case 'unwatched':
    case 'merged':
    case 'closed':
      return { state: 'failed', because: `the alert is over, but ${whyNoCure(end, seen)}`, ending: 'unconfirmed' };
    default:
      return {
        state: 'done',
        output: null,
        window,
        ...(seen.state === 'blind' ? { because: seen.because } : {}),
      };
  }
}

function whyNoCure(end: AlertEnd, seen: Seen): string {
  if (end.how === 'merged') return `it was ${end.because ?? 'merged into another'}, where it goes on`;
  if (end.how === 'closed') return `an operator closed it (${end.because ?? 'no reason'})`;
  // An origin that cannot be asked is why nobody had looked.
  const asked = end.how === 'unwatched' && seen.state === 'unknown' ? `; ${seen.because}` : '';
  return `${end.because ?? 'nobody knows why'}${asked}`;
}

function afterDeadline(alert: Alert, seen: Seen, what: Resolved, context: StepContext): StepResult<null> {
  const time = showDuration(what.within);
  const fresh = seen.state === 'firing' || alert.lastFiring > context.lastStepAt;
  if (fresh) return ineffective(`the alert still fires ${time} after the last step`);
  const why = seen.state === 'unknown' || seen.state === 'blind' ? `; ${seen.because}` : '';
  return { state: 'failed', because: `there was no news of the alert for ${time}${why}`, ending: 'unconfirmed' };
}

function ineffective(because: string): StepResult<null> {
  return { state: 'failed', because, ending: 'ineffective' };
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
  const since = context.clock.monotonic();
  const ended = await context.spawn({ argv, timeout: checkTimeout });
  if (ended.exitCode === 0) return null;
  const how = howItEnded(ended, argv);
  return context.clock.monotonic() - since >= checkTimeout
    ? `${how}, after ${showDuration(checkTimeout)}: one look takes no longer`
    : how;
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
