import type { IncomingEvent } from '../../model/event.ts';
import { plainText } from '../../model/incoming.ts';
import { type Delivery, defineSource, type Normalised } from '../../ports/source.ts';
import { markWith } from '../webhook/mark.ts';
import { settingChange } from './changes.ts';
import { check } from './check.ts';
import { examples } from './examples.ts';
import { deliveryIdOf, type Hook, isForeign, readHook } from './hook.ts';
import { isMembership, readAccessToken, readAny, readFeatureFlag, readMember, readPush } from './notices.ts';
import { type Options, options } from './options.ts';
import { openOrigin } from './origin.ts';
import { readDeployment, readJob, readPipeline } from './pipelines.ts';
import { prove, verify, verifyHeaders } from './proof.ts';
import { readVulnerability } from './vulnerabilities.ts';

/** By `object_kind`. Each resolves to null for a body that does not fit. */
const readers: Readonly<Record<string, (hook: Hook) => IncomingEvent[] | null>> = {
  access_token: readAccessToken,
  build: readJob,
  deployment: readDeployment,
  feature_flag: readFeatureFlag,
  pipeline: readPipeline,
  push: readPush,
  tag_push: readPush,
  vulnerability: readVulnerability,
};

export default defineSource<Options>({
  id: 'gitlab',
  about:
    'Webhooks of GitLab, of a project, a group or the whole instance. Pipelines and deployments that fail, and vulnerabilities, are alerts; failed jobs, pushes, members, feature flags and access tokens are notices, and so is any other event. Pushes, deployments that ended, feature flags and members are changes beside them. With `comment` it writes outcomes as comments on commits.',
  options,
  json: { bytesPerKey: 16, cutsTexts: true },
  delay: () => null,
  setup: {
    options: { token: '{secret}' },
    secret: 'ours',
    steps: [
      'Settings of the project or group, Webhooks, Add new webhook: URL {url}, secret token {secret}',
      'Choose the triggers: pipeline, deployment, job, push, tag push, feature flag, merge request, member and vulnerability events.',
      'Name the projects or groups under sources.{name}.projects: without it any that has the token is taken.',
    ],
    page: 'docs/gitlab.md',
  },
  examples,
  verify,
  verifyHeaders,
  prove,
  normalise,
  // News is ordered, so that no firing is a stale repeat; and nothing is repeated, so that silence says nothing.
  timing: () => ({ reopenAfter: 0, repeatInterval: Number.POSITIVE_INFINITY }),
  origin: openOrigin,
  tells: ['note'],
  toAsk: 'Set apiToken and comment, if you want that.',
  check,
});

function normalise(body: unknown, delivery: Delivery, given: Options): Normalised {
  const hook = readHook(body, delivery, given);
  const deliveryId = deliveryIdOf(hook, delivery);
  // GitLab disables a webhook for good after four answers of 4xx in a row, so what is not taken is no error.
  if (isForeign(hook)) return { events: [], deliveryId, echo: 'foreign' };
  // Posting Tocsin's own comment, or starting runbooks for it, would be a loop.
  if (isOwn(hook)) return { events: [], deliveryId, echo: 'note' };
  const reader = isMembership(hook) ? readMember : Object.hasOwn(readers, hook.name) ? readers[hook.name] : undefined;
  return { events: reader?.(hook) ?? readOther(hook, reader !== undefined), deliveryId };
}

function readOther(hook: Hook, isKnown: boolean): IncomingEvent[] {
  const notice = readAny(hook, isKnown);
  return [notice, ...settingChange(hook, notice)];
}

/** True for Tocsin's own comment. */
function isOwn({ name, told, given }: Hook): boolean {
  if (name !== 'note' || given.apiToken === undefined) return false;
  return markWith(given.apiToken).isOwn(plainText(told['note']) ?? '');
}
