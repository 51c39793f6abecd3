import { z } from 'zod';
import { sha256 } from '../../kernel/canonical.ts';
import { TocsinError } from '../../kernel/errors.ts';
import type { IncomingAlert, IncomingEvent, Severity } from '../../model/event.ts';
import { boundText, isMap, keyOf, labelsOf, linkOf, titleOf, toSecond } from '../../model/incoming.ts';
import type { Delivery } from '../../ports/source.ts';
import { isTaken, type Options } from './options.ts';

export const text = z.string().nullish().catch(null);
export const flag = z.boolean().nullish().catch(null);
/** An id; one beyond 2^53 is a text. */
export const ownId = z.union([z.int(), z.string().min(1).max(100)]).transform(String);
export const id = ownId.nullish().catch(null);
export const account = z.object({ login: text, id, type: text }).nullish().catch(null);
export const repository = z.object({ id, full_name: text, html_url: text, default_branch: text }).nullish().catch(null);

/** What all bodies have, as far as they have it. Source: @octokit/openapi-webhooks. */
const envelope = z.object({
  action: text,
  repository,
  organization: account,
  sender: account,
  installation: z.object({ account }).nullish().catch(null),
});

/** The words that an error may name. */
export const fields = ['repository', 'full_name', 'organization', 'login', 'installation', 'account'];

/** One delivery, with what every event has. */
export interface Hook {
  /** As X-GitHub-Event names it, which is not signed: a reader takes only a body that fits the name. */
  name: string;
  action: string | null;
  /** `name.action`, or the name alone. */
  type: string;
  body: Record<string, unknown>;
  repository: Repository | null;
  organization: string | null;
  actor: string | null;
  /** The same with what else is told of them. */
  sender: z.infer<typeof account>;
  /** When it arrived. */
  at: number;
  given: Options;
}

interface Repository {
  /** Stays the same when the repository is renamed. */
  id: string;
  /** `owner/repository`. */
  name: string;
  defaultBranch: string | null;
  url: string | null;
}

/** Throws `bad-body` for what is no map, and for a repository or an organisation that is not taken. */
export function readHook(body: unknown, { headers, at }: Delivery, given: Options): Hook {
  const parsed = envelope.safeParse(body);
  if (!parsed.success || !isMap(body))
    throw new TocsinError('bad-body', { at: 'the document', allowed: 'the body of a webhook of GitHub, a map' });
  const told = headers['x-github-event'] ?? '';
  const name = /^[a-z][a-z0-9_]{0,63}$/.test(told) ? told : 'unknown';
  const { action, sender, organization } = parsed.data;
  const hook: Hook = {
    name,
    action: action ?? null,
    type: action ? boundText(titleOf(`${name}.${action}`), 100) : name,
    body,
    repository: repositoryOf(parsed.data.repository),
    organization: organization?.login || null,
    actor: sender?.login || null,
    sender,
    at,
    given,
  };
  checkPlace(hook, parsed.data.installation?.account?.login ?? null);
  return hook;
}

function repositoryOf(found: z.infer<typeof repository>): Repository | null {
  const name = found?.full_name;
  if (found == null || !name) return null;
  return { id: found.id ?? name, name, defaultBranch: found.default_branch || null, url: found.html_url ?? null };
}

function checkPlace({ repository: about, organization, body, given }: Hook, installed: string | null): void {
  if (given.repositories === undefined) return;
  const [owner = '', name = null] = about?.name.split('/') ?? [organization ?? installed ?? ''];
  if (isTaken(given, owner, name)) return;
  // A ping of an organisation of which some repositories are taken, or of an app, tells of nothing.
  const known = given.repositories.some(one => one.startsWith(`${owner.toLowerCase()}/`));
  if (name === null && typeof body['zen'] === 'string' && (owner === '' || known)) return;
  const at = about !== null ? 'repository.full_name' : organization !== null ? 'organization.login' : 'repository';
  throw new TocsinError('bad-body', {
    message: 'The event is of a repository or an organisation that is not taken.',
    at,
    allowed: 'the repositories and owners that the option repositories names',
    remedy: 'Add it to repositories of the source in tocsin.yaml, or take the webhook away.',
  });
}

/** Members whose bodies have neither an id nor a time of what they tell. */
const timeless = ['member', 'membership', 'team', 'blocked_user', 'zen'];
/**
 * Members that any body may have. One without another tells of the place itself, which may go to and fro: `repository`, `organization`,
 * `installation`, `public`. Source: @octokit/webhooks-examples.
 */
