import { isCode } from '../../kernel/errors.ts';
import type { Act, ActAnswer } from '../../model/act.ts';
import { type Actor, nameOf } from '../../model/actor.ts';
import type { Decision } from '../../model/decision.ts';
import { streamOf } from '../../model/journal.ts';
import type { Rule } from '../../ports/catalogue.ts';
import type { Change, Guard } from '../../ports/store.ts';
import { failedGuard } from '../journal/streams.ts';
import { askPolicy, beginRun, claimPlan, type Request } from '../pipeline/begin.ts';
import { type ActParts, refused, unknown } from './parts.ts';

/** Starts a run by hand. Policy decides as for an event, and this request is the press that `notify` waits for. */
export async function performStart(
  who: Actor,
  act: Extract<Act, { kind: 'run' }>,
  parts: ActParts,
): Promise<ActAnswer> {
  const set = parts.catalogue.current();
  const runbook = set.runbooks.get(act.runbook);
  if (runbook === undefined) throw unknown('runbook', act.runbook, set.runbooks.keys());
  const alert = act.alert === null ? null : await parts.store.alert(act.alert);
  if (act.alert !== null && alert === null) throw unknown('alert', act.alert, []);
  const params = runbook.params.parse(act.params);
  const request: Request = {
    runbook,
    params,
    trigger: 'manual',
    who,
    reason: act.reason,
    event: null,
    alert,
    reopened: false,
  };
  const decision = await judgeStart(request, parts);
  parts.metrics.count('tocsin_decisions_total', { verdict: decision.verdict });
  if (decision.verdict === 'deny' || decision.verdict === 'notify') return await denied(who, request, decision, parts);
  const begun = beginRun(request, decision, parts);
  const only = await claimPlan(begun, parts);
  if (only === null)
    return refused('conflict', 409, 'The same plan waits for approval for this alert already. See its thread.');
  const taken = await commitOnce(
    { ...begun.change, guards: [...(begun.change.guards ?? []), ...only] },
    act.offer,
    parts,
  );
  if (!taken)
    return refused('conflict', 409, 'This button was pressed already, and a run was begun by it. See the thread.');
  if (begun.run.state === 'queued') await parts.dispatcher.wake({ run: begun.run.id, first: true });
  const text =
    begun.approval === null
      ? `${runbook.title} is starting: ${decision.because}.`
      : `${runbook.title} waits for approval by ${begun.approval.ask.by.join(', ')}: ${decision.because}.`;
  return { ok: true, text, run: begun.run.id, ...(begun.approval === null ? {} : { approval: begun.approval.id }) };
}

/** What policy says of a start by hand, by whoever asks for it. Changes nothing. */
export async function judgeStart(request: Request, parts: ActParts): Promise<Decision> {
  const { rules } = parts.catalogue.current().policy;
  const { who, alert } = request;
  return await pressed(await askPolicy(request, parts), who, rules, async (names, id) =>
    Boolean(await parts.groups.standing(id, names, { alert })),
  );
}

/** False when the offer was taken before. Two nodes may get two presses at the same moment, so the store decides. */
async function commitOnce(change: Change, offer: string | undefined, { feed, clock }: ActParts): Promise<boolean> {
  const claims: Guard[] =
    offer === undefined ? [] : [{ kind: 'claim', space: 'offer', key: offer, at: clock.now(), keep: null }];
  try {
    await feed.commit({ ...change, guards: [...claims, ...(change.guards ?? [])] });
    return true;
  } catch (error) {
    if (isCode(error, 'guard-failed') && failedGuard(error) === 'claim') return false;
    throw error;
  }
}

/** `notify` asks for a person to press Run, and this is the press: by one of those whom the rule names, if it names any. */
async function pressed(
  decision: Decision,
  who: Actor,
  rules: readonly Rule[],
  among: (names: readonly string[], person: string) => Promise<boolean>,
): Promise<Decision> {
  if (decision.verdict !== 'notify') return decision;
  if (who.kind !== 'person')
    return {
      ...decision,
      verdict: 'deny',
      because: `${decision.because}; only a person may press Run, and ${nameOf(who)} is none`,
    };
  const by = rules.find(rule => rule.name === decision.rule)?.ask?.by ?? [];
  if (by.length > 0 && !(await among(by, who.id)))
    return { ...decision, verdict: 'deny', because: `${decision.because}; only ${by.join(', ')} may press Run` };
  return { ...decision, verdict: 'auto', because: `${decision.because}; ${nameOf(who)} pressed Run` };
}

async function denied(who: Actor, request: Request, decision: Decision, parts: ActParts): Promise<ActAnswer> {
  const { runbook, params, alert } = request;
  const id = parts.ids.next('req');
  await parts.feed.commit({
    entries: [
      {
        stream: streamOf.decision(id),
        actor: who,
        at: parts.clock.now(),
        fact: {
          kind: 'decision.made',
          event: id,
          alert: alert?.id ?? null,
          episode: alert?.episode ?? null,
          runbook: runbook.id,
          params: { ...params },
          targets: runbook.targets(params),
          verdict: 'deny',
          rule: decision.rule,
          because: decision.because,
        },
      },
    ],
  });
  return {
    ok: false,
    code: 'forbidden',
    status: 403,
    text: `Denied by ${decision.rule}: ${decision.because}`,
    decision,
  };
}
