import { messageOf, TocsinError } from '../../kernel/errors.ts';
import type { Act } from '../../model/act.ts';
import type { Actor } from '../../model/actor.ts';
import type { Alert } from '../../model/alert.ts';
import type { Approval } from '../../model/approval.ts';
import type { Decision } from '../../model/decision.ts';
import { streamOf } from '../../model/journal.ts';
import { paramsFrom } from '../../ports/command-answer.ts';
import type { MayAnswer, MayQuestion, WaitingItem } from '../../ports/overview.ts';
import type { Params, Runbook } from '../../ports/runbook.ts';
import { failedClause } from '../pipeline/match.ts';
import { mayAct } from './act.ts';
import { splitWords } from './commands.ts';
import type { ActParts } from './parts.ts';
import { judgeStart } from './start.ts';
import { mayVote } from './vote.ts';

/** The most open approvals and asking runs that are looked at. */
const most = 100;

/** The approvals that this person may vote on and has not, and the runs whose question they may answer, the oldest first. */
export async function waitingFor(who: Actor, parts: ActParts): Promise<readonly WaitingItem[]> {
  if (who.kind !== 'person') return [];
  const [approvals, runs] = await Promise.all([
    parts.store.approvals({ state: 'open', limit: most }),
    parts.store.runs({ states: ['asking'], limit: most }),
  ]);
  const votes = approvals.map(async (approval): Promise<WaitingItem | null> => {
    const { id, run, gate, claim, createdAt } = approval;
    const because = await mayVote(approval, who, parts);
    return because === null ? { kind: 'approval', id, run, gate, claim, since: createdAt } : null;
  });
  const questions = runs.map(async (run): Promise<WaitingItem | null> => {
    const answer: Act = { kind: 'answer', run: run.id, step: '', choice: 'abort', reason: null };
    const because = await mayAct(who, answer, parts);
    const item = { kind: 'question', id: run.id, run: run.id, gate: null, claim: null, since: run.createdAt } as const;
    return because === null ? item : null;
  });
  const items = (await Promise.all([...votes, ...questions])).filter(item => item !== null);
  return items.sort((a, b) => a.since - b.since || (a.id < b.id ? -1 : 1));
}

/** What would become of what the person could press. Null for somebody who is not in tocsin.yaml. */
export async function mayDo(person: string, about: MayQuestion, parts: ActParts): Promise<readonly MayAnswer[] | null> {
  const set = parts.catalogue.current();
  if (!Object.hasOwn(set.config.people, person)) return null;
  const who: Actor = { kind: 'person', id: person, via: 'console', account: null };
  const alert = about.alert === null ? null : await parts.store.alert(about.alert);
  const runbook = about.runbook === null ? undefined : set.runbooks.get(about.runbook);
  const answers: MayAnswer[] = [];
  if (about.alert !== null && alert === null)
    answers.push({ what: 'this alert', would: 'no', because: `There is no alert ${about.alert}.` });
  if (about.runbook !== null && runbook === undefined)
    answers.push({ what: about.runbook, would: 'no', because: `There is no runbook ${about.runbook}.` });
  if (runbook !== undefined) answers.push(await mayRun(who, runbook, about.params, alert, parts));
  if (alert !== null) {
    answers.push(...(await mayTreat(who, alert, parts)));
    if (runbook === undefined) answers.push(...(await mayRunFor(who, alert, parts)));
  }
  answers.push(...(await mayVoteOn(who, runbook?.id ?? null, alert?.id ?? null, parts)));
  if (alert === null && runbook === undefined) answers.push(...(await mayEverywhere(who, parts)));
  return answers;
}

async function ask(who: Actor, what: string, act: Act, parts: ActParts): Promise<MayAnswer> {
  const because = await mayAct(who, act, parts);
  return { what, would: because === null ? 'yes' : 'no', because: because ?? 'allowed' };
}

const hour = 3_600_000;

function mayTreat(who: Actor, { id, episode }: Alert, parts: ActParts): Promise<MayAnswer[]> {
  return Promise.all([
    ask(who, 'acknowledge it', { kind: 'acknowledge', alert: id }, parts),
    ask(who, 'silence it', { kind: 'silence', alert: id, duration: hour }, parts),
    ask(who, 'close it', { kind: 'close', alert: id, reason: 'over', episode }, parts),
  ]);
}

