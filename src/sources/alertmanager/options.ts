import { z } from 'zod';
import { duration } from '../../kernel/duration.ts';
import { secretList } from '../../kernel/signature.ts';
import { isLoopbackUrl } from '../../kernel/web-url.ts';

const prometheus = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).meta({
    description:
      'Where the Prometheus answers that has the rules, up to and without `/api/v1`. Plain http only to this machine, or with `insecure`.',
  }),
  insecure: z.literal(true).optional().meta({
    description:
      'Allows plain http to another machine in `url`: who is between reads `headers` and can draw what they like.',
  }),
  headers: z.record(z.string(), z.string()).default({}).meta({
    description: 'Headers for requests to `url`, for example Authorization or X-Scope-OrgID.',
  }),
  before: duration.prefault('30m').meta({
    description: 'How much a picture shows before the alert fires; at least twice the `for` of its rule.',
  }),
});

export const options = z
  .strictObject({
    token: secretList
      .optional()
      .meta({ description: 'The bearer token that Alertmanager sends (http_config.authorization).' }),
    basic: z
      .strictObject({ user: z.string().min(1), password: secretList })
      .optional()
      .meta({ description: 'The user and password that Alertmanager sends (http_config.basic_auth).' }),
    url: z
      .url({ protocol: /^https?$/ })
      .optional()
      .meta({
        description:
          'Where Alertmanager answers, so that `verify` can ask it at once whether an alert still fires, and lost news is made up for. Plain http only to this machine, or with `insecure`.',
      }),
    insecure: z.literal(true).optional().meta({
      description:
        'Allows plain http to another machine in `url`: who is between can make alerts appear and disappear, and reads `headers`.',
    }),
    headers: z
      .record(z.string(), z.string())
      .default({})
      .meta({ description: 'Headers for requests to `url`, for example Authorization.' }),
    silences: z.literal(true).optional().meta({
      description:
        'Silence an alert in Alertmanager too when a person silences it here, and end that with it. Needs `url`, where that is allowed, and a proof of the sender.',
    }),
    prometheus: prometheus.optional().meta({
      description:
        'Pictures: the series that fired, with the threshold of its rule, in the thread of each alert; and what `chart` steps ask.',
    }),
    receiver: z
      .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
      .optional()
      .meta({
        description:
          'The receivers of Alertmanager that lead here. Only their alerts are opened from its list. When left out: those that were seen in webhooks with the token.',
      }),
    groupInterval: duration
      .prefault('5m')
      .meta({ description: 'The longest group_interval of the routes that lead here.' }),
    settle: duration
      .prefault('2m')
      .meta({ description: 'For how long after its start Alertmanager may not know yet which alerts fire.' }),
    reopenAfter: duration.prefault('15s').meta({
      description:
        'For how long after a resolve a firing with the same start counts as a stale repeat of a cluster: nobody is asked, nothing starts.',
    }),
    repeatInterval: duration.prefault('4h').meta({
      description:
        'The longest repeat_interval of the routes that lead here. Three times without news, and the alert may be over.',
    }),
    severityLabel: z.string().default('severity').meta({ description: 'The label that holds the severity.' }),
  })
  .superRefine(({ reopenAfter, repeatInterval }, ctx) => {
    if (reopenAfter <= repeatInterval) return;
    ctx.addIssue({
      code: 'custom',
      path: ['reopenAfter'],
      message: 'is longer than repeatInterval, so a repeat would always count as stale',
    });
  })
  .superRefine((given, ctx) => {
    if (!isInsecure(given) || given.insecure === true) return;
    ctx.addIssue({
      code: 'custom',
      path: ['url'],
      message:
        'is plain http to another machine: who is between could make alerts appear and disappear; use https, or set insecure: true',
    });
  })
  .superRefine(({ prometheus: given }, ctx) => {
    if (given === undefined || !isInsecure(given) || given.insecure === true) return;
    ctx.addIssue({
      code: 'custom',
      path: ['prometheus', 'url'],
      message:
        'is plain http to another machine: who is between could draw what they like; use https, or set insecure: true',
    });
  })
  .superRefine((given, ctx) => {
    if (given.silences !== true) return;
    const wrong = (message: string) => ctx.addIssue({ code: 'custom', path: ['silences'], message });
    if (given.url === undefined) wrong('needs url, where the silences are made');
    if (given.token === undefined && given.basic === undefined)
      wrong('needs token or basic: nothing is silenced because of what anybody may have sent');
  });
export type Options = z.infer<typeof options>;

/** True when Alertmanager is asked in clear text over a network. */
export function isInsecure({ url }: { url?: string | undefined }): boolean {
  return url !== undefined && /^http:/i.test(url) && !isLoopbackUrl(url);
}
