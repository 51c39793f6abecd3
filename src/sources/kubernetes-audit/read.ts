import { z } from 'zod';
import type { IncomingEvent } from '../../model/event.ts';
import { boundText, keyPart, labelsOf, longest, plainText, startOf, timeOf, titleOf } from '../../model/incoming.ts';
import { type ChangeFacts, changeOf } from '../../model/incoming-change.ts';
import { workloadOf } from './workload.ts';

const text = z
  .unknown()
  .optional()
  .transform(value => plainText(value) ?? '');
const user = z.looseObject({ username: text, uid: text }).nullish().catch(null);

/** An Event of audit.k8s.io/v1. Source: kubernetes.io, kube-apiserver Audit Configuration (v1). Bodies are read for workloads alone. */
const auditEvent = z.looseObject({
  auditID: z.string().min(1).max(200),
  stage: z.string().min(1),
  verb: z.string().min(1),
  requestURI: text,
  user,
  impersonatedUser: user,
  userAgent: text,
  sourceIPs: z.array(text).nullish().catch(null),
  objectRef: z
    .looseObject({ apiGroup: text, resource: text, subresource: text, namespace: text, name: text })
    .nullish()
    .catch(null),
  responseStatus: z
    .looseObject({ code: z.number().nullish().catch(null), reason: text })
    .nullish()
    .catch(null),
  requestObject: z.unknown().optional(),
  responseObject: z.unknown().optional(),
  requestReceivedTimestamp: text,
  stageTimestamp: text,
});
type AuditEvent = z.infer<typeof auditEvent>;

const otherStages: ReadonlySet<string> = new Set(['RequestReceived', 'ResponseStarted', 'Panic']);
const readVerbs: ReadonlySet<string> = new Set(['get', 'list', 'watch', 'head', 'options', 'proxy']);

/** What is opened by reading and yet does something: newer clients open these by GET (WebSocket). */
const connects: ReadonlySet<string> = new Set(['exec', 'attach', 'portforward']);

export interface ReadChange {
  event: IncomingEvent;
  /** Its identity: one request has one event for each stage. */
  id: string;
}

/**
 * The change that an audit event tells of; null for what changes nothing: reading, a dry run, another stage of a request than its end. Or
 * that it cannot be read.
 */
export function readAudit(
  item: unknown,
  given: { cluster?: string | undefined; at: number },
): ReadChange | 'unreadable' | null {
  const parsed = auditEvent.safeParse(item);
  if (!parsed.success) return 'unreadable';
  const event = parsed.data;
  if (otherStages.has(event.stage)) return null;
  if (event.stage !== 'ResponseComplete') return 'unreadable';
  const connecting = connects.has(event.objectRef?.subresource ?? '');
  if ((readVerbs.has(event.verb) && !connecting) || isDryRun(event.requestURI)) return null;
  return { event: changeOf(factsOf(event, given)), id: `${event.auditID}/${event.stage}` };
}

/** What could not be read, so that it is not lost without a word. It says nothing of what was in it. */
export function noticeOfUnreadable(count: number, at: number): IncomingEvent {
  const title = `${count} audit event${count === 1 ? '' : 's'} could not be read`;
  return { kind: 'notice', type: 'audit-unreadable', title, labels: {}, links: [], occurredAt: at };
}

function isDryRun(uri: string): boolean {
  return /[?&]dryRun=All(&|$)/.test(uri);
}

function factsOf(event: AuditEvent, { cluster, at }: { cluster?: string | undefined; at: number }): ChangeFacts {
  const { verb, user, impersonatedUser, objectRef, responseStatus } = event;
  const who = user?.username || 'somebody unknown';
  const resource = resourceOf(event);
  const action = objectRef?.subresource ? `${verb} ${objectRef.subresource}` : verb;
  const outcome = outcomeOf(event);
  const refused = typeof outcome === 'string' ? '' : `, refused or failed: ${outcome.error}`;
  return {
    title: titleOf(`${who}: ${action} ${resource.type} ${resource.name}${refused}`),
    labels: labelsOf(
      withoutEmpty({
        actor: who,
        impersonated: impersonatedUser?.username ?? '',
        verb,
        resource: objectRef?.resource ?? '',
        subresource: objectRef?.subresource ?? '',
        api_group: objectRef?.apiGroup ?? '',
        namespace: objectRef?.namespace ?? '',
        name: objectRef?.name ?? '',
        code: String(responseStatus?.code ?? ''),
        outcome: typeof outcome === 'string' ? outcome : 'failure',
        source_ip: event.sourceIPs?.[0] ?? '',
        cluster: cluster ?? '',
      }),
    ),
    occurredAt: startOf(timeOf(event.stageTimestamp) ?? timeOf(event.requestReceivedTimestamp), at),
    actor: { name: who, id: user?.uid || who, type: typeOf(who) },
    action,
    resource,
    after: outcome === 'success' ? workloadOf(event) : null,
    account: cluster ?? null,
    address: event.sourceIPs?.[0] || null,
    outcome,
    changeId: event.auditID,
  };
}

function withoutEmpty(texts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).filter(([, value]) => value !== ''));
}

/** The same id for every change of one object. What is no resource is its path, without a query, in which there may be a token. */
function resourceOf({ objectRef, requestURI }: AuditEvent): { type: string; id: string; name: string } {
  const { resource = '', apiGroup = '', namespace = '', name = '' } = objectRef ?? {};
  const path = boundText(requestURI.split('?', 1)[0] ?? '', longest.label);
  if (resource === '') return { type: 'url', id: path || 'unknown', name: path || 'unknown' };
  const type = apiGroup === '' ? resource : `${resource}.${apiGroup}`;
  const id = [type, namespace, name].map(keyPart).join('/');
  return { type, id, name: [namespace, name].filter(Boolean).join('/') || '(without a name)' };
}

function typeOf(username: string): string {
  if (username.startsWith('system:serviceaccount:')) return 'service account';
  if (username.startsWith('system:node:')) return 'node';
  return username.startsWith('system:') ? 'system' : 'user';
}

function outcomeOf({ responseStatus }: AuditEvent): ChangeFacts['outcome'] {
  const code = responseStatus?.code ?? null;
  if (code === null || code <= 0) return 'unknown';
  // 101 answers an exec that was opened.
  if (code < 400) return 'success';
  return { error: [String(code), responseStatus?.reason ?? ''].filter(Boolean).join(' ') };
}