function mayEverywhere(who: Actor, parts: ActParts): Promise<MayAnswer[]> {
  const [source] = parts.catalogue.current().sources.keys();
  return Promise.all([
    ask(who, 'halt everything', { kind: 'halt', reason: 'as a question' }, parts),
    ask(who, 'resume after a halt', { kind: 'resume', reason: 'as a question' }, parts),
    ...(source === undefined ? [] : [ask(who, 'test a source', { kind: 'test', source }, parts)]),
    ask(who, 'break the glass', { kind: 'break-glass', reason: 'as a question' }, parts),
  ]);
}

async function mayVoteOn(
  who: Actor,
  runbook: string | null,
  alert: string | null,
  parts: ActParts,
): Promise<MayAnswer[]> {
  const open = await parts.store.approvals({ state: 'open', limit: most });
  const concerned = open.filter(
    one => (runbook === null || one.runbook === runbook) && (alert === null || one.alert === alert),
  );
  return await Promise.all(
    concerned.slice(0, 20).map(async (one: Approval): Promise<MayAnswer> => {
      const because = await mayVote(one, who, parts);
      const what = `vote on “${one.title}” (${one.id})`;
      return { what, would: because === null ? 'yes' : 'no', because: because ?? `asked: ${one.ask.by.join(', ')}` };
    }),
  );
}

/** The runbooks whose trigger takes the newest event of the alert, with the parameters that it makes. */
async function mayRunFor(who: Actor, alert: Alert, parts: ActParts): Promise<MayAnswer[]> {
  const found = await matching(alert, parts);
  return await Promise.all(found.map(({ runbook, params }) => judge(who, runbook, params, alert, parts)));
}

async function matching(alert: Alert, parts: ActParts): Promise<{ runbook: Runbook; params: () => Params }[]> {
  const facts = (await parts.store.stream(streamOf.alert(alert.id))).map(entry => entry.fact);
  const last = facts.findLast(fact => fact.kind === 'event.accepted');
  if (last?.kind !== 'event.accepted') return [];
  const variables = { event: last.event, alert };
  return [...parts.catalogue.current().runbooks.values()].flatMap(runbook => {
    const trigger = runbook.triggers.find(one => one.unpermitted !== true && failedClause(one, variables) === null);
    return trigger === undefined ? [] : [{ runbook, params: () => trigger.params(variables) }];
  });
}

async function mayRun(
  who: Actor,
  runbook: Runbook,
  text: string,
  alert: Alert | null,
  parts: ActParts,
): Promise<MayAnswer> {
  const own = alert === null ? undefined : (await matching(alert, parts)).find(one => one.runbook === runbook);
  const given = () => {
    const named = new Map(splitWords(text).map(wordOf));
    const made = own?.params() ?? {};
    const view = { ...runbook.view, params: runbook.view.params.map(one => ({ ...one, required: false })) };
    return own === undefined ? paramsFrom(named, runbook.view) : { ...made, ...paramsFrom(named, view) };
  };
  return await judge(who, runbook, given, alert, parts);
}

function wordOf(word: string): [name: string, value: string] {
  const at = word.indexOf('=');
  return at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)];
}

async function judge(
  who: Actor,
  runbook: Runbook,
  given: () => Params,
  alert: Alert | null,
  parts: ActParts,
): Promise<MayAnswer> {
  const what = `run ${runbook.id}`;
  try {
    const params = runbook.params.parse(given());
    const act: Act = { kind: 'run', runbook: runbook.id, params, alert: alert?.id ?? null, reason: null };
    const refusal = await mayAct(who, act, parts);
    if (refusal !== null) return { what, would: 'no', because: refusal };
    const request = { runbook, params, trigger: 'manual', who, reason: null, event: null, alert } as const;
    return { what, ...outcomeOf(await judgeStart({ ...request, reopened: false }, parts)) };
  } catch (error) {
    return { what, would: 'no', because: `not with these parameters: ${textOf(error)}` };
  }
}

/** In one line, without the code and the general remedy. */
function textOf(error: unknown): string {
  if (!(error instanceof TocsinError)) return messageOf(error);
  const { allowed, message } = error;
  return allowed === undefined ? message : `${message} Allowed: ${[allowed].flat().join(', ')}.`;
}

function outcomeOf({ verdict, because, ask: asked }: Decision): Pick<MayAnswer, 'would' | 'because'> {
  if (verdict === 'auto') return { would: 'yes', because };
  if (verdict !== 'approve') return { would: 'no', because };
  const by = asked?.by.join(', ') ?? 'nobody';
  const quorum = asked?.quorum ?? 1;
  return { would: 'asks', because: `${quorum} of ${by} must approve, and the one who asks does not count; ${because}` };
}
