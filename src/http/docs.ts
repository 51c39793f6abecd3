import { z } from 'zod';
import { type Alert, alertEnd, alertState } from '../model/alert.ts';
import { type Approval, approvalState } from '../model/approval.ts';
import { risk, triggerKind, verdict } from '../model/decision.ts';
import { labels, link, severity } from '../model/event.ts';
import { evidenceRef } from '../model/gates/evidence.ts';
import { gateState } from '../model/gates/gate.ts';
import { badMatch } from '../model/gates/known-bad.ts';
import { json, type Run, runState, type Step, stepState } from '../model/run.ts';

const time = z.iso.datetime().meta({ description: 'ISO 8601, UTC, with milliseconds.' });
const iso = (at: number) => new Date(at).toISOString();
const isoOrNull = (at: number | null) => (at === null ? null : iso(at));

/** The alert as the API shows it. */
export const alertDoc = z
  .object({
    id: z.string(),
    source: z.string(),
    fingerprint: z.string(),
    title: z.string(),
    severity,
    labels,
    annotations: labels,
    links: z.array(link),
    state: alertState,
    episode: z.int(),
    count: z.int().meta({ description: 'How often this episode was delivered as firing.' }),
    thread: z.string().meta({ description: 'The key of the post that opened the thread of this episode.' }),
    runs: z.array(z.string()).meta({ description: 'Ids of the runs of this alert, newest first, at most 50.' }),
    trusted: z.boolean().meta({ description: 'True when the source verified a secret.' }),
    startsAt: time,
    resolvedAt: time.nullable(),
    end: alertEnd.nullable().meta({ description: 'How the newest stretch ended; null while it fires.' }),
    firstSeen: time,
    lastSeen: time,
    quietSince: time.nullable().meta({ description: 'Since when there has been no news for too long.' }),
    acknowledgedBy: z.string().nullable(),
    acknowledgedUntil: time.nullable().meta({ description: 'Null when it holds until the episode ends.' }),
    silencedUntil: time.nullable(),
    silencedBy: z.string().nullable(),
    silencedAtOrigin: z
      .object({ by: z.string(), until: time.nullable() })
      .nullable()
      .meta({ description: 'Who or what keeps it quiet at its origin, and until when; null when nothing does.' }),
  })
  .meta({ id: 'Alert' });

export function showAlert(alert: Alert, runs: readonly string[]): z.infer<typeof alertDoc> {
  return {
    id: alert.id,
    source: alert.source,
    fingerprint: alert.fingerprint,
    title: alert.title,
    severity: alert.severity,
    labels: alert.labels,
    annotations: alert.annotations,
    links: alert.links,
    state: alert.state,
    episode: alert.episode,
    count: alert.count,
    thread: `alert/${alert.id}/${alert.episode}`,
    runs: [...runs],
    trusted: alert.trusted,
    startsAt: iso(alert.startsAt),
    resolvedAt: isoOrNull(alert.resolvedAt),
    end: alert.end,
    firstSeen: iso(alert.firstSeen),
    lastSeen: iso(alert.lastSeen),
    quietSince: isoOrNull(alert.quietSince),
    acknowledgedBy: alert.acknowledgedBy,
    acknowledgedUntil: isoOrNull(alert.acknowledgedUntil),
    silencedUntil: isoOrNull(alert.silencedUntil),
    silencedBy: alert.silencedBy,
    silencedAtOrigin: alert.silencedAtOrigin && {
      by: alert.silencedAtOrigin.by,
      until: isoOrNull(alert.silencedAtOrigin.until),
    },
  };
}

export const decisionDoc = z
  .object({ verdict, rule: z.string(), because: z.string() })
  .meta({ id: 'Decision', description: 'What policy said, and the rule that said so.' });

const stepDoc = z
  .object({
    id: z.string(),
    type: z.string(),
    title: z.string(),
    state: stepState,
    attempts: z.int(),
    exitCode: z.int().nullable(),
    output: json,
    because: z.string().nullable(),
    waitingFor: z.string().nullable(),
    startedAt: time.nullable(),
    finishedAt: time.nullable(),
  })
  .meta({ id: 'Step' });

/** The run as the API shows it. */
export const runDoc = z
  .object({
    id: z.string(),
    runbook: z.string(),
    title: z.string(),
    risk,
    params: z.record(z.string(), json),
    targets: z.array(z.string()),
    planHash: z.string(),
    state: runState,
    trigger: triggerKind,
    requestedBy: z.string(),
    reason: z.string().nullable(),
    alert: z.string().nullable(),
    event: z.string().nullable(),
    parent: z.object({ run: z.string(), step: z.string() }).nullable(),
    decision: decisionDoc,
    approval: z.string().nullable(),
    steps: z.array(stepDoc),
    because: z.string().nullable().meta({ description: 'Why it ended or waits as it does.' }),
    question: z.object({ number: z.int(), step: z.string() }).nullable().meta({
      description:
        'What an `asking` run asks: its number, which an answer may name, and the step; null in other states.',
    }),
    createdAt: time,
    startedAt: time.nullable(),
    finishedAt: time.nullable(),
  })
  .meta({ id: 'Run' });

export function showRun(run: Run): z.infer<typeof runDoc> {
  const { verdict, rule, because } = run.decision;
  return {
    id: run.id,
    runbook: run.runbook,
    title: run.title,
    risk: run.risk,
    params: run.params,
    targets: run.targets,
    planHash: run.planHash,
    state: run.state,
    trigger: run.trigger,
    requestedBy: run.requestedBy,
    reason: run.reason,
    alert: run.alert,
    event: run.event,
    parent: run.parent,
    decision: { verdict, rule, because },
    approval: run.approval,
    steps: run.steps.map(showStep),
    because: run.because,
    question: run.state === 'asking' ? run.question : null,
    createdAt: iso(run.createdAt),
    startedAt: isoOrNull(run.startedAt),
    finishedAt: isoOrNull(run.finishedAt),
  };
}

