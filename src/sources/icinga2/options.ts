import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { duration } from '../../kernel/duration.ts';
import { isLoopbackUrl } from '../../kernel/web-url.ts';
import { options as notifications } from '../nagios/options.ts';

const api = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .refine(url => url.startsWith('https:') || isLoopbackUrl(url), 'is not https: the password would go in clear text')
    .meta({ description: 'Where the API answers: https, the name in its certificate, and port 5665.' }),
  user: z.string().min(1).meta({ description: 'The name of the ApiUser.' }),
  password: z
    .string()
    .min(1, 'a password must not be empty; is its environment variable set?')
    .meta({ description: 'Its password.' }),
  ca: z.string().refine(isCertificate, 'is no certificate in PEM').optional().meta({
    description:
      'The certificate of the authority that issued that of the API, in PEM: the ca.crt of Icinga. Without it the public authorities count.',
  }),
  acknowledge: z
    .boolean()
    .default(true)
    .meta({ description: 'Acknowledge a problem when a run that changes something begins for it.' }),
  write: z.boolean().default(true).meta({
    description: 'False: Tocsin only reads, and neither acknowledges nor comments.',
  }),
  stream: z.boolean().default(false).meta({
    description:
      'Follow the event stream: hosts and services are alerts without any notification. What happened while it was away is found in a list.',
  }),
  lookEvery: duration
    .prefault('5m')
    .refine(ms => ms >= 10_000 && ms <= 86_400_000, 'must be from 10 seconds to a day')
    .meta({
      description:
        'How often the problems are listed beside the stream. A stream that was silent for as long is opened anew.',
    }),
});

export const options = notifications.extend({
  api: api.optional().meta({
    description:
      'The API. With it Tocsin acknowledges problems while it remediates, writes outcomes as comments, and can follow the event stream.',
  }),
});
export type Options = z.infer<typeof options>;
export type ApiOptions = z.infer<typeof api>;

function isCertificate(text: string): boolean {
  try {
    new X509Certificate(text);
    return true;
  } catch {
    return false;
  }
}
