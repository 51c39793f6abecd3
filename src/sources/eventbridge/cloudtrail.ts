import type { IncomingEvent } from '../../model/event.ts';
import { plainText, startOf, timeOf } from '../../model/incoming.ts';
import { changeOf } from '../../model/incoming-change.ts';
import { withoutMarks } from '../../model/ledger/principal.ts';
import { lastOf, textsOf } from './arn.ts';
import { type BusEvent, busLabels, mapIn, mapsIn, noticeOf } from './bus-event.ts';

/**
 * A call of the API, a sign-in or an action of a service: who did what to what, and whether it was done. Source: AWS CloudTrail user guide,
 * record contents and userIdentity element; EventBridge user guide, events via CloudTrail.
 */
export function cloudTrailNotice(event: BusEvent, at: number): IncomingEvent {
  const { title, labels } = readCall(event);
  return noticeOf(event, at, { type: 'cloudtrail', title, labels });
}

/**
 * The same as a change where somebody called the API to write; nothing for what only reads (`readOnly`), for sign-ins, and for what a service
 * did by itself. Nobody but AWS can send a source that begins with `aws.`.
 */
export function cloudTrailChange(event: BusEvent, at: number): IncomingEvent[] {
  const isCall = event.type === 'AWS API Call via CloudTrail' && event.source.startsWith('aws.');
  if (!isCall || plainText(event.detail['readOnly']) !== 'false') return [];
  const { title, labels, action, service, resource, who, error, account, text } = readCall(event);
  return [
    changeOf({
      title,
      labels: busLabels(event, labels),
      occurredAt: startOf(timeOf(text('eventTime')) ?? event.time, at),
      actor: { name: who.actorName, id: who.actor, type: who.kind },
      action,
      // What names no thing changed something of the service in this account and region.
      resource: resource ?? { type: service, id: [account, labels.region].filter(Boolean).join('/') || service },
      after: { facts: askedFor(mapIn(event.detail, 'requestParameters')) },
      account,
      region: labels.region,
      ...from(event),
      outcome: error === null ? 'success' : { error: [error, text('errorMessage')].filter(Boolean).join(': ') },
      changeId: text('eventID'),
    }),
  ];
}

/** Where the call came from. Of a call that a service makes for the caller, the address is the name of the service. */
function from({ detail }: BusEvent): { address: string | null; via: string | null } {
  const address = plainText(detail['sourceIPAddress']) || null;
  const byService = address !== null && /\.amazonaws\.com$|^AWS Internal$/.test(address);
  const via = plainText(mapIn(detail, 'userIdentity')['invokedBy']) || (byService ? address : null);
  return { address: via === null ? address : null, via };
}

function readCall(event: BusEvent) {
  const { detail } = event;
  const text = (name: string) => plainText(detail[name]) || null;
  const action = text('eventName') ?? event.type;
  const service = text('eventSource') ?? event.source;
  const account = text('recipientAccountId') ?? event.account;
  const who = actorOf(mapIn(detail, 'userIdentity'));
  const resource = resourceOf(event, service);
  const error = text('errorCode') ?? signInError(detail);
  // The mark of a run is known by the actor of the change alone: a notice is posted while the run goes on.
  const title = `${withoutMarks(who.actorName)}: ${action}${resource === null ? '' : ` on ${resource.id}`}${error === null ? '' : `, refused or failed: ${error}`}`;
  const labels = {
    action,
    service,
    actor: who.actor === null ? null : withoutMarks(who.actor),
    actor_type: who.kind,
    role: who.role,
    resource: resource?.id,
    outcome: error ?? 'success',
    error: text('errorMessage'),
    read_only: text('readOnly'),
    ip: text('sourceIPAddress'),
    agent: text('userAgent'),
    // The event of the bus has the region that it was delivered in; global services record theirs.
    region: text('awsRegion') ?? event.region,
    account,
    event_id: text('eventID'),
  };
  return { title, labels, action, service, resource, who, error, account, text };
}

/** Names of parameters whose values are kept out of the journal. CloudTrail hides many, and not all. */
const hidden = /pass(word|phrase)|secret|token|credential|private|userdata|policy|document/i;

/** The plain parameters of a call, as what was asked for. */
function askedFor(parameters: Readonly<Record<string, unknown>>): Record<string, string> {
  return textsOf(Object.fromEntries(Object.entries(parameters).filter(([name]) => !hidden.test(name))));
}

interface Actor {
  actor: string | null;
  actorName: string;
  role: string | null;
  kind: string | null;
}

function actorOf(identity: Readonly<Record<string, unknown>>): Actor {
  const text = (name: string) => plainText(identity[name]) || null;
  const kind = text('type');
  const actor = text('arn') ?? text('userName') ?? text('invokedBy') ?? text('principalId') ?? kind;
  const role = plainText(mapIn(mapIn(identity, 'sessionContext'), 'sessionIssuer')['arn']);
  return { actor, actorName: actor === null ? 'Somebody' : lastOf(actor), role, kind };
}

/** A sign-in that fails has no error code. */
function signInError(detail: Readonly<Record<string, unknown>>): string | null {
  return Object.values(mapIn(detail, 'responseElements')).includes('Failure') ? 'Failure' : null;
}

/** The names of parameters that name one thing. */
const naming = /(id|arn|name|identifier|bucket)$/i;

/** What it was done to: the resources of the event, those of the record, or the first parameter that names a thing. */
function resourceOf({ resources, detail }: BusEvent, service: string): { type: string; id: string } | null {
  const recorded = mapsIn(detail, 'resources').flatMap(one => {
    const id = plainText(one['ARN']);
    return id === null ? [] : [{ id, type: plainText(one['type']) || service }];
  });
  const named = Object.entries(mapIn(detail, 'requestParameters')).flatMap(([name, value]) => {
    const id = naming.test(name) ? plainText(value) : null;
    return id === null || id === '' ? [] : [{ id, type: `${service} ${name}` }];
  });
  const [first] = resources;
  if (first !== undefined) return recorded.find(({ id }) => id === first) ?? { id: first, type: service };
  return recorded[0] ?? named[0] ?? null;
}
