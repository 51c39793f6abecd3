import { canonicalJson, sha256 } from '../../kernel/canonical.ts';
import { keyOf } from '../../model/incoming.ts';

/** Releases before about 0.17 send no fingerprint; then a hash of the labels is used, which are the identity in Alertmanager too. */
export function fingerprintOf(alert: {
  labels: Record<string, string>;
  fingerprint?: string | null | undefined;
}): string {
  if (alert.fingerprint != null && alert.fingerprint !== '') return keyOf(alert.fingerprint);
  return `labels:${sha256(canonicalJson(alert.labels)).slice(0, 32)}`;
}
