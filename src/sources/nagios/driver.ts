import type { z } from 'zod';
import { type Delivery, defineSource, type Normalised, type Source } from '../../ports/source.ts';
import { authorizationBy, proofOf } from '../alertmanager/proof.ts';
import { examples } from './examples.ts';
import { fieldNames, normalise, readNotification } from './notification.ts';
import type { Options } from './options.ts';

/** A program that notifies by the script, and perhaps can be written to. */
export interface Notifier<More extends Options>
  extends Pick<Source<More>, 'id' | 'about' | 'setup' | 'origin' | 'tells' | 'toAsk' | 'check'> {
  options: z.ZodType<More>;
  /** The kind of echo that a notification is of what Tocsin wrote there; null for any other. */
  echoOf?(body: unknown, given: More): string | null;
}

/** The source of a program that notifies by the script deploy/nagios/tocsin-notify. */
export function notificationSource<More extends Options>({ echoOf, ...facts }: Notifier<More>): Source<More> {
  return defineSource<More>({
    ...facts,
    contentTypes: ['application/x-www-form-urlencoded'],
    fields: fieldNames,
    examples,
    verify: (delivery, given) => proofOf(delivery.headers, given),
    verifyHeaders: proofOf,
    prove: (_delivery, given) => authorizationBy(given),
    parse: readNotification,
    normalise(body: unknown, delivery: Delivery, given: More): Normalised {
      const read = normalise(body, delivery, given);
      const echo = echoOf?.(body, given) ?? null;
      return echo === null ? read : { events: [], deliveryId: null, echo };
    },
    timing: ({ repeatInterval }) => ({
      reopenAfter: 15_000,
      repeatInterval: repeatInterval ?? Number.POSITIVE_INFINITY,
    }),
  });
}
