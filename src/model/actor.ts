import { z } from 'zod';

/**
 * Who did something. A person is the identity of the config (accounts on several platforms are one person); `via` is where the act
 * came from. A stranger is somebody whom no entry of `people` names: they can be shown and journalled, and may do nothing.
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

/** `alice`, `service ci`, `alertmanager`, for cards and the log. */
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

/** One key per human or service, whatever platform they act from. Votes and requests are compared by it. */
export function identityOf(who: Actor): string {
  return `${who.kind}:${who.id}`;
}
