import { z } from 'zod';
import { sha256 } from '../../kernel/canonical.ts';
import { TocsinError } from '../../kernel/errors.ts';
import type { IncomingAlert, IncomingEvent, Severity } from '../../model/event.ts';
import { isMap, keyOf, keyPart, labelsOf, linkOf, plainText, titleOf, toldTime } from '../../model/incoming.ts';
import type { Delivery } from '../../ports/source.ts';
import { present, text } from '../webhook/sender.ts';
import { isTaken, type Options } from './options.ts';

export { text };
export const flag = z.boolean().nullish().catch(null);

/** What a body says of its project, group and user. Source: docs.gitlab.com, webhook events and system hooks. */
const envelope = z.object({
  object_kind: text,
  event_name: text,
  event_type: text,
  action: text,
  project: z.object({ id: text, path_with_namespace: text, web_url: text, default_branch: text }).catch({
    id: null,
    path_with_namespace: null,
    web_url: null,
    default_branch: null,
  }),
  project_id: text,
  path_with_namespace: text,
  project_path_with_namespace: text,
  group: z.object({ full_path: text, group_path: text, group_id: text }).catch({
    full_path: null,
    group_path: null,
    group_id: null,
  }),
  full_path: text,
  group_path: text,
  user: z.object({ id: text, username: text, name: text }).catch({ id: null, username: null, name: null }),
  user_id: text,
  user_username: text,
  object_attributes: z.record(z.string(), z.unknown()).catch({}),
});

/** One delivery, with what every event has. The body itself names its event, so no header is read for it. */
export interface Hook {
  /** As `object_kind` or `event_name` calls it. */
  name: string;
  action: string | null;
  /** `name.action`, or the name alone. */
  type: string;
  body: Record<string, unknown>;
  /** `object_attributes`. */
  told: Record<string, unknown>;
  project: Project | null;
  /** The path of what it is about: a project or a group. */
  place: string | null;
  actor: string | null;
  /** The same with the id, which stays when they are renamed. */
  who: { name: string; id: string | null } | null;
  /** True for what only members of the project may see. */
  isConfidential: boolean;
  /** When it arrived. */
  at: number;
  given: Options;
}

interface Project {
  /** Stays the same when the project is renamed. */
  id: string;
  path: string;
  defaultBranch: string | null;
  url: string | null;
}

/** Throws `bad-body` for what is no map. */
export function readHook(body: unknown, { at }: Delivery, given: Options): Hook {
  const parsed = envelope.safeParse(body);
  if (!parsed.success || !isMap(body))
    throw new TocsinError('bad-body', { at: 'the document', allowed: 'the body of a webhook of GitLab, a map' });
  const found = parsed.data;
  const told = found.object_attributes;
  const name = wordOf(found.object_kind ?? found.event_name) ?? 'unknown';
  const project = projectOf(found) ?? (name === 'vulnerability' ? projectIn(told) : null);
  const action = wordOf(text.parse(told['action']) ?? found.action);
  const isMember = /^user_.*_(team|group|project)$/.test(name);
  // In news of members `user_` is who became a member, and nothing says who did it.
  const actor = found.user.username ?? found.user.name ?? (isMember ? null : found.user_username);
  const actorId = found.user.id ?? (isMember ? null : found.user_id);
  return {
    name,
    action,
    type: action === null ? name : `${name}.${action}`,
    body,
    told,
    project,
    place: project?.path ?? placeOf(found),
    actor,
    who: actor === null ? null : { name: actor, id: actorId },
    isConfidential:
      told['confidential'] === true || told['internal'] === true || /^confidential_/.test(found.event_type ?? ''),
    at,
    given,
  };
}

type Envelope = z.infer<typeof envelope>;

function projectOf({
  project,
  project_id,
  path_with_namespace,
  project_path_with_namespace,
}: Envelope): Project | null {
  const path = project.path_with_namespace ?? project_path_with_namespace ?? path_with_namespace;
  if (path === null) return null;
  return { id: project.id ?? project_id ?? path, path, defaultBranch: project.default_branch, url: project.web_url };
}

/** Of a vulnerability the path of the project stands only in its address. Source: docs.gitlab.com, vulnerability events. */
function projectIn(told: Told): Project | null {
  const [, origin = '', path = null] =
    /^(https?:\/\/[^/]+)\/(.+)\/-\/security\//.exec(text.parse(told['url']) ?? '') ?? [];
  const id = text.parse(told['project_id']);
  return path === null || id === null ? null : { id, path, defaultBranch: null, url: `${origin}/${path}` };
}

