/** The engine: lease a run, replay its journal, perform the next step, record it; and recover what a dead process left. */

import { isCode, TocsinError } from '../../kernel/errors.ts';
import { over } from '../../kernel/over.ts';
import type { Alert } from '../../model/alert.ts';
import { isEnded, type Run } from '../../model/run.ts';
import type { Runbook } from '../../ports/runbook.ts';
import { checkPlan, readPlan } from '../pipeline/plan.ts';
import { createCause } from './cause.ts';
import { type EngineHandle, finish, handleEnd, reapStep, type Session, undoAndFinish } from './end.ts';
import { type EngineParts, maySteps } from './engine-parts.ts';
import { createRunJournal } from './journal.ts';
import { createRunLease, type RunLease } from './lease.ts';
import { showFar } from './leftovers.ts';
import { permitOfRun, type RunPermit } from './permit.ts';
import { createPerformer } from './session.ts';
import { attemptStep, redactOutcome, Stopped } from './step.ts';
import { createStepApi } from './step-api.ts';
import { createAttemptTools } from './step-context.ts';

export interface Engine {
  /** Answers a wake-up: takes the lease, replays the run from its journal and goes on until its end or its next wait. */
  work(run: string): Promise<void>;
  /** Ends this process's session of the run at once, because the run was cancelled. */
  interrupt(run: string): void;
  /** Lets running steps finish for `grace` milliseconds, then stops them; they are recorded as interrupted. */
  drain(grace: number): Promise<void>;
}

/** The time to live of a run's lease, milliseconds: another worker may take one that is not renewed. */
const leaseTime = 9000;
/** A run whose worker dies this often without any progress is stopped. */
const maxCrashes = 3;

export function createEngine(parts: EngineParts): Engine {
  const sessions = new Map<string, AbortController>();
  let draining = false;
  let idle: (() => void) | null = null;

  async function work(id: string): Promise<void> {
    if (draining || sessions.has(id)) return;
    const stop = new AbortController();
    sessions.set(id, stop);
    try {
      const [run, halted] = await Promise.all([parts.store.run(id), parts.store.halted()]);
      if (run === null || !isWorkable(run)) return;
      // `resume` wakes everything that waits; until then nothing begins, and nothing counts as a failed begin.
      if (run.cancel === null && halted !== null) return;
      if (await waitsForEarlier(run, parts)) return;
      // The lease of a run that was never begun is free, so its first change takes it. Where it was not free, it is acquired below.
      if (isUntouched(run) && (await hold(run, { token: 1, acquired: false }, stop))) return;
      await workUnderLease(id, stop);
    } finally {
      sessions.delete(id);
      if (sessions.size === 0) idle?.();
    }
  }

  async function workUnderLease(id: string, stop: AbortController): Promise<void> {
    const token = await parts.store.acquire({ name: leaseName(id), holder: parts.holder, ttl: leaseTime });
    if (token === null) return;
    // Another worker may have gone on with the run before the lease was acquired, so it is read again.
    const found = await parts.store.run(id);
    if (found !== null && isWorkable(found)) await hold(found, { token, acquired: true }, stop);
    else await parts.store.release({ name: leaseName(id), holder: parts.holder, token });
  }

  /** False when another worker had the lease. */
  async function hold(
    run: Run,
    { token, acquired }: { token: number; acquired: boolean },
    stop: AbortController,
  ): Promise<boolean> {
    const { holder } = parts;
    const lease = openLease(run.id, { token, acquired }, stop, parts);
    try {
      await runSession(run, lease, stop.signal, { interrupt, isDraining: () => draining }, parts);
    } finally {
      lease.stop();
      if (lease.held()) await parts.store.release({ name: lease.name, holder, token });
    }
    return !lease.refused();
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
      late.abort(over);
    },
  };
}