function showStep(step: Step): z.infer<typeof stepDoc> {
  return {
    id: step.id,
    type: step.type,
    title: step.title,
    state: step.state,
    attempts: step.attempts,
    exitCode: step.exitCode,
    output: step.output,
    because: step.because,
    waitingFor: step.waiting?.for ?? null,
    startedAt: isoOrNull(step.startedAt),
    finishedAt: isoOrNull(step.finishedAt),
  };
}

const voteDoc = z.object({
  person: z.string(),
  via: z.string(),
  vote: z.enum(['approve', 'deny']),
  reason: z.string().nullable(),
  at: time,
});

/** The approval as the API shows it. */
export const approvalDoc = z
  .object({
    id: z.string(),
    run: z.string().nullable().meta({ description: 'The run that waits for it; null when a gate does.' }),
    gate: z.string().nullable().meta({ description: 'The gate that waits for it; null when a run does.' }),
    step: z.string().nullable(),
    alert: z.string().nullable(),
    runbook: z.string(),
    planHash: z.string(),
    title: z.string(),
    question: z.string(),
    risk,
    rule: z.string(),
    by: z.array(z.string()).meta({ description: 'Groups, or people, whose members may vote.' }),
    quorum: z.int(),
    missing: z.int().meta({ description: 'How many more people must approve; 0 when it is closed.' }),
    reasonRequired: z.boolean(),
    state: approvalState,
    votes: z.array(voteDoc),
    because: z.string().nullable(),
    warnings: z.array(z.string()).optional().meta({
      description:
        'What people are told before they approve; only of one open approval of a run that was asked for by its id.',
    }),
    commands: z.string().optional().meta({
      description: 'Everything that would run, as far as it is known, as the card shows it; where `warnings` are too.',
    }),
    escalated: z.boolean(),
    createdAt: time,
    expiresAt: time,
    closedAt: time.nullable(),
  })
  .meta({ id: 'Approval' });

export function showApproval(approval: Approval): z.infer<typeof approvalDoc> {
  const { ask } = approval;
  return {
    id: approval.id,
    run: approval.run,
    gate: approval.gate,
    step: approval.step,
    alert: approval.alert,
    runbook: approval.runbook,
    planHash: approval.planHash,
    title: approval.title,
    question: approval.question,
    risk: approval.risk,
    rule: approval.rule,
    by: ask.by,
    quorum: ask.quorum,
    missing: missingVotes(approval),
    reasonRequired: ask.reasonRequired,
    state: approval.state,
    votes: approval.votes.map(({ person, via, vote, reason, at }) => ({ person, via, vote, reason, at: iso(at) })),
    because: approval.because,
    escalated: approval.escalated,
    createdAt: iso(approval.createdAt),
    expiresAt: iso(approval.expiresAt),
    closedAt: isoOrNull(approval.closedAt),
  };
}

function missingVotes(approval: Approval): number {
  if (approval.state !== 'open') return 0;
  const people = new Set(approval.votes.filter(vote => vote.vote === 'approve').map(vote => vote.person));
  return Math.max(0, approval.ask.quorum - people.size);
}

/** Why: every runbook and rule for one event. The shape of ChatHost.explain. */
export const explanationDoc = z
  .object({
    event: z.string().nullable().meta({ description: 'Null for a run that somebody started.' }),
    alert: z.string().nullable(),
    title: z.string(),
    started: z
      .object({
        run: z.string(),
        by: z.string(),
        decided: decisionDoc.meta({ description: 'What policy said when it was asked for.' }),
      })
      .nullable()
      .meta({ description: 'For a run that somebody started; null for what an event asks for.' }),
    runbooks: z.array(
      z.object({
        runbook: z.string(),
        holds: z.boolean(),
        because: z.string().meta({ description: 'The clause that held, or the first that failed.' }),
        decision: decisionDoc.nullable(),
        rules: z.array(
          z.object({
            name: z.string(),
            when: z.string(),
            result: z.enum(['holds', 'does not hold', 'failed', 'not reached']),
            because: z.string().nullable().meta({ description: 'The clause that is false, or why the rule failed.' }),
          }),
        ),
      }),
    ),
  })
  .meta({ id: 'Explanation' });

/** The shape of ChatHost.explainGate. */
export const gateExplanationDoc = z
  .object({
    gate: z.string(),
    name: z.string(),
    title: z.string(),
    state: gateState,
    because: z.string().meta({ description: 'How it came to its state.' }),
    decided: decisionDoc.meta({ description: 'What policy said when it was asked.' }),
    now: decisionDoc.meta({ description: 'What would be decided if it were asked now.' }),
    rules: z.array(
      z.object({
        name: z.string(),
        when: z.string(),
        result: z.enum(['holds', 'does not hold', 'failed', 'not reached', 'not of gates']),
        because: z.string().nullable().meta({ description: 'The clause that is false, or why the rule failed.' }),
      }),
    ),
    knownBad: z.object({ asked: z.array(badMatch), now: z.array(badMatch) }),
    evidence: z.object({
      kept: z.boolean().meta({ description: 'False when it is stored no more, and counts as absent now.' }),
      documents: z.array(evidenceRef),
    }),
  })
  .meta({ id: 'GateExplanation' });

export const errorDoc = z
  .object({
    error: z.object({
      code: z.string(),
      message: z.string(),
      at: z.string().optional(),
      allowed: z.union([z.string(), z.array(z.string())]).optional(),
      given: z.string().optional(),
      remedy: z.string(),
    }),
    decision: decisionDoc.optional(),
  })
  .meta({ id: 'Error' });
