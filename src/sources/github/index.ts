import type { IncomingEvent } from '../../model/event.ts';
import { type Delivery, defineSource, type Normalised } from '../../ports/source.ts';
import { settingChange } from './changes.ts';
import { check } from './check.ts';
import { readDeployment, readDeploymentStatus } from './deployments.ts';
import { examples } from './examples.ts';
import { readCodeScanning, readDependabot, readSecretScanning } from './findings.ts';
import { deliveryIdOf, fields, type Hook, readHook } from './hook.ts';
import { readAny, readBranchProtection, readMember, readPing, readPush } from './notices.ts';
import { type Options, options } from './options.ts';
import { openOrigin } from './origin.ts';
import { echoOf } from './own.ts';
import { prove, verify, verifyHeaders } from './proof.ts';
import { contentTypes, readBody } from './read.ts';
import { readCheckSuite, readWorkflowRun } from './runs.ts';

/** By the name of the event. Each resolves to null for a body that does not fit. */
const readers: Readonly<Record<string, (hook: Hook) => IncomingEvent[] | null>> = {
  branch_protection_rule: readBranchProtection,
  check_suite: readCheckSuite,
  code_scanning_alert: readCodeScanning,
  dependabot_alert: readDependabot,
  deployment: readDeployment,
  deployment_status: readDeploymentStatus,
  member: readMember,
  ping: readPing,
  push: readPush,
  secret_scanning_alert: readSecretScanning,
  workflow_run: readWorkflowRun,
};

export default defineSource<Options>({
  id: 'github',
  about:
    'Webhooks of GitHub, of a repository, an organisation or an app. Workflows, checks and deployments that fail, and findings of Dependabot, code scanning and secret scanning are alerts; pushes, deployments, members and branch protection are notices, and so is any other event. Pushes, deployments that ended, and changes of members and settings are changes beside them. With `comment` the outcome of runs is written on the commit, with `report` as a status, a check or the status of a deployment.',
  options,
  contentTypes,
  fields,
  delay: () => null,
  setup: {
    options: { secret: '{secret}' },
    secret: 'ours',
    steps: [
      'Settings of the repository or organisation, Webhooks, Add webhook: payload URL {url}, content type application/json, secret {secret}',
      'Choose the events: workflow runs, check suites, deployments and deployment statuses, the alerts of Dependabot, code and secret scanning, pushes, members, branch protection rules.',
      'Name the repositories or organisations under sources.{name}.repositories: without it any that has the secret is taken.',
    ],
    page: 'docs/github.md',
  },
  examples,
  verify,
  verifyHeaders,
  prove,
  parse: readBody,
  normalise,
  // News is ordered, so that no firing is a stale repeat; and nothing is repeated, so that silence says nothing.
  timing: () => ({ reopenAfter: 0, repeatInterval: Number.POSITIVE_INFINITY }),
  origin: openOrigin,
  tells: ['note', 'report'],
  toAsk: 'Set apiToken or app, and comment or report, if you want that.',
  check,
});

function normalise(body: unknown, delivery: Delivery, given: Options): Normalised {
  const hook = readHook(body, delivery, given);
  const deliveryId = deliveryIdOf(hook, delivery);
  // Posting what Tocsin itself wrote, or starting runbooks for it, would be a loop.
  const echo = echoOf(hook);
  if (echo !== null) return { events: [], deliveryId, echo };
  const reader = Object.hasOwn(readers, hook.name) ? readers[hook.name] : undefined;
  return { events: reader?.(hook) ?? readOther(hook, reader !== undefined), deliveryId };
}

function readOther(hook: Hook, isKnown: boolean): IncomingEvent[] {
  const notice = readAny(hook, isKnown);
  return [notice, ...settingChange(hook, notice)];
}