/** Losing the lease ends the session and all that it started; so does a cancellation that another process journalled. */
function openLease(
  run: string,
  { token, acquired }: { token: number; acquired: boolean },
  stop: AbortController,
  parts: EngineParts,
): RunLease {
  return createRunLease({ name: leaseName(run), holder: parts.holder, token, ttl: leaseTime }, acquired, {
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

/** Whether a worker can do anything for the run now. A run that waits for its approval, or for an answer, needs none. */
function isWorkable(run: Run): boolean {
  if (isEnded(run.state)) return false;
  if (run.cancel !== null) return true;
  return run.state !== 'asking' && !(run.state === 'waiting' && run.startedAt === null);
}

/** True while the run of an earlier episode still works on the same target. Its end wakes this one; so does the sweeper. */
async function waitsForEarlier(run: Run, { store }: EngineParts): Promise<boolean> {
  if (run.after === null || run.startedAt !== null || run.cancel !== null) return false;
  const earlier = await store.run(run.after);
  return earlier !== null && !isEnded(earlier.state);
}

/** True for a run that no worker has begun. */
function isUntouched(run: Run): boolean {
  return run.state === 'queued' && run.startedAt === null && run.cancel === null;
}

function leaseName(run: string): string {
  return `run/${run}`;
}

async function runSession(
  found: Run,
  lease: RunLease,
  signal: AbortSignal,
  engine: EngineHandle,
  parts: EngineParts,
): Promise<void> {
  const cause = createCause(found, parts.store);
  const journal = createRunJournal(found, lease, { ...parts, again: cause.again });
  const session: Session = {
    journal,
    lease,
    signal,
    engine,
    cause,
    mayHaveAsked: !isUntouched(found) || found.approval !== null,
  };
  try {
    if (found.cancel !== null) return await finish(session, 'cancelled', found.cancel.reason ?? 'cancelled', parts);
    if (found.crashes >= maxCrashes && found.state !== 'waiting') {
      const because = `stopped, because it took its worker down ${maxCrashes} times without any progress`;
      return await finish(session, 'failed', because, parts);
    }
    const [snapshot, alert] = await Promise.all([
      orFail(session, parts, () => readPlan(parts.store, found.planHash)),
      cause.read(),
    ]);
    if (snapshot === null) return;
    const permit = await permitOfRun(found, parts.store);
    const isFirst = isUntouched(found) && !snapshot.plan.entry.endsWith('.ts');
    await journalBegin(session, { withFirstStep: isFirst, permit, now: () => parts.clock.now() });
    const runbook = await orFail(session, parts, () => parts.catalogue.fromSnapshot(snapshot.plan, snapshot.files));
    if (runbook !== null) await executeRunbook(session, { runbook, alert, mark: permit.mark }, parts);
    await journal.settled();
  } catch (error) {
    await handleEnd(error, session, parts);
  } finally {
    // A branch may have a result after another one ended the session. What cannot be written any more was rejected to its caller.
    await journal.settled().catch(() => {});
  }
}

/**
 * Journals that a worker begins, so that a run that kills its worker is stopped after a few times. Loading a TypeScript runbook runs its
 * code, so there the begin is committed first. What YAML resolves before its first step was resolved when the run was decided on, so
 * there the begin is committed with that step.
 */
async function journalBegin(
  { journal, lease, cause }: Session,
  { withFirstStep, permit, now }: { withFirstStep: boolean; permit: RunPermit; now: () => number },
): Promise<void> {
  if (journal.run().state === 'waiting') return;
  if (cause.over() !== null) throw new Stopped('cancelled');
  const isOver = (run: Run) => isEnded(run.state) || run.cancel !== null;
  const begin = (run: Run) => {
    if (cause.over() !== null) throw new Stopped('cancelled');
    const issued = permit.issue?.(run, now()) ?? {};
    return {
      facts: [{ kind: 'run.started' as const, run: run.id, token: lease.token }],
      with: { ...issued, guards: [...cause.guards(), ...(issued.guards ?? [])] },
    };
  };
  if (withFirstStep) return journal.lead(run => (isOver(run) ? null : begin(run)));
  await journal.append(run => {
    if (isOver(run)) throw new Stopped('cancelled');
    return begin(run);
  });
}

/** Ends the run, and resolves to null, when its snapshot is not intact: nothing else may run in its name. */
async function orFail<T>(session: Session, parts: EngineParts, load: () => Promise<T>): Promise<T | null> {
  try {
    return await load();
  } catch (error) {
    // A database that does not answer says nothing about the snapshot.
    const isStoreDown: boolean = isCode(error, 'store-failed');
    if (isStoreDown || !(error instanceof TocsinError)) throw error;
    await finish(session, 'failed', error.message, parts);
    return null;
  }
}

async function executeRunbook(
  session: Session,
  { runbook, alert, mark }: { runbook: Runbook; alert: Alert | null; mark: string | null },
  parts: EngineParts,
): Promise<void> {
  const { journal, lease, signal } = session;
  const run = journal.run();
  const held = { name: lease.name, token: lease.token };
  const onAsk = () => {
    session.mayHaveAsked = true;
  };
  const tools = await createAttemptTools({ run: journal.run, runbook, mark, lease: held, onAsk, parts });
  const performer = createPerformer({
    run: journal.run,
    append: journal.append,
    result: decide => (runbook.kind === 'yaml' ? journal.add(decide) : journal.append(decide)),
    steps: parts.steps,
    defaultTimeout: parts.catalogue.current().config.run.timeout,
    now: () => parts.clock.now(),
    mayStart: createMayStart(session, runbook, parts),
    reap: step => reapStep(run.id, step, parts),
    farOf: (type, input) => showFar(type.far?.(input, journal.run()) ?? [], parts.hidden()),
    attempt: async ({ type, input, step, number, timeout, waiting }) => {
      const { context, leftovers, end } = tools.open({ step, number, timeout, waiting });
      const outcome = await attemptStep({ type, input, context, timeout, session: signal, clock: parts.clock });
      return { outcome: redactOutcome(outcome, parts.hidden()), leftovers: leftovers(), log: await end() };
    },
    token: lease.token,
  });
  const body = runbook.body({
    step: createStepApi(performer),
    params: run.params,
    alert,
    run: { id: run.id, reason: run.reason },
  });
  // A step that the runbook no longer awaits, after Promise.all or Promise.race, may still run: its result is journalled first.
  const ended = body.then(
    () => performer.idle().then(() => finish(session, 'succeeded', remarkOf(journal.run()), parts)),
    error => performer.idle().then(() => undoAndFinish(error, session, performer, parts)),
  );
  const wentOn = await Promise.race([
    ended.then(() => true),
    performer.suspended.then(() => false),
    rejectAfterStop(signal),
  ]);
  if (wentOn) return;
  await journal.settled();
  const { id, wakeAt } = journal.run();
  if (wakeAt !== null) await parts.dispatcher.wake({ run: id, at: wakeAt });
}

/** What the steps have to say of their success: that nobody could look whether the alert is gone. */
function remarkOf(run: Run): string | null {
  const remarks = run.steps.filter(step => step.type === 'verify' && step.state === 'done' && step.because !== null);
  return remarks.map(step => step.because).join('; ') || null;
}

/** Checks what must hold before every step, also when the session has lasted for days. */
function createMayStart(session: Session, runbook: Runbook, parts: EngineParts): () => Promise<boolean> {
  const { journal, signal, engine } = session;
  // The snapshot was just read, so the first step needs no check, unless code of a TypeScript runbook has run since.
  let fresh = runbook.kind === 'yaml';
  return async () => {
    const run = journal.run();
    if (signal.aborted || engine.isDraining() || isEnded(run.state)) return false;
    const first = fresh;
    fresh = false;
    if (!first) await checkPlan(parts.store, run.planHash);
    return await maySteps(parts.store, run);
  };
}

/** Rejects a minute after the session was stopped, so that a runbook that waits for something of its own does not hold its worker. */
function rejectAfterStop(signal: AbortSignal): Promise<boolean> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => setTimeout(() => reject(signal.reason), 60_000).unref(), { once: true });
  });
}
