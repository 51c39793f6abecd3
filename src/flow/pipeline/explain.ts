import { messageOf } from '../../kernel/errors.ts';
import { type Actor, nameOf } from '../../model/actor.ts';
import type { Alert } from '../../model/alert.ts';
import type { Event } from '../../model/event.ts';
import { streamOf } from '../../model/journal.ts';
import type { Held } from '../../model/ledger/held.ts';
import type { Run } from '../../model/run.ts';
import type { Policy, PolicyVariables } from '../../ports/catalogue.ts';
import type { Explanation } from '../../ports/chat.ts';
import type { Params, Runbook, Trigger } from '../../ports/runbook.ts';
import { type BeginParts, gatherFacts, type Request } from './begin.ts';
import { decide } from './decide.ts';
import { failedClause } from './match.ts';

type RunbookExplanation = Explanation['runbooks'][number];

/** What would be decided now and why, without effect, for an event, an alert or a run. Null when nothing has this id. */
export async function explain(id: string, parts: BeginParts): Promise<Explanation | null> {
  const started = id.startsWith('run_') ? await startedRun(id, parts) : null;
  if (started !== null) return await explainStart(started, parts);
  const found = await findEvent(id, parts);
  if (found === null) return null;
  const { event, alert } = found;
  const runbooks: RunbookExplanation[] = [];
  const judged = await judgementOf(event, parts);
  for (const runbook of parts.catalogue.current().runbooks.values())
    runbooks.push(await explainRunbook(runbook, { event, alert, judged }, parts));
  runbooks.sort((a, b) => Number(b.holds) - Number(a.holds) || (a.runbook < b.runbook ? -1 : 1));
  return { event: event.id, alert: alert?.id ?? null, title: event.body.title, started: null, runbooks };
}

/** The run that a person or service started, and that this one is or was called by; null when an event is behind it. */
async function startedRun(id: string, { store }: BeginParts): Promise<Run | null> {
  for (let run = await store.run(id); run !== null; run = await store.run(run.parent.run)) {
    if (run.trigger === 'manual') return run;
    if (run.parent === null) return null;
  }
  return null;
}

/** A run that somebody started: what was decided then, and every rule for the same request as of now. */
async function explainStart(run: Run, parts: BeginParts): Promise<Explanation> {
  const who = await requesterOf(run, parts);
  const { verdict, rule, because } = run.decision;
  return {
    event: null,
    alert: run.alert,
    title: run.title,
    started: { run: run.id, by: nameOf(who), decided: { verdict, rule, because } },
    runbooks: [await explainRequest(run, who, parts)],
  };
}

async function requesterOf(run: Run, { store }: BeginParts): Promise<Actor> {
  const first = (await store.stream(streamOf.run(run.id))).find(({ fact }) => fact.kind === 'run.created');
  return first?.actor ?? actorOf(run.requestedBy);
}

/** By its identity alone, for a run whose first entry is not there. */
function actorOf(identity: string): Actor {
  const at = identity.indexOf(':');
  const id = identity.slice(at + 1);
  return identity.startsWith('person:')
    ? { kind: 'person', id, via: 'http', account: null }
    : { kind: 'service', id, via: 'http' };
}

async function explainRequest(run: Run, who: Actor, parts: BeginParts): Promise<RunbookExplanation> {
  const runbook = parts.catalogue.current().runbooks.get(run.runbook);
  const nothing = { runbook: run.runbook, decision: null, rules: [] };
  if (runbook === undefined) return { ...nothing, holds: false, because: 'it is not loaded any more' };
  const because = `${nameOf(who)} started it`;
  try {
    const params = runbook.params.parse(run.params);
    const alert = run.alert === null ? null : await parts.store.alert(run.alert);
    const request = { trigger: 'manual', who, event: null, alert } as const;
    return { runbook: run.runbook, holds: true, because, ...(await explainPolicy(runbook, params, request, parts)) };
  } catch (error) {
    return { ...nothing, holds: true, because: `${because}; it takes these parameters no more: ${messageOf(error)}` };
  }
}

async function findEvent(id: string, parts: BeginParts): Promise<{ event: Event; alert: Alert | null } | null> {
  const { store } = parts;
  if (id.startsWith('run_')) {
    const run = await store.run(id);
    return run?.event == null
      ? run?.alert == null
        ? null
        : await findEvent(run.alert, parts)
      : await findEvent(run.event, parts);
  }
  if (id.startsWith('alt_')) {
    const alert = await store.alert(id);
    const entries = alert === null ? [] : await store.stream(streamOf.alert(id));
    const last = entries.map(entry => entry.fact).findLast(fact => fact.kind === 'event.accepted');
    return last?.kind === 'event.accepted' ? { event: last.event, alert } : null;
  }
  return await scanFor(id, parts);
}

