import type { Alert } from '../../../src/model/alert.ts';
import type { Approval } from '../../../src/model/approval.ts';
import type { Post } from '../../../src/model/card.ts';
import type { Entry } from '../../../src/model/journal.ts';
import type { Run } from '../../../src/model/run.ts';

/** All that is known after a storm, when nothing moves any more. */
export interface Aftermath {
  /** Whole, in order. */
  journal: readonly Entry[];
  alerts: readonly Alert[];
  runs: readonly Run[];
  approvals: readonly Approval[];
  /** The roots on the console. */
  roots: readonly Post[];
}

/** What was promised of alerts and runs and does not hold; empty when all does. */
export function brokenPromises(facts: Aftermath): string[] {
  return [
    ...secondRuns(facts),
    ...runsAfterTheEnd(facts),
    ...outlivedApprovals(facts),
    ...forgotten(facts),
    ...untoldEnds(facts),
    ...unshown(facts),
  ];
}

/** No second run for one episode, nor for one stretch. */
function secondRuns({ runs, journal }: Aftermath): string[] {
  const starts = new Map<string, number>();
  for (const { fact } of journal)
    if (fact.kind === 'event.accepted' && fact.event.body.kind === 'alert')
      starts.set(fact.event.id, fact.event.body.startsAt);
  const seen = new Set<string>();
  const broken: string[] = [];
  for (const run of runs) {
    if (run.startedAt === null) continue;
    for (const key of [`episode ${run.episode}`, `stretch ${starts.get(run.event ?? '')}`].map(
      one => `${run.alert} ${one} ${run.runbook}`,
    )) {
      if (seen.has(key)) broken.push(`a second run for ${key}`);
      seen.add(key);
    }
  }
  return broken;
}

/** No run that an alert asked for is made, released or begun after the entry that ended its episode. */
function runsAfterTheEnd({ journal, runs }: Aftermath): string[] {
  const live = new Map<string, number | null>();
  const broken: string[] = [];
  for (const { seq, fact } of journal) {
    if (fact.kind === 'event.accepted' && fact.alert !== null) {
      if (fact.effect === 'opened' || fact.effect === 'reopened') live.set(fact.alert, fact.episode);
      if (fact.effect === 'resolved' || fact.effect === 'unseen') live.set(fact.alert, null);
    }
    if (fact.kind !== 'run.created' && fact.kind !== 'run.released' && fact.kind !== 'run.started') continue;
    const id = fact.kind === 'run.created' ? fact.run.id : fact.run;
    const run = runs.find(one => one.id === id);
    if (run?.alert == null || run.trigger !== 'event') continue;
    if (live.get(run.alert) !== run.episode)
      broken.push(
        `${seq} ${fact.kind} of ${id} (${run.runbook}) for episode ${run.episode} of ${run.alert}, which had ended`,
      );
  }
  return broken;
}

/** No approval of a whole plan is open, and no run waits, for an episode that ended. */
function outlivedApprovals({ approvals, runs, alerts }: Aftermath): string[] {
  const over = (run: Run | undefined) => {
    const alert = alerts.find(one => one.id === run?.alert);
    return run !== undefined && alert !== undefined && (alert.state === 'resolved' || run.episode !== alert.episode);
  };
  return [
    ...approvals
      .filter(one => one.state === 'open' && over(runs.find(run => run.id === one.run)))
      .map(one => `${one.id} is open for an alert that is over`),
    ...runs
      .filter(run => ['waiting', 'queued'].includes(run.state) && over(run))
      .map(run => `${run.id} is ${run.state} for an alert that is over`),
  ];
}

/** What fires has a run that was begun, or that people are asked about. */
function forgotten({ alerts, runs }: Aftermath): string[] {
  return alerts
    .filter(alert => alert.state === 'firing')
    .filter(alert => {
      const own = runs.filter(run => run.alert === alert.id && run.episode === alert.episode);
      return !own.some(run => run.startedAt !== null || run.state === 'waiting');
    })
    .map(alert => `${alert.id} fires in episode ${alert.episode}, and no run was begun or asked for`);
}

/** Every episode ends: when its end is told, or with the beginning of the next. */
function untoldEnds({ journal, alerts }: Aftermath): string[] {
  return alerts.flatMap(alert => {
    const ended = new Set<number>();
    for (const { fact } of journal) {
      if (fact.kind !== 'event.accepted' || fact.alert !== alert.id || fact.episode === null) continue;
      if (fact.effect === 'resolved' || fact.effect === 'unseen') ended.add(fact.episode);
      if (fact.effect === 'reopened') ended.delete(fact.episode);
      if (fact.effect === 'opened' && fact.end !== undefined) ended.add(fact.episode - 1);
    }
    const before = Array.from({ length: alert.episode - 1 }, (_, n) => n + 1);
    return before.filter(one => !ended.has(one)).map(one => `episode ${one} of ${alert.id} never ended`);
  });
}

/** Every stretch that was told as firing has a thread of its own, and no root says that an ended one fires. */
function unshown({ journal, alerts, roots }: Aftermath): string[] {
  return journal.flatMap(({ fact }) => {
    if (fact.kind !== 'event.accepted' || fact.effect !== 'opened' || fact.alert === null) return [];
    const key = `alert/${fact.alert}/${fact.episode}`;
    const root = roots.find(post => post.key === key);
    const alert = alerts.find(one => one.id === fact.alert);
    if (root === undefined) return [`${key} is not shown`];
    const fires = alert?.state === 'firing' && alert.episode === fact.episode;
    return fires === (root.card.badge === 'firing') ? [] : [`${key} says ${root.card.badge}`];
  });
}
