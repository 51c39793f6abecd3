import { z } from 'zod';

/**
 * Who did something. A `person` is an entry of `people` in tocsin.yaml; accounts on several platforms are one person. A `stranger` is an
 * account that no entry of `people` names: it can be shown and journalled, but may do nothing. `via` is where the act came from.
 */
export const actor = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('person'), id: z.string(), via: z.string(), account: z.string().nullable() }),
  z.object({ kind: z.literal('stranger'), id: z.string(), via: z.string(), because: z.string() }),
  z.object({ kind: z.literal('service'), id: z.string(), via: z.string() }),
  z.object({ kind: z.literal('source'), id: z.string() }),
  z.object({ kind: z.literal('system'), id: z.string() }),
]);
export type Actor = z.infer<typeof actor>;

export const system: Actor = { kind: 'system', id: 'tocsin' };

/** The name for cards and the log: `alice`, `service ci`, `alertmanager`. */
export function nameOf(who: Actor): string {
  switch (who.kind) {
    case 'person':
      return who.id;
    case 'stranger':
      return `${who.id} (unknown)`;
    case 'service':
      return `service ${who.id}`;
    default:
      return who.id;
  }
}

/** One key for each human or service, the same on all platforms. Votes and requests are compared by it. */
export function identityOf(who: Actor): string {
  return `${who.kind}:${who.id}`;
}