/** Events are found by reading the journal: explaining is rare, and an index for it would cost every delivery. */
async function scanFor(id: string, parts: BeginParts): Promise<{ event: Event; alert: Alert | null } | null> {
  const own = (await parts.store.stream(streamOf.event(id))).at(0)?.fact;
  if (own?.kind === 'event.accepted') return { event: own.event, alert: null };
  for (let after = 0; ; ) {
    const entries = await parts.store.journal({ after, limit: 1000 });
    for (const { fact } of entries) {
      if (fact.kind === 'event.accepted' && fact.event.id === id)
        return { event: fact.event, alert: fact.alert === null ? null : await parts.store.alert(fact.alert) };
    }
    const last = entries.at(-1);
    if (last === undefined) return null;
    after = last.seq;
  }
}

/** What became of a change that is held against the permits; null for another event, and for a change that is not held. */
async function judgementOf({ id, body }: Event, { store }: BeginParts): Promise<Held['state'] | null> {
  if (body.kind !== 'change') return null;
  const found = await store.documents('held', { other: body.resource.id, limit: 1000 });
  return found.find(held => held.event === id)?.state ?? null;
}

/** Each was judged to be unpermitted, whatever became of it then. */
const unpermitted: ReadonlySet<Held['state'] | null> = new Set(['unpermitted', 'claimed', 'undone', 'ended']);

/** Why a trigger of changes that nobody permitted does not take this event; null when it may. */
function notJudged({ unpermitted: only }: Trigger, judged: Held['state'] | null): string | null {
  if (only !== true || unpermitted.has(judged)) return null;
  const is = judged === null ? 'is not held against permits' : judged === 'open' ? 'is not judged yet' : `is ${judged}`;
  return `it takes only changes that nobody permitted, and this one ${is}`;
}

interface Explained {
  event: Event;
  alert: Alert | null;
  judged: Held['state'] | null;
}

async function explainRunbook(
  runbook: Runbook,
  { event, alert, judged }: Explained,
  parts: BeginParts,
): Promise<RunbookExplanation> {
  const failures: string[] = [];
  for (const trigger of runbook.triggers) {
    const failed = failedClause(trigger, { event, alert }) ?? notJudged(trigger, judged);
    if (failed !== null) {
      failures.push(failed);
      continue;
    }
    try {
      const params = runbook.params.parse(trigger.params({ event, alert }));
      return {
        runbook: runbook.id,
        holds: true,
        because: trigger.whereText ?? 'its trigger holds',
        params,
        ...(await explainPolicy(runbook, params, requestOf(event, alert), parts)),
      };
    } catch (error) {
      return {
        runbook: runbook.id,
        holds: true,
        because: `its parameters could not be made of the event: ${messageOf(error)}`,
        decision: null,
        rules: [],
      };
    }
  }
  const because = runbook.triggers.length === 0 ? 'it has no trigger; people start it' : failures.join('; ');
  return { runbook: runbook.id, holds: false, because, decision: null, rules: [] };
}

type Asked = Pick<Request, 'trigger' | 'who' | 'event' | 'alert'>;

function requestOf(event: Event, alert: Alert | null): Asked {
  const trigger = event.body.kind === 'tick' ? 'schedule' : 'event';
  return { trigger, who: { kind: 'source', id: event.source }, event, alert };
}

async function explainPolicy(runbook: Runbook, params: Params, asked: Asked, parts: BeginParts) {
  const { variables, facts } = await gatherFacts({ ...asked, runbook, params, reason: null, reopened: false }, parts);
  const { policy } = parts.catalogue.current();
  const { verdict, rule, because } = decide(policy, variables, facts);
  return { decision: { verdict, rule, because }, rules: explainRules(policy, variables) };
}

function explainRules(policy: Policy, variables: PolicyVariables): RunbookExplanation['rules'] {
  let decided = false;
  return policy.rules.map(rule => {
    if (decided) return { name: rule.name, when: rule.text, result: 'not reached', because: null };
    try {
      decided = rule.when(variables);
      if (decided) return { name: rule.name, when: rule.text, result: 'holds', because: null };
      const because = rule.falseClause?.(variables) ?? null;
      return { name: rule.name, when: rule.text, result: 'does not hold', because };
    } catch (error) {
      return { name: rule.name, when: rule.text, result: 'failed', because: messageOf(error) };
    }
  });
}
