import { sha256 } from '../../../kernel/canonical.ts';
import type { IncomingAlert, Severity } from '../../../model/event.ts';
import { keyOf, keyPart, labelsOf, titleOf } from '../../../model/incoming.ts';

/** What a digest shows about the logs of CloudTrail. */
export interface DigestFinding {
  what: 'log-changed' | 'log-missing' | 'digest-signature' | 'digest-moved' | 'digest-chain' | 'digest-key-unknown';
  bucket: string;
  /** The object that it is about. */
  key: string;
  because: string;
}

const titles: Record<DigestFinding['what'], string> = {
  'log-changed': 'A log file of CloudTrail was changed',
  'log-missing': 'A log file of CloudTrail was deleted',
  'digest-signature': 'A digest file of CloudTrail has a wrong signature',
  'digest-moved': 'A digest file of CloudTrail is not where it was written',
  'digest-chain': 'The chain of CloudTrail digests is broken',
  'digest-key-unknown': 'A digest file of CloudTrail is signed with a key that is not in tocsin.yaml',
};

const severities: Partial<Record<DigestFinding['what'], Severity>> = { 'digest-key-unknown': 'warning' };

/** The most alerts of one digest; the rest are counted in the last one. */
const mostAlerts = 50;

/** The alerts of one digest. Nothing ends them but somebody who closes them: what was changed stays changed. */
export function alertsOf(findings: readonly DigestFinding[], digestKey: string, now: number): IncomingAlert[] {
  const more = findings.length - mostAlerts;
  return findings.slice(0, mostAlerts).map(({ what, bucket, key, because }, index) => ({
    kind: 'alert',
    state: 'firing',
    fingerprint: keyOf(`${what}/${keyPart(bucket)}/${keyPart(key)}`),
    title: titleOf(titles[what]),
    severity: severities[what] ?? 'critical',
    labels: labelsOf({ product: 'CloudTrail', what, bucket, key, digest: digestKey }),
    annotations: labelsOf({
      because,
      ...(index === mostAlerts - 1 && more > 0 ? { more: `${more} more of this digest were left out` } : {}),
    }),
    links: [],
    occurredAt: now,
    startsAt: now,
    endsAt: null,
  }));
}

/** The idempotency key: the same findings of the same digest are told once. */
export function onceOf(digest: { bucket: string; key: string; etag: string }, found: readonly DigestFinding[]): string {
  const told = sha256(JSON.stringify([digest, found.map(({ what, bucket, key }) => [what, bucket, key])]));
  return `digest/${told.slice(0, 40)}`;
}
