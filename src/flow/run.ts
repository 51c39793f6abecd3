import { isCode, messageOf, TocsinError } from '../kernel/errors.ts';
import { redactText } from '../kernel/redact.ts';
import { system } from '../model/actor.ts';
import { type Ending, isEnded, type Run } from '../model/run.ts';
import type { Runbook } from '../ports/runbook.ts';
import { journalCancel } from './cancel.ts';
import { type EngineParts, maySteps, voidApprovals } from './engine-parts.ts';
import { type HeldLease, keepLease } from './heartbeat.ts';
import { StepFailed } from './perform-step.ts';
import { checkPlan, readPlan } from './plan.ts';
import { createPerformer, type Performer } from './session.ts';
import { attemptStep, redactOutcome, Stopped } from './step.ts';
import { createStepApi } from './step-api.ts';
import { createAttemptTools } from './step-context.ts';
import { type Step as Addition, failedGuard } from './streams.ts';

export interface Engine {
  /** Answers a doorbell: takes the lease, replays the run from its journal and goes on until its end or its next wait. */
  work(run: string): Promise<void>;
  /** Ends a session of this process at once: somebody cancelled the run. */
  interrupt(run: string): void;
  /** Lets running steps finish for `grace` milliseconds, then stops them; they are recorded as interrupted. */
  drain(grace: number): Promise<void>;
}

/** A lease that is not renewed for this long is another worker's for the taking, milliseconds. */
const leaseTime = 9000;
/** A run that takes its worker down this often without any progress is stopped. */
const maxCrashes = 3;

export function createEngine(parts: EngineParts): Engine {
  const sessions = new Map<string, AbortController>();
  let draining = false;
  let idle: (() => void) | null = null;

  async function work(id: string): Promise<void> {
    const run = await parts.store.run(id);
    if (run === null || draining || sessions.has(id) || !isWorkable(run)) return;
    // Whoever resumes rings for everything that waits; until then nothing begins, and nothing counts as a failed begin.
    if (run.cancel === null && (await parts.store.halted()) !== null) return;
    const lease = { name: `run/${id}`, holder: parts.holder, ttl: leaseTime };
    const token = await parts.store.acquire(lease);
    if (token === null) return;
    const stop = new AbortController();
    sessions.set(id, stop);
    const endHeartbeat = startHeartbeat(id, { ...lease, token }, stop, parts);
    try {
      // Another worker may have gone on with it between the first look and the lease: what counts is what stands now.
      const found = await parts.store.run(id);
      if (found === null || !isWorkable(found)) return;
      await runSession(
        found,
        { name: lease.name, token },
        stop.signal,
        { interrupt, isDraining: () => draining },
        parts,
      );
    } finally {
      endHeartbeat();
      sessions.delete(id);
      await parts.store.release({ ...lease, token });
      if (sessions.size === 0) idle?.();
    }
  }

  function interrupt(id: string) {
    sessions.get(id)?.abort(new Stopped('cancelled'));
  }

  return {
    work,
    interrupt,
    async drain(grace) {
      draining = true;
      const stopAll = () => {
        for (const stop of sessions.values()) stop.abort(new Stopped('draining'));
      };
      if (sessions.size === 0) return;
      const ended = new Promise<void>(resolve => {
        idle = resolve;
      });
      const late = new AbortController();
      void parts.clock.sleep(grace, late.signal).then(stopAll, () => {});
      await ended;
      late.abort();
    },
  };
}

/** Whether a worker can do anything for the run now. A run that waits for its approval, or for an answer, is nobody's work. */
function isWorkable(run: Run): boolean {
  if (isEnded(run.state)) return false;
  if (run.cancel !== null) return true;
  return run.state !== 'asking' && !(run.state === 'waiting' && run.startedAt === null);
}

/** Keeps the lease, and looks whether another process cancelled the run. Losing the lease ends the session and all that it started. */
function startHeartbeat(run: string, lease: HeldLease, stop: AbortController, parts: EngineParts): () => void {
  return keepLease(lease, {
    ...parts,
    lost(because) {
      parts.log.warn({ run, because }, 'this node lost a run: what it started for it is killed here');
      stop.abort(new Stopped('lease-lost'));
    },
    async each() {
      if ((await parts.store.run(run))?.cancel != null) stop.abort(new Stopped('cancelled'));
    },
  });
}

