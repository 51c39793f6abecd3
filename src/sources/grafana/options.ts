import { z } from 'zod';
import { duration } from '../../kernel/duration.ts';
import { secretList } from '../../kernel/signature.ts';
import { isLoopbackUrl } from '../../kernel/web-url.ts';

const header = z
  .string()
  .regex(/^[A-Za-z0-9-]{1,100}$/, 'not the name of a header')
  .transform(text => text.toLowerCase());

export const options = z
  .strictObject({
    secret: secretList.optional().meta({
      description: 'The secret of the HMAC signature of the contact point, or several while one replaces another.',
    }),
    signatureHeader: header.optional().meta({
      description:
        'The header of the signature, when the contact point names another than X-Grafana-Alerting-Signature.',
    }),
    timestampHeader: header.optional().meta({
      description:
        'The timestamp header of the contact point. Set it in both places: without it an old delivery can be sent again.',
    }),
    tolerance: duration.prefault('5m').meta({ description: 'How far the signed time may be from ours.' }),
    token: secretList.optional().meta({
      description: 'The credentials of the Authorization header that the contact point sends, with the scheme Bearer.',
    }),
    basic: z
      .strictObject({ user: z.string().min(1), password: secretList })
      .optional()
      .meta({ description: 'The user and password that the contact point sends (HTTP basic authentication).' }),
    url: z
      .url({ protocol: /^https?$/ })
      .optional()
      .meta({
        description:
          'Where Grafana answers, so that `verify` can ask it at once whether an alert still fires, and lost news is made up for. Plain http only to this machine, or with `insecure`.',
      }),
    apiToken: z
      .string()
      .min(1, 'a token must not be empty; is its environment variable set?')
      .optional()
      .meta({ description: 'The token of a service account that may read alerts, for requests to `url`: a Viewer.' }),
    insecure: z.literal(true).optional().meta({
      description:
        'Allows plain http to another machine in `url`: who is between can make alerts appear and disappear, and reads `apiToken`.',
    }),
    headers: z
      .record(z.string(), z.string())
      .default({})
      .meta({ description: 'Further headers for requests to `url`, for example of a proxy before Grafana.' }),
    receiver: z
      .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
      .optional()
      .meta({
        description:
          'The contact points that lead here. Only their alerts are opened from its list. When left out: those that were seen in proven deliveries.',
      }),
    annotate: z.literal(true).optional().meta({
      description:
        'Write the outcome of runs as annotations: on the panel of the alert where it has one, with the tag tocsin. `apiToken` must be allowed to.',
    }),
    silences: z.literal(true).optional().meta({
      description:
        'Silence an alert in Grafana too when a person silences it here, and end that with it. `apiToken` must be allowed to make silences.',
    }),
    groupInterval: duration
      .prefault('5m')
      .meta({ description: 'The longest group interval of the notification policies that lead here.' }),
    reopenAfter: duration.prefault('15s').meta({
      description:
        'For how long after a resolve a firing with the same start counts as a stale repeat: nobody is asked.',
    }),
    repeatInterval: duration.prefault('4h').meta({
      description:
        'The longest repeat interval of the notification policies that lead here. Three times without news, and the alert may be over.',
    }),
    severityLabel: z.string().default('severity').meta({ description: 'The label that holds the severity.' }),
  })
  .superRefine((given, ctx) => {
    const wrong = (path: string, message: string) => ctx.addIssue({ code: 'custom', path: [path], message });
    if (given.reopenAfter > given.repeatInterval)
      wrong('reopenAfter', 'is longer than repeatInterval, so a repeat would always count as stale');
    for (const name of ['signatureHeader', 'timestampHeader'] as const)
      if (given[name] !== undefined && given.secret === undefined) wrong(name, 'proves nothing without secret');
    if (given.apiToken !== undefined && given.url === undefined) wrong('apiToken', 'is used for requests to url only');
    if (given.annotate === true && given.url === undefined) wrong('annotate', 'needs url, where Grafana is written to');
    if (given.silences === true && (given.url === undefined || given.apiToken === undefined))
      wrong('silences', 'needs url and apiToken, where and as whom they are made');
    if (given.silences === true && given.secret === undefined && given.token === undefined && given.basic === undefined)
      wrong('silences', 'needs secret, token or basic: nothing is silenced because of what anybody may have sent');
    if (isInsecure(given) && given.insecure !== true)
      wrong(
        'url',
        'is plain http to another machine: who is between could make alerts appear and disappear; use https, or set insecure: true',
      );
  });
export type Options = z.infer<typeof options>;

/** True when Grafana is asked in clear text over a network. */
export function isInsecure({ url }: { url?: string | undefined }): boolean {
  return url !== undefined && /^http:/i.test(url) && !isLoopbackUrl(url);
}