/** News of members names only the last part of the path of a group. */
function placeOf({ group, full_path, group_path }: Envelope): string | null {
  return group.full_path ?? full_path ?? group.group_path ?? group_path;
}

function wordOf(told: string | null): string | null {
  return told !== null && /^[a-z][a-z0-9_]{0,63}$/.test(told) ? told : null;
}

/** True for what the option projects leaves out; what names no place is left out where there is a list. */
export function isForeign({ place, given }: Hook): boolean {
  return given.projects !== undefined && (place === null || !isTaken(given, place));
}

/** Bodies without a time of what they tell: they may rightly come again with the same bytes. */
const timeless = ['feature_flag', 'access_token', 'wiki_page'];

/**
 * What makes a repetition of a delivery: its bytes, so that a webhook of a project and one of its group tell the same once. Of what has no
 * time a repetition is known by its id, `webhook-id` where GitLab signs and `Idempotency-Key` where not.
 */
export function deliveryIdOf({ name }: Hook, { headers, body }: Delivery): string {
  const digest = sha256(body);
  if (!timeless.includes(name)) return digest;
  return keyOf(`${digest}/${headers['webhook-id'] ?? headers['idempotency-key'] ?? ''}`);
}

/** `2021-02-23 02:41:28 UTC`, `2021-04-28 21:50:00 +0200` and RFC 3339. Null when it is missing, unreadable or ahead of us. */
export function readTime(told: unknown, now: number): number | null {
  const found = text.parse(told);
  return toldTime(found?.replace(/ UTC$/, 'Z').replace(/ ([+-]\d\d):?(\d\d)$/, '$1:$2'), now);
}

type Told = Readonly<Record<string, unknown>>;

/** Labels of what was told; what was not is left out. */
export function labelsFor({ name, action, project, place, actor }: Hook, more: Told): IncomingAlert['labels'] {
  const where = project === null ? { group: place } : { project: project.path };
  const all = { event: name, action, ...where, actor, ...more };
  return labelsOf(present(Object.fromEntries(Object.entries(all).map(([key, value]) => [key, plainText(value)]))));
}

/** A condition that GitLab tells of. Times are milliseconds since the epoch, null for none that was told. */
export interface Condition {
  /** What it is within its project. */
  key: readonly string[];
  state: 'firing' | 'resolved';
  title: string;
  severity: Severity;
  labels: Told;
  annotations?: Told;
  links: IncomingAlert['links'];
  /** By which time news is ordered. */
  order: number | null;
  /** When it happened. */
  happened: number | null;
  noCure?: string | null;
}

export function fingerprintOf(kind: string, project: Project, key: readonly string[]): string {
  return keyOf([kind, project.id, ...key].map(keyPart).join('/'));
}

export function alertOf(hook: Hook, project: Project, one: Condition): IncomingAlert {
  const happened = one.happened ?? hook.at;
  return {
    kind: 'alert',
    state: one.state,
    fingerprint: fingerprintOf(hook.name, project, one.key),
    title: titleOf(one.title),
    severity: one.severity,
    labels: labelsFor(hook, one.labels),
    annotations: labelsOf(
      present(Object.fromEntries(Object.entries(one.annotations ?? {}).map(([key, value]) => [key, plainText(value)]))),
    ),
    links: [...one.links, ...linkOf('Project', project.url)],
    startsAt: one.order ?? happened,
    ...(one.order === null ? {} : { newsAt: one.order }),
    ...(one.noCure ? { noCure: one.noCure } : {}),
    endsAt: one.state === 'resolved' ? happened : null,
    occurredAt: happened,
  };
}

interface More {
  labels?: Told;
  links?: IncomingAlert['links'];
  at?: number | null;
  about?: string | null;
}

/** A notice; `about` is the fingerprint of the alert in whose thread it belongs. */
export function noticeOf(hook: Hook, title: string, { labels = {}, links = [], at, about }: More = {}): IncomingEvent {
  return {
    kind: 'notice',
    type: hook.type,
    ...(about ? { about } : {}),
    title: titleOf(title),
    labels: labelsFor(hook, labels),
    links: [...links, ...linkOf('Project', hook.project?.url)],
    occurredAt: at ?? hook.at,
  };
}

/** Nothing, unless all is to be told. */
export function quietly(hook: Hook, title: string, more: More): IncomingEvent[] {
  return hook.given.tellAll === true ? [noticeOf(hook, title, more)] : [];
}
