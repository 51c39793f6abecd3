import type { Clock } from '../../kernel/clock.ts';
import type { Ids } from '../../kernel/ids.ts';
import { type Actor, identityOf, system } from '../../model/actor.ts';
import type { Alert } from '../../model/alert.ts';
import type { Approval } from '../../model/approval.ts';
import type { Ask, Decision, TriggerKind } from '../../model/decision.ts';
import type { Event } from '../../model/event.ts';
import { newStep } from '../../model/fold.ts';
import { type NewEntry, streamOf } from '../../model/journal.ts';
import type { Run } from '../../model/run.ts';
import type { Catalogue, PolicyVariables } from '../../ports/catalogue.ts';
import type { Params, Runbook } from '../../ports/runbook.ts';
import type { Change, Guard, Row, Store } from '../../ports/store.ts';
import { defaultAsk } from '../people/default-ask.ts';
import { decide, type Facts, looksBack } from './decide.ts';
import { makePlan } from './plan.ts';

/** A request for a run, before policy has decided. */
export interface Request {
  runbook: Runbook;
  params: Params;
  trigger: TriggerKind;
  who: Actor;
  reason: string | null;
  event: Event | null;
  alert: Alert | null;
  reopened: boolean;
  /** The held change that it is to undo. */
  undoes?: string | null;
  /** True where it must not run without asking, whatever the event proves. */
  asks?: boolean;
  /** The run that must end before this one begins. */
  after?: string | null;
}

/** A new run with its decision, as one change that is not committed yet. */
export interface Begun {
  decision: Decision;
  run: Run;
  approval: Approval | null;
  change: Change;
}

export interface BeginParts {
  clock: Clock;
  ids: Ids;
  store: Store;
  catalogue: Catalogue;
}

const hour = 3_600_000;

/** Lets policy decide. Reads history and halt from the store; the decision itself is pure (flow/pipeline/decide.ts). */
export async function askPolicy(request: Request, parts: BeginParts): Promise<Decision> {
  const { variables, facts } = await gatherFacts(request, parts);
  return decide(parts.catalogue.current().policy, variables, facts);
}

/** Everything that policy may look at for this request, as of now. */
export async function gatherFacts(
  request: Request,
  parts: BeginParts,
): Promise<{ variables: PolicyVariables; facts: Facts }> {
  const { store, clock } = parts;
  const set = parts.catalogue.current();
  const { runbook } = request;
  const now = clock.now();
  const targets = runbook.targets(request.params);
  const since = now - Math.max(hour, ...set.policy.rules.map(rule => rule.limit?.perTarget?.within ?? 0));
  const looks = looksBack(set.policy);
  const [halted, autoRuns, failures, perTarget] = await Promise.all([
    store.halted(),
    looks ? store.autoRuns({ runbook: runbook.id, since }) : [],
    looks ? store.runs({ runbook: runbook.id, states: ['failed', 'ineffective'], limit: 100 }) : [],
    Promise.all(
      (looks ? targets : []).map(
        async target => [target, await store.autoRuns({ runbook: runbook.id, target, since })] as const,
      ),
    ),
  ]);
  const byTarget = new Map(perTarget);
  const history = {
    runsLastHour: autoRuns.filter(at => at > now - hour).length,
    failuresLastHour: failures.filter(run => (run.finishedAt ?? 0) > now - hour).length,
  };
  const { event, alert, params, who: actor, trigger } = request;
  return {
    variables: {
      event,
      alert,
      runbook: { id: runbook.id, title: runbook.title, risk: runbook.risk },
      params,
      targets,
      actor,
      trigger,
      now,
      history,
    },
    facts: {
      trusted: (event?.trusted ?? true) && request.asks !== true,
      reopened: request.reopened,
      halted,
      autoRuns,
      autoRunsOf: target => byTarget.get(target) ?? [],
      defaultAsk: defaultAsk(set),
    },
  };
}

/** Makes the run of a decision: `auto` is queued, `approve` waits for its approval. Nothing is committed here. */
export function beginRun(request: Request, decision: Decision, parts: BeginParts, parent: Run['parent'] = null): Begun {
  const { runbook, params, alert } = request;
  const at = parts.clock.now();
  const planned = makePlan(runbook, params);
  const run: Run = {
    id: parts.ids.next('run'),
    runbook: runbook.id,
    title: runbook.title,
    risk: runbook.risk,
    params: { ...params },
    targets: planned.plan.targets,
    planHash: planned.hash,
    state: decision.verdict === 'approve' ? 'waiting' : 'queued',
    trigger: request.trigger,
    requestedBy: identityOf(request.who),
    reason: request.reason,
    alert: alert?.id ?? null,
    episode: alert?.episode ?? null,
    event: request.event?.id ?? null,
    parent,
    decision,
    undoes: request.undoes ?? null,
    after: request.after ?? null,
    approval: null,
    steps: runbook.outline(params).map(step => newStep(step.id, { type: step.type, title: step.title })),
    cancel: null,
    because: null,
    question: null,
    createdAt: at,
    startedAt: null,
    finishedAt: null,
    wakeAt: null,
    crashes: 0,
    version: 1,
  };
  const approval =
    decision.verdict === 'approve' && decision.ask !== null
      ? openApproval(run, decision.ask, {
          id: parts.ids.next('apv'),
          at,
          step: null,
          question: `Run ${runbook.title}?`,
          rule: decision.rule,
        })
      : null;
  const whole: Run = { ...run, approval: approval?.id ?? null };
  const entries: NewEntry[] = [
    { stream: streamOf.run(run.id), actor: request.who, at, fact: { kind: 'run.created', run: whole } },
  ];
  const rows: Row[] = [{ table: 'run', doc: whole }];
  if (approval !== null) {
    entries.push({
      stream: streamOf.approval(approval.id),
      actor: system,
      at,
      fact: { kind: 'approval.requested', approval },
    });
    rows.push({ table: 'approval', doc: approval });
  }
  return { decision, run: whole, approval, change: { entries, rows, blobs: planned.blobs } };
}

/** A new approval for a plan, or for one step of it. The one who asked for the run is barred from voting. */
export function openApproval(
  run: Run,
  ask: Ask,
  facts: { id: string; at: number; step: string | null; question: string; rule: string },
): Approval {
  return {
    id: facts.id,
    run: run.id,
    gate: null,
    claim: null,
    step: facts.step,
    alert: run.alert,
    runbook: run.runbook,
    planHash: run.planHash,
    title: run.title,
    question: facts.question,
    risk: run.risk,
    rule: facts.rule,
    ask,
    barred: [run.requestedBy],
    state: 'open',
    votes: [],
    because: null,
    createdAt: facts.at,
    expiresAt: facts.at + ask.expires,
    closedAt: null,
    warned: [],
    escalated: false,
    version: 1,
  };
}

/**
 * One plan is open at most once for an alert, on any node. Resolves to the guard that keeps it so, to none for a run that asks nobody or has
 * no alert, and to null when the plan is open already.
 */
export async function claimPlan({ run, approval }: Begun, { store, clock }: BeginParts): Promise<Guard[] | null> {
  if (approval === null || run.alert === null) return [];
  const runs = await store.runs({ alert: run.alert, runbook: run.runbook, limit: 1000 });
  const same = runs.filter(one => one.planHash === run.planHash && one.approval !== null);
  if (same.some(one => one.state === 'waiting' && one.startedAt === null)) return null;
  const key = `${run.alert}/${run.planHash}/${same.length}`;
  return [{ kind: 'claim', space: 'open-plan', key, at: clock.now(), keep: null }];
}
