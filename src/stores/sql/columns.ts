import type { Alert } from '../../model/alert.ts';
import type { Approval } from '../../model/approval.ts';
import type { Post } from '../../model/card.ts';
import type { DeliveryCount, DeliveryRecord } from '../../model/delivery.ts';
import { type AnyDocument, indexOf } from '../../model/document.ts';
import type { Letter } from '../../model/letter.ts';
import type { Sighting, Tally, TallyKey } from '../../model/records/records.ts';
import type { Run } from '../../model/run.ts';
import type { OutputChunk } from '../../ports/store.ts';
import { searchColumns } from './labels.ts';
import { toColumn } from './text.ts';

/** The columns beside a document: copies for look-ups. */
export function alertColumns(alert: Alert) {
  return {
    id: toColumn(alert.id),
    source: toColumn(alert.source),
    fingerprint: toColumn(alert.fingerprint),
    state: alert.state,
    first_seen: alert.firstSeen,
    version: alert.version,
    ...searchColumns(alert),
  };
}

export function runColumns(run: Run) {
  return {
    id: toColumn(run.id),
    runbook: toColumn(run.runbook),
    alert: run.alert === null ? null : toColumn(run.alert),
    parent: run.parent === null ? null : toColumn(run.parent.run),
    state: run.state,
    created_at: run.createdAt,
    wake_at: run.wakeAt,
    version: run.version,
  };
}

export function approvalColumns(approval: Approval) {
  return {
    id: toColumn(approval.id),
    // For a gate there is none; no run has an empty id.
    run: toColumn(approval.run ?? ''),
    state: approval.state,
    created_at: approval.createdAt,
    expires_at: approval.expiresAt,
    version: approval.version,
  };
}

export function letterColumns(letter: Letter) {
  return {
    id: toColumn(letter.id),
    source: toColumn(letter.source),
    state: letter.state,
    first_at: letter.firstAt,
    version: letter.version,
  };
}

/** What is never due. */
const never = Number.MAX_SAFE_INTEGER;

export function documentColumns(document: AnyDocument) {
  const { state, at, due, key, other } = indexOf(document);
  return {
    id: toColumn(document.doc.id),
    kind: document.kind,
    state,
    at,
    due: due ?? never,
    key: toColumn(key),
    other: toColumn(other),
    version: document.doc.version,
  };
}

/** Without `changed`: it lives in its column alone, and the store sets it. */
export function postColumns(post: Post) {
  return {
    platform: toColumn(post.platform),
    key: toColumn(post.key),
    channel: toColumn(post.channel),
    thread: post.thread === null ? null : toColumn(post.thread),
    ord: post.order,
    wanted: post.wanted,
    delivered: post.delivered,
  };
}

export function outputColumns(chunk: OutputChunk) {
  return { run: toColumn(chunk.run), seq: chunk.seq, step: toColumn(chunk.step) };
}

export function deliveryColumns({ source, ring, id, at, first, count }: DeliveryRecord) {
  return { source: toColumn(source), ring, id: toColumn(id), at, first, count };
}

export function deliveryCountColumns({ source, what, count, at }: DeliveryCount) {
  return { source: toColumn(source), what: toColumn(what), count, at };
}

/** The row that counts an automatic run once, whatever its targets; a target's own rows begin with `=`. */
export const anyTarget = '*';

export function targetColumn(target: string): string {
  return `=${toColumn(target)}`;
}

/** The targets under which brakes count the run; none when a person started it. */
export function autoTargets(run: Run): string[] {
  const automatic = run.decision.verdict === 'auto' && (run.trigger === 'event' || run.trigger === 'schedule');
  return automatic ? [anyTarget, ...new Set(run.targets.map(targetColumn))] : [];
}

export function tallyKeyColumns({ source, rule, key }: TallyKey) {
  return { source: toColumn(source), rule: toColumn(rule), key: toColumn(key) };
}

/** The sample is lines of JSON, which no database changes; others are put behind it. */
export function tallyColumns(tally: Tally) {
  const { bucket, n, arrived, until, sample } = tally;
  return { ...tallyKeyColumns(tally), bucket, value: toColumn(tally.value), n, arrived, until, sample };
}

export function sightingColumns(sighting: Sighting) {
  return { ...tallyKeyColumns(sighting), at: sighting.at };
}
