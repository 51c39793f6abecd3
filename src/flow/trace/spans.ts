import type { Entry, FactOf } from '../../model/journal.ts';
import type { Store } from '../../ports/store.ts';
import { createRunHistories, type RunHistories, type RunHistory } from './history.ts';
import { runSpan, type SpanFacts, spanId, type TraceContext, traceOfEpisode, traceOfEvent, traceOfRun } from './ids.ts';

/** Makes spans from journal entries. The same entry always makes the same spans, with the same ids. */
export interface Spans {
  of(entry: Entry): Promise<SpanFacts[]>;
  contextOf(run: string): Promise<TraceContext | null>;
}

/** The most events whose time of arrival is remembered, for the spans of decisions. The oldest are forgotten first. */
const mostEvents = 5000;

export function createSpans(store: Pick<Store, 'stream' | 'run'>): Spans {
  const histories = createRunHistories(store);
  const arrivals = new Map<string, number>();

  function remember(event: string, at: number): void {
    arrivals.set(event, at);
    for (const oldest of arrivals.keys()) {
      if (arrivals.size <= mostEvents) return;
      arrivals.delete(oldest);
    }
  }

  return {
    contextOf: histories.contextOf,
    async of(entry) {
      const { fact } = entry;
      if (fact.kind === 'event.accepted') {
        remember(fact.event.id, fact.event.receivedAt);
        return accepted(fact, entry.at);
      }
      if (fact.kind === 'decision.made') return [decisionMade(fact, entry.at, arrivals.get(fact.event))];
      if (fact.kind === 'approval.closed') return await approvalClosed(fact, entry, histories);
      const run = runOf(fact);
      const past = run === null ? null : await histories.before(entry, run);
      if (past === null) return [];
      if (fact.kind === 'run.created') return [runDecided(past, entry.at, arrivals.get(past.run.event ?? ''))];
      return ofRun(entry, past);
    },
  };
}

function runOf(fact: Entry['fact']): string | null {
  if (fact.kind === 'run.created') return fact.run.id;
  if (!fact.kind.startsWith('run.') && !fact.kind.startsWith('step.')) return null;
  return 'run' in fact && typeof fact.run === 'string' ? fact.run : null;
}

/** An event that changes nothing has no span: an alert may be repeated for weeks, and its trace must stay readable. */
function accepted({ event, effect, alert, episode }: FactOf<'event.accepted'>, at: number): SpanFacts[] {
  if (effect === 'refreshed' || effect === 'stale') return [];
  const { trace, root } = alert === null || episode === null ? traceOfEvent(event.id) : traceOfEpisode(alert, episode);
  const opens = effect === 'opened' || effect === null;
  return [
    {
      name: 'event accepted',
      trace,
      id: opens ? root : spanId('event', trace, event.id),
      parent: opens ? null : root,
      start: event.receivedAt,
      end: at,
      kind: 'consumer',
      attributes: {
        'tocsin.event.id': event.id,
        'tocsin.event.kind': event.body.kind,
        'tocsin.source': event.source,
        'tocsin.event.trusted': event.trusted,
        ...(alert === null ? {} : { 'tocsin.alert.id': alert, 'tocsin.alert.episode': episode ?? 0 }),
        ...(effect === null ? {} : { 'tocsin.event.effect': effect }),
        ...(event.body.kind === 'alert' ? { 'tocsin.alert.severity': event.body.severity } : {}),
      },
      failed: false,
    },
  ];
}

function decisionMade(fact: FactOf<'decision.made'>, at: number, arrived: number | undefined): SpanFacts {
  const { alert, episode, runbook, event, verdict, rule } = fact;
  const { trace, root } = alert === null || episode === null ? traceOfEvent(event) : traceOfEpisode(alert, episode);
  return {
    name: 'decision',
    trace,
    id: spanId('decision', event, runbook),
    parent: root,
    start: Math.min(arrived ?? at, at),
    end: at,
    kind: 'internal',
    attributes: {
      'tocsin.event.id': event,
      'tocsin.runbook': runbook,
      'tocsin.decision.verdict': verdict,
      'tocsin.decision.rule': rule,
    },
    failed: false,
  };
}

/** The decision that made the run. A run without an alert has a trace of its own, so its span links to the trace of the event. */
function runDecided(past: RunHistory, at: number, arrived: number | undefined): SpanFacts {
  const { event, alert } = past.run;
  const origin = event === null || alert !== null ? null : traceOfEvent(event);
  return {
    ...span(past, 'decision', ['decision', past.run.id], arrived === undefined ? at : Math.min(arrived, at), at),
    parent: past.run.parent === null ? past.context.root : runSpan(past.run.parent.run),
    attributes: {
      ...common(past),
      ...(event === null ? {} : { 'tocsin.event.id': event }),
      'tocsin.decision.verdict': past.verdict,
      'tocsin.decision.rule': past.rule,
    },
    ...(origin === null ? {} : { link: { trace: origin.trace, id: origin.root } }),
  };
}

