import type { Clock } from '../../../kernel/clock.ts';
import { isCode, messageOf } from '../../../kernel/errors.ts';
import type { Log } from '../../../kernel/log.ts';
import type { Alert } from '../../../model/alert.ts';
import type { Approval } from '../../../model/approval.ts';
import { type Plan, plan as planSchema } from '../../../model/plan.ts';
import type { Run } from '../../../model/run.ts';
import type { Catalogue } from '../../../ports/catalogue.ts';
import type { StepOutline } from '../../../ports/runbook.ts';
import type { Store } from '../../../ports/store.ts';
import type { Groups } from '../../people/groups.ts';
import { readPlan } from '../../pipeline/plan.ts';
import type { Facts } from './beforehand.ts';
import type { Change } from './changed.ts';
import type { OtherCard } from './finding.ts';
import { createRecent, type Recent } from './recent.ts';
import { type KnownNames, knownNames } from './scripts.ts';

export interface GatherParts {
  store: Pick<Store, 'runs' | 'alerts' | 'blob'>;
  catalogue: Pick<Catalogue, 'current' | 'fromSnapshot'>;
  groups: Pick<Groups, 'people'>;
  clock: Pick<Clock, 'monotonic' | 'sleep'>;
  log: Log;
  outline(run: Run): Promise<readonly StepOutline[]>;
  showTime(at: number): string;
}

/** A card may be some moments behind, and must not wait; a press is judged by what is so now. */
export type For = 'card' | 'press';

/** Gathers the facts of findings. What cannot be known now makes no finding; nothing of it rejects but the store. */
export function createGathering(parts: GatherParts): (about: About, how: For) => Promise<Facts> {
  const recent = createRecent(parts.clock);
  return async ({ approval, run, alert }, how) => {
    const plan = await planOf(run.planHash, parts);
    const [outline, known, change, others, people] = await Promise.all([
      parts.outline(run),
      recent.read('names', keep.names, () => namesOf(parts)),
      plan === null ? null : changeOf(run, plan, how, { parts, recent }),
      othersOf(run, how, { parts, recent }),
      peopleOf(approval, alert, how, parts),
    ]);
    const kind = plan === null ? null : plan.entry.endsWith('.ts') ? 'ts' : 'yaml';
    return {
      ...{ run, kind, outline, known, change, others },
      runbooks: [...parts.catalogue.current().runbooks.keys()],
      voters: {
        ...{ quorum: approval.ask.quorum, people, barred: approval.barred },
        voted: approval.votes.map(vote => vote.person),
      },
    };
  };
}

export interface About {
  approval: Approval;
  run: Run;
  alert: Alert | null;
}

interface Context {
  parts: GatherParts;
  recent: Recent;
}

/** How long something that was read may be used for cards, milliseconds. A storm opens hundreds of them in a moment. */
const keep = { names: 5000, others: 1000, last: 5000 } as const;
/** Rows of the store that are looked at. */
const most = { alerts: 300, runs: 300, waiting: 200 } as const;
/** How long a card waits for who is in a group, milliseconds: threads go on meanwhile. */
const patience = 300;

async function planOf(hash: string, { store }: GatherParts): Promise<Plan | null> {
  const bytes = await store.blob(hash);
  const parsed = bytes === null ? null : planSchema.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  return parsed?.success === true ? parsed.data : null;
}

/** What alerts and runs named lately: hosts, services, targets. */
async function namesOf({ store }: GatherParts): Promise<KnownNames> {
  const [alerts, runs] = await Promise.all([store.alerts({ limit: most.alerts }), store.runs({ limit: most.runs })]);
  const labels = alerts.flatMap(alert => Object.values(alert.labels)).filter(value => value.length <= 200);
  const targets = runs.flatMap(run => run.targets.slice(0, 100)).filter(target => target.length <= 200);
  const hosts = labels.map(value => value.replace(/:\d{1,5}$/, ''));
  return knownNames([...labels, ...hosts, ...targets]);
}

async function othersOf(run: Run, how: For, { parts, recent }: Context): Promise<OtherCard[]> {
  const read = () => parts.store.runs({ states: ['waiting'], limit: most.waiting });
  const waiting = how === 'press' ? await read() : await recent.read('waiting', keep.others, read);
  const asked = waiting.filter(one => one.id !== run.id && asksPeople(one) && one.id !== run.parent?.run);
  return asked.map(({ runbook, planHash, targets }) => ({ runbook, planHash, targets }));
}

function asksPeople(run: Run): boolean {
  return run.startedAt === null ? run.approval !== null : run.steps.some(step => step.waiting?.for === 'approval');
}

async function peopleOf(
  approval: About['approval'],
  alert: Alert | null,
  how: For,
  { groups, clock }: GatherParts,
): Promise<readonly string[] | null> {
  const asking = groups.people(approval.ask.by, { alert });
  if (how === 'press') return await asking;
  const enough = new AbortController();
  const late = clock.sleep(patience, enough.signal).then(
    () => null,
    () => null,
  );
  return await Promise.race([asking, late]).finally(() => enough.abort());
}

/** What changed in the runbook's files since it last ran successfully; null when nothing did. */
async function changeOf(run: Run, plan: Plan, how: For, { parts, recent }: Context): Promise<Change | null> {
  const read = async () =>
    (await parts.store.runs({ runbook: run.runbook, states: ['succeeded'], limit: 1 })).at(0) ?? null;
  const last = how === 'press' ? await read() : await recent.read(`last ${run.runbook}`, keep.last, read);
  if (last === null || last.planHash === run.planHash) return null;
  const before = await planOf(last.planHash, parts);
  if (before === null || isSame(before, plan)) return null;
  const texts = await recent.keep(`${last.planHash} ${run.planHash}`, async () => ({
    before: await textOf(last.planHash, run, parts),
    after: await textOf(run.planHash, run, parts),
  }));
  return { last: last.planHash, when: parts.showTime(last.finishedAt ?? last.createdAt), ...texts };
}

function isSame(before: Plan, after: Plan): boolean {
  const paths = Object.keys(after.files);
  return (
    paths.length === Object.keys(before.files).length && paths.every(path => before.files[path] === after.files[path])
  );
}

/** The steps of a snapshot with the parameters of this run; the source of a runbook whose steps are not known before. */
async function textOf(hash: string, run: Run, { store, catalogue, log }: GatherParts): Promise<string> {
  try {
    const { plan, files } = await readPlan(store, hash);
    const runbook = await catalogue.fromSnapshot(plan, files);
    const outline = runbook.outline(run.params);
    if (outline.length > 0) return outline.map(step => `${step.title || step.id}: ${step.shows}`).join('\n');
    return Buffer.from(files.get(plan.entry) ?? '').toString('utf8');
  } catch (error) {
    if (!isCode(error, 'plan-changed')) log.debug({ reason: messageOf(error) }, 'an earlier plan cannot be compared');
    return '(it cannot be read any more)';
  }
}
