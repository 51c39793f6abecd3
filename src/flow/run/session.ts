import { canonicalJson, type Json, sha256 } from '../../kernel/canonical.ts';
import { TocsinError } from '../../kernel/errors.ts';
import type { StepOptions } from '../../ports/runbook.ts';
import type { Decide } from './journal.ts';
import { finishedFact, performCall, type SessionParts, stepOf, withDefaults } from './perform-step.ts';
import { createWaiter } from './waiter.ts';

export interface Performer {
  /** Performs the step, or returns what is journalled of it. Never settles when the run has to wait. */
  perform(path: string, type: string, given: unknown, options: StepOptions): Promise<Json>;
  skip(path: string, because: string): Promise<void>;
  /** Marks a group whose branches are all done. */
  closeGroup(path: string): Promise<void>;
  /** Resolves when every branch that is left waits. */
  suspended: Promise<void>;
  /** Call it when the runbook's function has ended: resolves when no step runs any more. Steps that wait no longer count. */
  idle(): Promise<void>;
  /** Steps that are done and have an undo, in the order in which they were done. */
  undos(): { step: string; undo: NonNullable<StepOptions['undo']> }[];
}

export function createPerformer(parts: SessionParts): Performer {
  const seen = new Set<string>();
  const undos = new Map<string, NonNullable<StepOptions['undo']>>();
  const waiter = createWaiter();

  function claimPath(path: string) {
    if (seen.has(path))
      throw new TocsinError('replay-differs', {
        message: `The step id "${path}" is used twice.`,
        remedy: 'Give every step its own id, also in a loop.',
      });
    seen.add(path);
  }

  async function perform(path: string, typeId: string, given: unknown, options: StepOptions): Promise<Json> {
    claimPath(path);
    const type = parts.steps.get(typeId);
    if (type === undefined)
      throw new TocsinError('params-invalid', {
        at: path,
        message: `There is no step type "${typeId}".`,
        allowed: [...parts.steps.keys()],
        given: typeId,
      });
    const call = {
      path,
      type,
      given,
      options: withDefaults(type, options, parts.defaultTimeout),
      digest: sha256(canonicalJson({ type: typeId, input: given })),
    };
    const output = await waiter.working(() => performCall(call, parts, waiter));
    if (options.undo !== undefined) undos.set(path, options.undo);
    return output;
  }

  return {
    perform,
    async skip(path, because) {
      claimPath(path);
      const recorded = stepOf(parts.run(), path);
      if (recorded !== null && recorded.state !== 'pending') return;
      const skipped: Decide = run => ({ facts: [finishedFact(run.id, path, 0, { state: 'skipped', because })] });
      await waiter.working(async () => parts.result(skipped));
    },
    async closeGroup(path) {
      const recorded = stepOf(parts.run(), path);
      if (recorded === null || recorded.state !== 'pending') return;
      const done: Decide = run => ({ facts: [finishedFact(run.id, path, 1, { state: 'done' })] });
      await waiter.working(async () => parts.result(done));
    },
    suspended: waiter.suspended,
    idle: waiter.idle,
    undos: () => [...undos].map(([step, undo]) => ({ step, undo })),
  };
}
