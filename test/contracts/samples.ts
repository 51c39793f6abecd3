import { type Alert, effectOf, foldAlert } from '../../src/model/alert.ts';
import type { Approval } from '../../src/model/approval.ts';
import type { Post } from '../../src/model/card.ts';
import type { Event, IncomingAlert } from '../../src/model/event.ts';
import type { KnownBad } from '../../src/model/gates/known-bad.ts';
import type { NewEntry } from '../../src/model/journal.ts';
import type { Letter } from '../../src/model/letter.ts';
import type { Run } from '../../src/model/run.ts';

/** Documents and entries with everything filled in, for tests that care about one field at a time. */
export const noon = Date.UTC(2026, 5, 1, 12);

export function sampleIncoming(over: Partial<IncomingAlert> = {}): IncomingAlert {
  return {
    kind: 'alert',
    title: 'Disk is full on web-1',
    labels: { alertname: 'NodeDiskFull', instance: 'web-1:9100', env: 'staging' },
    links: [{ label: 'Prometheus', url: 'http://prometheus.example/graph' }],
    occurredAt: noon,
    state: 'firing',
    fingerprint: 'f1',
    severity: 'warning',
    annotations: { summary: 'The disk is full' },
    startsAt: noon,
    endsAt: null,
    ...over,
  };
}

export function sampleEvent(
  body: Partial<IncomingAlert> = {},
  over: Partial<Event> = {},
): Event & { body: IncomingAlert } {
  return {
    id: 'evt_1',
    source: 'alertmanager',
    receivedAt: noon,
    raw: null,
    trusted: true,
    ...over,
    body: sampleIncoming(body),
  };
}

export function sampleAlert(over: Partial<Alert> = {}): Alert {
  const event = sampleEvent({ fingerprint: over.fingerprint ?? over.id ?? 'f1' });
  return { ...foldAlert(null, event, effectOf(null, event.body), 'alt_1'), ...over };
}

export function sampleRun(over: Partial<Run> = {}): Run {
  return {
    id: 'run_1',
    runbook: 'disk-full',
    title: 'Free disk space',
    risk: 'low',
    params: { host: 'web-1' },
    targets: ['web-1'],
    planHash: 'a'.repeat(64),
    state: 'queued',
    trigger: 'event',
    requestedBy: 'source:alertmanager',
    reason: null,
    alert: null,
    episode: null,
    event: null,
    parent: null,
    decision: { verdict: 'auto', rule: 'staging heals itself', because: 'it held', ask: null },
    approval: null,
    steps: [],
    cancel: null,
    because: null,
    createdAt: noon,
    startedAt: null,
    finishedAt: null,
    wakeAt: null,
    question: null,
    after: null,
    undoes: null,
    crashes: 0,
    version: 1,
    ...over,
  };
}

export function sampleKnownBad(over: Partial<KnownBad> = {}): KnownBad {
  return {
    id: 'bad_1',
    thing: { kind: 'image', digest: `sha256:${'0'.repeat(64)}` },
    reason: 'it loses orders',
    by: 'person:alice',
    alert: null,
    until: null,
    blocks: 'rollout',
    state: 'open',
    createdAt: noon,
    version: 1,
    ...over,
  };
}

export function sampleLetter(over: Partial<Letter> = {}): Letter {
  return {
    id: 'ltr_1',
    source: 'trail',
    from: 's3://logs/a.gz',
    again: '{}',
    code: 'NoSuchKey',
    because: 'The specified key does not exist.',
    attempts: 1,
    state: 'dead',
    firstAt: noon,
    lastAt: noon,
    version: 1,
    ...over,
  };
}

export function sampleApproval(over: Partial<Approval> = {}): Approval {
  return {
    id: 'apv_1',
    run: 'run_1',
    gate: null,
    claim: null,
    step: null,
    alert: null,
    runbook: 'disk-full',
    planHash: 'a'.repeat(64),
    title: 'Free disk space',
    question: 'Run it?',
    risk: 'low',
    rule: 'otherwise ask',
    ask: { by: ['sre'], quorum: 1, expires: 60_000, escalate: null, reasonRequired: false },
    barred: [],
    state: 'open',
    votes: [],
    because: null,
    createdAt: noon,
    expiresAt: noon + 60_000,
    closedAt: null,
    escalated: false,
    warned: [],
    version: 1,
    ...over,
  };
}

export function samplePost(over: Partial<Post> = {}): Post {
  return {
    platform: 'console',
    key: 'alert/alt_1/1',
    channel: 'alerts',
    thread: null,
    card: { tone: 'warning', title: 'Disk is full', badge: 'firing', blocks: [], buttons: [], mention: [] },
    wanted: 1,
    delivered: 0,
    ref: null,
    order: 1,
    createdAt: noon,
    changed: 0,
    severity: 'warning',
    alert: 'alt_1',
    run: null,
    ...over,
  };
}

/** An entry whose text is free: a note on an alert. */
export function sampleEntry(text: string, stream = 'alert/alt_1'): NewEntry {
  return {
    stream,
    actor: { kind: 'system', id: 'tocsin' },
    at: noon,
    fact: { kind: 'alert.noted', alert: 'alt_1', text },
  };
}
