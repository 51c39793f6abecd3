import { z } from 'zod';
import { isLoopbackUrl } from '../../kernel/web-url.ts';
import { proofOptions, timingOptions } from '../webhook/sender.ts';

const key = z.string().min(1, 'a key must not be empty; is its environment variable set?');

export const options = z
  .strictObject({
    ...proofOptions,
    ...timingOptions,
    site: z
      .url({ protocol: /^https$/ })
      .optional()
      .meta({
        description: 'Where your Opsgenie or Jira Service Management is, for links: https://acme.app.opsgenie.com.',
      }),
    apiKey: key.optional().meta({
      description:
        'The key of an API integration of Opsgenie: with it Tocsin acknowledges alerts while it remediates, and writes outcomes as notes.',
    }),
    jsm: z
      .strictObject({
        cloudId: z
          .uuid()
          .meta({ description: 'The id of the site: `cloudId` at https://<site>.atlassian.net/_edge/tenant_info.' }),
        user: z.email().meta({ description: 'The e-mail address of the Atlassian account that Tocsin acts as.' }),
        token: key.meta({ description: 'An API token of this account.' }),
      })
      .optional()
      .meta({ description: 'The same for Jira Service Management, in place of `apiKey`.' }),
    acknowledge: z
      .boolean()
      .default(true)
      .meta({ description: 'Acknowledge an alert when a run that changes something begins for it.' }),
    region: z.enum(['us', 'eu']).default('us').meta({ description: 'The region of the account of Opsgenie.' }),
    apiUrl: z
      .url({ protocol: /^https?$/ })
      .refine(url => url.startsWith('https:') || isLoopbackUrl(url), 'is not https: the key would go in clear text')
      .optional()
      .meta({ description: 'Where the API answers, when it is not the usual place.' }),
  })
  .superRefine(({ apiKey, jsm }, ctx) => {
    if (apiKey !== undefined && jsm !== undefined)
      ctx.addIssue({
        code: 'custom',
        path: ['jsm'],
        message: 'is for Jira Service Management, apiKey for Opsgenie: give one',
      });
  });
export type Options = z.infer<typeof options>;

/** True when there is a key to write with. */
export function canWrite({ apiKey, jsm }: Options): boolean {
  return apiKey !== undefined || jsm !== undefined;
}

/** The credential that marks are made with; empty for none. */
export function keyOf({ apiKey, jsm }: Options): string {
  return apiKey ?? jsm?.token ?? '';
}

/** Source: docs.opsgenie.com, API overview and EU; developer.atlassian.com, JSM ops REST API v1. */
export function addressOf({ apiUrl, jsm, region }: Options): string {
  const usual =
    jsm !== undefined
      ? 'https://api.atlassian.com'
      : region === 'eu'
        ? 'https://api.eu.opsgenie.com'
        : 'https://api.opsgenie.com';
  return (apiUrl ?? usual).replace(/\/+$/, '');
}
