import { z } from 'zod';
import { sha256 } from '../../kernel/canonical.ts';
import { duration } from '../../kernel/duration.ts';
import { secretList } from '../../kernel/signature.ts';
import type { Delivery } from '../../ports/source.ts';

/**
 * Standard Webhooks 1.0.0, symmetric: `v1,<base64>` of HMAC-SHA256 over id, time and body, which a full stop joins. The asymmetric `v1a` is
 * not taken and stands beside without harm. Source: standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
 */
export const standardHeaders = { id: 'webhook-id', time: 'webhook-timestamp', signature: 'webhook-signature' } as const;

/** The specification wants at least 24 bytes; what is shorter is taken down to what `hmac` takes. */
function isSecret(text: string): boolean {
  const encoded = text.replace(/^whsec_/, '');
  const bytes = Buffer.from(encoded, 'base64');
  return bytes.length >= 16 && bytes.toString('base64') === encoded;
}

export const standard = z.strictObject({
  secret: secretList
    .refine(all => all.every(isSecret), 'is not whsec_ and the base64 of at least 16 bytes')
    .meta({ description: "The sender's secret, whsec_ and base64, or several while one replaces another." }),
  tolerance: duration.prefault('5m').meta({ description: 'How far the signed time may be from ours.' }),
});
export type Standard = z.infer<typeof standard>;

/** One with a full stop could borrow from the time or the body behind it: the specification forbids it where the sender does not choose it. */
export function isStandardId(id: string | undefined): id is string {
  return id !== undefined && id !== '' && !id.includes('.');
}

/** A delivery that has an id, which is signed too. */
export function withStandardId(delivery: Delivery): Delivery {
  const id = delivery.headers[standardHeaders.id] || sha256(delivery.body);
  return { ...delivery, headers: { ...delivery.headers, [standardHeaders.id]: id } };
}
