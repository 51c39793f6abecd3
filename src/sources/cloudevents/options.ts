import { z } from 'zod';
import { duration } from '../../kernel/duration.ts';
import { labelMap, makeScope } from '../../model/expression/expression.ts';
import { auth } from '../webhook/auth.ts';
import { celIn, wordMap } from '../webhook/cel.ts';
import { severityNames, stateNames } from '../webhook/words.ts';
import type { Attributes } from './attributes.ts';

/** The data that the expressions of a mapping can read. */
export interface Facts {
  event: Attributes;
  /** As a CEL value. */
  data: unknown;
}

const scope = makeScope<Facts>({
  name: 'cloudevents',
  variables: { event: 'map<string, string>', data: 'dyn' },
  open: true,
  bind: facts => ({ event: labelMap(facts.event), data: facts.data }),
});

const cel = celIn(scope, 'event (the attributes as texts, empty for one that is not set) and data');
const texts = (description: string) => z.record(z.string().min(1), cel('text', description)).default({});

const map = z.strictObject({
  state: cel(
    'text',
    'What an event says whose type is not in types: firing, resolved, acknowledged, unacknowledged or notice, or a word that means one of them.',
  ).optional(),
  fingerprint: cel(
    'text',
    'The identity of the condition, the same when it resolves. When left out: source, the type without its last word, and subject.',
  ).optional(),
  title: cel('text', 'One line for people. When left out: type and subject.').optional(),
  severity: cel(
    'text',
    'critical, error, warning or info, or a word that means one of them. When left out: the extension attribute severity.',
  ).optional(),
  labels: texts('The value of a label beside those of the attributes; null and the empty text leave it out.'),
  annotations: texts('The value of the annotation; null and the empty text leave it out.'),
  links: texts('An address; one that is not http or https is left out.'),
  startsAt: cel(
    'json',
    'When it began, as RFC 3339 or seconds or milliseconds since the epoch. When left out: time, else the arrival.',
  ).optional(),
  by: cel('text', 'Who acknowledged it, or took that back.').optional(),
});

/** A DNS name. */
const host = z
  .string()
  .regex(/^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/i, 'is not a DNS name')
  .transform(text => text.toLowerCase());

export const options = z
  .strictObject({
    auth: auth.optional().meta({
      description:
        'How the sender proves itself. Without it nothing that it sends leads to auto. A signature (hmac) covers the body alone, so it does not go with attributes in headers.',
    }),
    types: z.record(z.string().min(1).max(500), z.enum(stateNames)).default({}).meta({
      description:
        'What events of a type say, by the exact type: {com.example.disk.full: firing, com.example.disk.well: resolved}. An event of another type is a notice, unless map.state says more.',
    }),
    map: map.prefault({}).meta({ description: 'What an alert is made of, where the attributes do not say it.' }),
    severities: wordMap(severityNames, "The sender's words for severities, in any case: {DOWN: critical}."),
    origins: z.array(host).default([]).meta({
      description:
        'The senders that may deliver when they ask first (OPTIONS with WebHook-Request-Origin), by the DNS names that they give: eventgrid.azure.net. It is no proof. WebHook-Request-Callback is never called.',
    }),
    rate: z.int().min(1).max(1_000_000).optional().meta({
      description:
        'The deliveries a minute that such a sender is told it may make (WebHook-Allowed-Rate); without it any number. Tocsin does not hold it to that.',
    }),
    repeatInterval: duration.optional().meta({
      description:
        'How often the sender repeats an alert that fires; after three times without news Tocsin says so. Leave it out for one that tells changes only.',
    }),
    reopenAfter: duration.prefault('15s').meta({
      description: 'How long an alert that fires again after its resolve, with the same start, asks nobody.',
    }),
  })
  .refine(given => given.repeatInterval === undefined || given.reopenAfter <= given.repeatInterval, {
    path: ['reopenAfter'],
    message: 'must not be longer than repeatInterval',
  });
export type Options = z.infer<typeof options>;