async function approvalClosed(
  fact: FactOf<'approval.closed'>,
  entry: Entry,
  histories: RunHistories,
): Promise<SpanFacts[]> {
  const approval = await histories.approvalOf(entry, fact.approval);
  // Spans are of alerts and their runs; a gate has neither.
  if (approval === null || fact.run === null) return [];
  const context = (await histories.contextOf(fact.run)) ?? traceOfRun(fact.run);
  return [
    {
      name: 'approval',
      trace: context.trace,
      id: spanId('approval', fact.approval),
      parent: approval.step === null ? context.root : runSpan(fact.run),
      start: Math.min(approval.createdAt, entry.at),
      end: entry.at,
      kind: 'internal',
      attributes: {
        'tocsin.approval.id': fact.approval,
        'tocsin.approval.state': fact.state,
        'tocsin.approval.quorum': approval.ask.quorum,
        'tocsin.run.id': fact.run,
        'tocsin.runbook': approval.runbook,
        'tocsin.decision.rule': approval.rule,
        ...(approval.step === null ? {} : { 'tocsin.step.id': approval.step }),
      },
      failed: false,
    },
  ];
}

function ofRun({ fact, at, seq }: Entry, past: RunHistory): SpanFacts[] {
  switch (fact.kind) {
    case 'run.started':
      return [queued(past, at)];
    case 'step.answered':
      return past.askingAt === null
        ? []
        : [inRun(past, 'asking', ['asking', past.run.id, seq], past.askingAt, at, { 'tocsin.step.id': fact.step })];
    case 'step.finished':
      return [attempt(past, fact.step, fact.attempt, at, fact.state, fact.exitCode)];
    case 'step.retrying':
      return [attempt(past, fact.step, fact.attempt, at, 'failed', null)];
    case 'step.interrupted':
      return [attempt(past, fact.step, fact.attempt, at, 'interrupted', null)];
    case 'run.finished':
      return [
        ...[...past.open].map(([step, open]) => attempt(past, step, open.attempt, at, 'unfinished', null)),
        finished(past, at, fact.state),
      ];
    default:
      return [];
  }
}

/** From when a worker could have taken the run to when one did. A later start is a takeover, counted from the run's last entry. */
function queued(past: RunHistory, at: number): SpanFacts {
  const first = past.starts === 0;
  const since = past.queuedAt ?? past.lastAt;
  const facts = span(past, first ? 'queued' : 'taken over', ['queued', past.run.id, past.starts], since, at);
  return { ...facts, parent: first ? parentSpan(past) : runSpan(past.run.id), kind: 'consumer' };
}

function attempt(
  past: RunHistory,
  step: string,
  number: number,
  at: number,
  state: string,
  exitCode: number | null,
): SpanFacts {
  const open = past.open.get(step);
  const attributes = {
    'tocsin.step.id': step,
    'tocsin.step.attempt': number,
    'tocsin.step.state': state,
    ...(open === undefined ? {} : { 'tocsin.step.type': open.type }),
    ...(exitCode === null ? {} : { 'process.exit.code': exitCode }),
  };
  const facts = inRun(past, `step ${step}`, ['step', past.run.id, step, number, state], open?.at ?? at, at, attributes);
  return { ...facts, failed: !['done', 'skipped'].includes(state) };
}

function finished(past: RunHistory, at: number, state: string): SpanFacts {
  const { run } = past;
  return {
    ...span(past, `run ${run.runbook}`, ['run', run.id], past.startedAt ?? past.createdAt, at),
    parent: past.context.root === runSpan(run.id) ? null : parentSpan(past),
    attributes: {
      ...common(past),
      'tocsin.run.state': state,
      'tocsin.run.trigger': run.trigger,
      'tocsin.run.starts': past.starts,
      'tocsin.risk': run.risk,
      'tocsin.decision.verdict': past.verdict,
      'tocsin.decision.rule': past.rule,
    },
    failed: ['failed', 'ineffective', 'unconfirmed'].includes(state),
  };
}

/** The parent span of a run: the run that called it, else the root. */
function parentSpan({ run, context }: RunHistory): string {
  return run.parent === null ? context.root : runSpan(run.parent.run);
}

function inRun(
  past: RunHistory,
  name: string,
  id: (string | number)[],
  start: number,
  end: number,
  attributes: SpanFacts['attributes'],
): SpanFacts {
  const facts = span(past, name, id, start, end);
  return { ...facts, parent: runSpan(past.run.id), attributes: { ...common(past), ...attributes } };
}

function span(past: RunHistory, name: string, id: (string | number)[], start: number, end: number): SpanFacts {
  return {
    name,
    trace: past.context.trace,
    id: spanId(...id),
    parent: past.context.root,
    start: Math.min(start, end),
    end,
    kind: 'internal',
    attributes: common(past),
    failed: false,
  };
}

function common({ run }: RunHistory): Record<string, string | number> {
  return {
    'tocsin.run.id': run.id,
    'tocsin.runbook': run.runbook,
    ...(run.alert === null ? {} : { 'tocsin.alert.id': run.alert, 'tocsin.alert.episode': run.episode ?? 0 }),
  };
}