const common = new Set(['action', 'changes', 'repository', 'organization', 'sender', 'installation', 'enterprise']);

/**
 * What makes a repetition of a delivery: its signed bytes, since X-GitHub-Delivery is not signed. A few bodies have neither an id nor a time
 * of what they tell, so that it may happen again with the same bytes: of those a redelivery is known by that header too.
 */
export function deliveryIdOf({ body }: Hook, delivery: Delivery): string {
  const digest = sha256(delivery.body);
  const isTimeless =
    timeless.some(name => Object.hasOwn(body, name)) || Object.keys(body).every(name => common.has(name));
  return isTimeless ? keyOf(`${digest}/${delivery.headers['x-github-delivery'] ?? ''}`) : digest;
}

type Told = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Labels of what was told; what was not is left out. */
export function labelsFor(
  { name, action, repository: about, organization, actor }: Hook,
  more: Told,
): IncomingAlert['labels'] {
  const all: Told = { event: name, action, repository: about?.name, organization, actor, ...more };
  const told = Object.entries(all).flatMap(([key, value]) =>
    value == null || value === '' ? [] : [[key, String(value)]],
  );
  return labelsOf(Object.fromEntries(told));
}

/** A condition that GitHub tells of. Times are milliseconds since the epoch, null for none that was told. */
export interface Condition {
  /** What it is within its repository. */
  key: readonly string[];
  state: 'firing' | 'resolved';
  title: string;
  severity: Severity;
  labels: Told;
  annotations?: Told;
  links: IncomingAlert['links'];
  /** When it began. */
  start: number | null;
  /** By which time news is ordered. */
  order: number | null;
  /** When it happened. */
  happened: number | null;
  noCure?: string | null;
}

export function fingerprintOf(kind: string, about: Repository, key: readonly string[]): string {
  return keyOf([kind, about.id, ...key].join('/'));
}

export function alertOf(hook: Hook, about: Repository, one: Condition): IncomingAlert {
  const happened = one.happened ?? hook.at;
  const annotations = Object.entries(one.annotations ?? {}).flatMap(([key, value]) =>
    value ? [[key, String(value)]] : [],
  );
  return {
    kind: 'alert',
    state: one.state,
    fingerprint: fingerprintOf(hook.name, about, one.key),
    title: titleOf(one.title),
    severity: one.severity,
    labels: labelsFor(hook, one.labels),
    annotations: labelsOf(Object.fromEntries(annotations)),
    links: [...one.links, ...linkOf('Repository', about.url)],
    startsAt: one.start ?? happened,
    ...(one.order === null ? {} : { newsAt: one.order }),
    ...(one.noCure ? { noCure: one.noCure } : {}),
    endsAt: one.state === 'resolved' ? happened : null,
    occurredAt: happened,
  };
}

/** A notice; `about` is the fingerprint of the alert in whose thread it belongs. */
export function noticeOf(
  hook: Hook,
  title: string,
  more: { labels?: Told; links?: IncomingAlert['links']; at?: number | null; about?: string | null } = {},
): IncomingEvent {
  return {
    kind: 'notice',
    type: hook.type,
    ...(more.about ? { about: more.about } : {}),
    title: titleOf(title),
    labels: labelsFor(hook, more.labels ?? {}),
    links: [...(more.links ?? []), ...linkOf('Repository', hook.repository?.url)],
    occurredAt: more.at ?? hook.at,
  };
}

/** Nothing, unless all is to be told. */
export function quietly(hook: Hook, title: string, more: Parameters<typeof noticeOf>[2]): IncomingEvent[] {
  return hook.given.tellAll === true ? [noticeOf(hook, title, more)] : [];
}

/**
 * The place of a result among all results of one workflow, app or environment, as a time: when its run was created, so that a newer run
 * outranks an older one that ends later. GitHub gives whole seconds; the thousandths order the results of one run. Runs that were created
 * in one second come as they arrive.
 */
export function orderOf(created: number | null, step: number): number | null {
  return created === null ? null : toSecond(created) + Math.min(999, Math.max(0, Math.floor(step)));
}

/** A step for results of which only the times are known: one for ten seconds. */
export function stepOf(created: number | null, happened: number | null): number {
  return created === null || happened === null ? 0 : (happened - created) / 10_000;
}

/** `main` for `refs/heads/main`; null for what is no branch. */
export function branchOf(ref: string | null | undefined): string | null {
  return ref?.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : null;
}
