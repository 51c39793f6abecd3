import { messageOf } from '../kernel/errors.ts';
import type { Place } from '../kernel/github-app.ts';
import type { GitHubDoor } from '../model/gates/doors.ts';
import type { DoorHost, DoorQuestion } from '../ports/door.ts';
import type { GitHubApi, HookDelivery, WorkflowRun } from './github-api.ts';

/** GitHub keeps deliveries for redelivery so long, milliseconds. Source: docs.github.com, handling failed webhook deliveries. */
const keptFor = 3 * 24 * 3_600_000;
/** The most tries of one delivery: one that we refuse each time is refused for a reason. */
const mostTries = 5;

/**
 * Looks for questions that did not arrive. GitHub never redelivers by itself: it is asked for what failed, and the repositories that are
 * named are looked through for runs that wait. A repository that cannot be read does not keep the others from being looked through.
 */
export async function findMissed(
  options: GitHubDoor,
  api: GitHubApi,
  host: DoorHost,
  questionOf: (place: Place, run: WorkflowRun, environment: string) => DoorQuestion,
): Promise<DoorQuestion[]> {
  const failures: unknown[] = [];
  await askForFailed(api, host).catch(error => failures.push(error));
  const found: DoorQuestion[] = [];
  for (const place of placesOf(options)) {
    try {
      for (const run of await api.waitingRuns(place))
        for (const environment of await api.pendingOf(place, String(run.id)))
          if (await api.isOurs(place, environment)) found.push(questionOf(place, run, environment));
    } catch (error) {
      host.log.warn(
        { repository: `${place.owner}/${place.name}`, reason: messageOf(error) },
        'what waits there could not be read',
      );
      failures.push(error);
    }
  }
  if (found.length === 0 && failures.length > 0) throw failures[0];
  return found;
}

function placesOf({ repositories = [] }: GitHubDoor): Place[] {
  return repositories.flatMap(one => {
    const [owner = '', name] = one.split('/');
    return name === undefined ? [] : [{ owner, name }];
  });
}

async function askForFailed(api: GitHubApi, { clock }: DoorHost): Promise<void> {
  const since = clock.now() - keptFor;
  const rules = (await api.deliveries()).filter(
    one => one.event === 'deployment_protection_rule' && Date.parse(one.delivered_at) > since,
  );
  for (const tries of Map.groupBy(rules, one => one.guid).values()) {
    const [latest] = tries;
    if (latest !== undefined && !tries.some(arrived) && tries.length < mostTries) await api.redeliver(latest.id);
  }
}

function arrived({ status_code }: HookDelivery): boolean {
  return status_code >= 200 && status_code < 300;
}
