import type { Remaining } from '../../kernel/child/kill.ts';
import { explainError, isCode, messageOf } from '../../kernel/errors.ts';
import { redactText } from '../../kernel/redact/redact.ts';
import { system } from '../../model/actor.ts';
import { type Ending, isEnded, type Run } from '../../model/run.ts';
import { journalCancel } from '../pipeline/cancel.ts';
import { voidApprovals } from '../pipeline/close.ts';
import type { Cause } from './cause.ts';
import type { EngineParts } from './engine-parts.ts';
import type { RunJournal } from './journal.ts';
import type { RunLease } from './lease.ts';
import { leftFact, showLeft } from './leftovers.ts';
import { StepFailed } from './perform-step.ts';
import type { Performer } from './session.ts';
import { Stopped } from './step.ts';

/** One worker's time with one run. */
export interface Session {
  journal: RunJournal;
  lease: RunLease;
  /** Aborted with a Stopped when the session has to end. */
  signal: AbortSignal;
  engine: EngineHandle;
  cause: Cause;
  /** False while the run cannot have asked people anything. */
  mayHaveAsked: boolean;
}

/** What a session may ask of the engine. */
export interface EngineHandle {
  /** Ends the session of another run, if this process has it. */
  interrupt(run: string): void;
  /** True once the process has to stop: what runs may finish, and nothing more begins. */
  isDraining(): boolean;
}

/** Ends what attempts of the step left running. Resolves to what could not be ended, in words; null for nothing. */
export async function reapStep(run: string, step: string, parts: EngineParts): Promise<string | null> {
  let left: readonly Remaining[] = [];
  await parts.children.reap(`${run}/${step}/`, undefined, found => {
    left = found;
  });
  return showLeft(left, parts.hidden());
}

/** Compensation, as in a saga: undoes the steps that can be undone, newest first; then ends the run with what failed. */
export async function undoAndFinish(
  error: unknown,
  session: Session,
  performer: Performer,
  parts: EngineParts,
): Promise<void> {
  if (error instanceof Stopped || isCode(error, 'replay-differs') || isCode(error, 'plan-changed')) throw error;
  const because = redactText(messageOf(error), parts.hidden());
  if (!(error instanceof StepFailed)) {
    const stack = redactText(error instanceof Error ? (error.stack ?? '') : '', parts.hidden());
    parts.log.warn({ run: session.journal.run().id, because, stack }, 'a runbook threw');
  }
  const problems: string[] = [];
  for (const { step, undo } of performer.undos().reverse()) {
    try {
      await performer.perform(`${step}.undo`, undo.type, undo.input, { title: `undo ${step}` });
      await session.journal.append(run =>
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

export async function handleEnd(error: unknown, session: Session, parts: EngineParts): Promise<void> {
  if (error instanceof Stopped) {
    const { id } = session.journal.run();
    if (error.why === 'cancelled') await finish(session, 'cancelled', await cancelText(id, session, parts), parts);
    else if (!session.lease.refused()) parts.log.info({ run: id, why: error.why }, 'a session was stopped');
    return;
  }
  if (isCode(error, 'replay-differs')) {
    const { message, at } = error;
    return await session.journal.append(run =>
      run.state === 'asking'
        ? null
        : { facts: [{ kind: 'run.asking', run: run.id, step: at ?? '', because: message }] },
    );
  }
  if (isCode(error, 'plan-changed')) return await finish(session, 'failed', error.message, parts);
  const lost = session.journal.lost();
  if (lost === null) throw error;
  const because = redactText(explainError(lost), parts.hidden());
  await finish(session, 'failed', `a result could not be recorded: ${because}`, parts);
}

async function cancelText(run: string, { cause }: Session, parts: EngineParts): Promise<string> {
  return (await parts.store.run(run))?.cancel?.reason ?? cause.over() ?? 'cancelled';
}

export async function finish(
  session: Session,
  state: Ending,
  because: string | null,
  parts: EngineParts,
): Promise<void> {
  const { journal } = session;
  const run = journal.run();
  if (isEnded(run.state)) return;
  await stopUnfinished(session, parts);
  if (state === 'cancelled') await cancelCalled(session, parts);
  if (session.mayHaveAsked) await voidApprovals(run.id, `the run ended ${state}`, parts);
  await journal.append(
    now => (isEnded(now.state) ? null : { facts: [{ kind: 'run.finished', run: now.id, state, because }] }),
    true,
  );
  if (run.parent !== null) await parts.dispatcher.wake({ run: run.parent.run });
  await wakeLater(run, parts);
}

/** Wakes the runs of later episodes that waited for this one. */
async function wakeLater(run: Run, { store, dispatcher }: EngineParts): Promise<void> {
  if (run.alert === null || run.episode === null) return;
  // Only the run of a later episode waits, and an alert that had none is read faster than a list is.
  const alert = await store.alert(run.alert);
  if (alert !== null && alert.episode <= run.episode) return;
  const queued = await store.runs({ alert: run.alert, states: ['queued'], limit: 100 });
  for (const later of queued.filter(one => one.after === run.id)) await dispatcher.wake({ run: later.id });
}

/** Kills the processes of unfinished steps. A finished step may have left a daemon on purpose, so its processes stay. */
async function stopUnfinished({ journal }: Session, parts: EngineParts): Promise<void> {
  const run = journal.run();
  for (const step of run.steps.filter(one => ['running', 'waiting', 'unknown'].includes(one.state))) {
    const left = await reapStep(run.id, step.id, parts);
    if (left !== null) await journal.append(() => ({ facts: [leftFact(run.id, step.id, left)] }));
  }
}

/** Cancels the runs that this one called. */
async function cancelCalled(session: Session, parts: EngineParts): Promise<void> {
  const { id } = session.journal.run();
  for (const called of await parts.store.runs({ parent: id, limit: 500 })) {
    if (isEnded(called.state)) continue;
    const because = `${id}, which called it, was cancelled`;
    const after = await journalCancel(parts.streams, called.id, system, because);
    if (isEnded(after.state)) await voidApprovals(after.id, because, parts);
    session.engine.interrupt(called.id);
    await parts.dispatcher.wake({ run: called.id });
  }
}