interface Session {
  run: Run;
  append(decide: (run: Run) => Addition | null): Promise<void>;
  engine: EngineHandle;
}

/** What a session may ask of the engine. */
interface EngineHandle {
  /** Ends the session of another run, if this process has it. */
  interrupt(run: string): void;
  /** True once the process is told to stop: what runs may finish, and nothing more begins. */
  isDraining(): boolean;
}

async function runSession(
  found: Run,
  lease: { name: string; token: number },
  signal: AbortSignal,
  engine: EngineHandle,
  parts: EngineParts,
): Promise<void> {
  const session: Session = {
    run: found,
    engine,
    async append(decide) {
      try {
        session.run = await parts.streams.run(found.id, system, decide, lease, () => session.run);
      } catch (error) {
        if (isCode(error, 'guard-failed') && failedGuard(error) === 'lease') throw new Stopped('lease-lost');
        throw error;
      }
    },
  };
  try {
    if (found.cancel !== null) return await finish(session, 'cancelled', cancelText(found), parts);
    if (!(await takeOver(session, lease.token, parts))) return;
    const runbook = await loadSnapshot(session, parts);
    if (runbook !== null) await goThrough(session, runbook, lease, signal, parts);
  } catch (error) {
    await handleEnd(error, session, parts);
  }
}

function cancelText(run: Run): string {
  return run.cancel?.reason ?? 'cancelled';
}

/** Journals that a worker begins, before it does anything: a run that kills its worker is stopped after a few times. */
async function takeOver(session: Session, token: number, parts: EngineParts): Promise<boolean> {
  if (session.run.state === 'waiting') return true;
  if (session.run.crashes >= maxCrashes) {
    await finish(
      session,
      'failed',
      `stopped, because it took its worker down ${maxCrashes} times without any progress`,
      parts,
    );
    return false;
  }
  await session.append(run => ({ facts: [{ kind: 'run.started', run: run.id, token }] }));
  return true;
}

/** The runbook as it was decided on. A snapshot that is not intact ends the run: nothing else may run in its name. */
async function loadSnapshot(session: Session, parts: EngineParts): Promise<Runbook | null> {
  try {
    const { plan, files } = await readPlan(parts.store, session.run.planHash);
    return await parts.catalogue.fromSnapshot(plan, files);
  } catch (error) {
    if (!(error instanceof TocsinError)) throw error;
    await finish(session, 'failed', error.message, parts);
    return null;
  }
}

async function goThrough(
  session: Session,
  runbook: Runbook,
  lease: { name: string; token: number },
  signal: AbortSignal,
  parts: EngineParts,
): Promise<void> {
  const { run } = session;
  const [tools, alert] = await Promise.all([
    createAttemptTools({ run: () => session.run, runbook, lease, parts }),
    run.alert === null ? null : parts.store.alert(run.alert),
  ]);
  const performer = createPerformer({
    run: () => session.run,
    append: session.append,
    steps: parts.steps,
    defaultTimeout: parts.catalogue.current().config.run.timeout,
    now: () => parts.clock.now(),
    mayStart: async () => {
      if (signal.aborted || session.engine.isDraining() || isEnded(session.run.state)) return false;
      if ((await parts.store.halted()) !== null) return false;
      await checkPlan(parts.store, run.planHash);
      return await maySteps(parts.store, session.run);
    },
    reap: async step => void (await parts.children.reap(markerOf(run.id, step))),
    attempt: async ({ type, input, step, number, timeout, waiting }) => {
      const { context, end } = tools.open({ step, number, waiting });
      const outcome = await attemptStep({ type, input, context, timeout, session: signal, clock: parts.clock });
      return { outcome: redactOutcome(outcome, parts.hidden()), log: await end() };
    },
    token: lease.token,
  });
  const body = runbook.body({
    step: createStepApi(performer),
    params: run.params,
    alert,
    run: { id: run.id, reason: run.reason },
  });
  // A promise that the runbook let go of, by Promise.all or Promise.race, may be at work still: its result is journalled first.
  const ended = body.then(
    () => performer.idle().then(() => finish(session, 'succeeded', null, parts)),
    error => performer.idle().then(() => undoAndFinish(error, session, performer, parts)),
  );
  const wentOn = await Promise.race([ended.then(() => true), performer.suspended.then(() => false), lostLease(signal)]);
  if (!wentOn) await ringLater(session.run, parts);
}

