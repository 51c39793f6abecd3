import { z } from 'zod';
import { secretList } from '../../kernel/signature.ts';
import { isLoopbackUrl } from '../../kernel/web-url.ts';
import { timingOptions } from '../webhook/sender.ts';

export const options = z
  .strictObject({
    secret: secretList.optional().meta({ description: 'The client secret of the internal integration.' }),
    created: z.enum(['notice', 'firing']).default('notice').meta({
      description:
        'What a new issue is, where the integration subscribes to issues: notice, because an alert rule tells what matters; or firing.',
    }),
    apiToken: z.string().min(1, 'a token must not be empty; is its environment variable set?').optional().meta({
      description:
        'A token of the internal integration: with it, and `organization`, Tocsin writes outcomes as comments of issues, and resolves them where policy allows it.',
    }),
    organization: z
      .string()
      .regex(/^[a-z0-9][a-z0-9_-]{0,99}$/, 'not the slug of an organization')
      .optional()
      .meta({ description: 'The slug of the organization, as in the addresses of Sentry.' }),
    url: z
      .url({ protocol: /^https?$/ })
      .refine(url => url.startsWith('https:') || isLoopbackUrl(url), 'is not https: the token would go in clear text')
      .default('https://sentry.io')
      .meta({ description: 'Where Sentry answers: https://de.sentry.io in the EU, or your own.' }),
    ...timingOptions,
  })
  .superRefine(({ apiToken, organization }, ctx) => {
    if (apiToken !== undefined && organization === undefined)
      ctx.addIssue({ code: 'custom', path: ['apiToken'], message: 'needs organization, whose issues are written to' });
  });
export type Options = z.infer<typeof options>;