/** A session that was stopped while its runbook waits for something of its own must not hold its worker. */
function lostLease(signal: AbortSignal): Promise<boolean> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => setTimeout(() => reject(signal.reason), 60_000).unref(), { once: true });
  });
}

export function markerOf(run: string, step: string): string {
  return `${run}/${step}/`;
}

async function ringLater(run: Run, parts: EngineParts): Promise<void> {
  if (run.wakeAt !== null) await parts.dispatcher.ring({ run: run.id, at: run.wakeAt });
}

/** Compensation: what was done and can be undone is undone, newest first; then the run ends by what failed. */
async function undoAndFinish(
  error: unknown,
  session: Session,
  performer: Performer,
  parts: EngineParts,
): Promise<void> {
  if (error instanceof Stopped || isCode(error, 'replay-differs') || isCode(error, 'plan-changed')) throw error;
  const because = redactText(messageOf(error), parts.hidden());
  if (!(error instanceof StepFailed)) {
    const stack = redactText(error instanceof Error ? (error.stack ?? '') : '', parts.hidden());
    parts.log.warn({ run: session.run.id, because, stack }, 'a runbook threw');
  }
  const problems: string[] = [];
  for (const { step, undo } of performer.undos().reverse()) {
    try {
      await performer.perform(`${step}.undo`, undo.type, undo.input, { title: `undo ${step}` });
      await session.append(run =>
        run.steps.some(one => one.id === step && one.state === 'undone')
          ? null
          : { facts: [{ kind: 'step.undone', run: run.id, step }] },
      );
    } catch (failure) {
      if (failure instanceof Stopped) throw failure;
      problems.push(`undo of ${step} failed: ${messageOf(failure)}`);
    }
  }
  const ending: Ending = error instanceof StepFailed ? error.ending : 'failed';
  await finish(session, ending, [because, ...problems].join('; '), parts);
}

async function handleEnd(error: unknown, session: Session, parts: EngineParts): Promise<void> {
  if (error instanceof Stopped) {
    if (error.why === 'cancelled')
      await finish(session, 'cancelled', cancelText((await parts.store.run(session.run.id)) ?? session.run), parts);
    else parts.log.info({ run: session.run.id, why: error.why }, 'a session was stopped');
    return;
  }
  if (isCode(error, 'replay-differs')) {
    const { message, at } = error;
    return await session.append(run =>
      run.state === 'asking'
        ? null
        : { facts: [{ kind: 'run.asking', run: run.id, step: at ?? '', because: message }] },
    );
  }
  if (isCode(error, 'plan-changed')) return await finish(session, 'failed', error.message, parts);
  throw error;
}

async function finish(session: Session, state: Ending, because: string | null, parts: EngineParts): Promise<void> {
  if (isEnded(session.run.state)) return;
  await stopUnfinished(session.run, parts);
  if (state === 'cancelled') await cancelCalled(session, parts);
  await voidApprovals(session.run.id, `the run ended ${state}`, parts);
  await session.append(run =>
    isEnded(run.state) ? null : { facts: [{ kind: 'run.finished', run: run.id, state, because }] },
  );
  const { run } = session;
  if (run.parent !== null) await parts.dispatcher.ring({ run: run.parent.run });
}

/** What an unfinished step started must not outlive its run. A finished one may have left a daemon on purpose, so the rest is let be. */
async function stopUnfinished(run: Run, parts: EngineParts): Promise<void> {
  const open = run.steps.filter(step => ['running', 'waiting', 'unknown'].includes(step.state));
  for (const step of open) await parts.children.reap(markerOf(run.id, step.id));
}

/** A run that was called for this one's sake has nothing to go on for. */
async function cancelCalled(session: Session, parts: EngineParts): Promise<void> {
  const { id } = session.run;
  for (const called of await parts.store.runs({ parent: id, limit: 500 })) {
    if (isEnded(called.state)) continue;
    const because = `${id}, which called it, was cancelled`;
    const after = await journalCancel(parts.streams, called.id, system, because);
    if (isEnded(after.state)) await voidApprovals(after.id, because, parts);
    session.engine.interrupt(called.id);
    await parts.dispatcher.ring({ run: called.id });
  }
}
