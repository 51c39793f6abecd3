import { z } from 'zod';
import { duration } from '../../kernel/duration.ts';
import { secretList } from '../../kernel/signature.ts';
import { isLoopbackUrl } from '../../kernel/web-url.ts';
import { severity } from '../../model/event.ts';
import { branches } from '../github/branches.ts';
import { keyBytes } from '../webhook/auth.ts';

const place = z
  .string()
  .regex(
    /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}(\/[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}){0,20}$/,
    'not the path of a project or group',
  )
  .transform(text => text.toLowerCase());

export const options = z
  .strictObject({
    token: secretList.optional().meta({
      description: 'The secret token of the webhook (`X-Gitlab-Token`), or several while one replaces another.',
    }),
    signingToken: secretList
      .refine(
        list => list.every(one => keyBytes(one, 'base64').length >= 16),
        'is not the signing token of a webhook, whsec_ and base64',
      )
      .optional()
      .meta({
        description:
          'The signing token of the webhook, where GitLab has one: `whsec_` and base64. Then every delivery must be signed; with `token` it must have both.',
      }),
    tolerance: duration.prefault('5m').meta({ description: 'How far the signed time may be from ours.' }),
    projects: z.array(place).min(1).max(1000).optional().meta({
      description:
        'Whose events are taken: the path of a project (`acme/shop`), or of a group for all that is below it. Others are answered 202, dropped and counted. All when left out.',
    }),
    branches: branches.optional().meta({
      description:
        'On which branches pipelines make alerts: `default` for the default branch of each project, or a list of names, in which `*` stands for any text (`release/*`). All, also tags and merge requests, when left out.',
    }),
    severity: z
      .strictObject({
        deployment: severity.default('error').meta({ description: 'Of a deployment that fails.' }),
        pipeline: severity.default('error').meta({ description: 'Of a pipeline that fails.' }),
      })
      .prefault({})
      .meta({ description: 'The severities of what GitLab gives none.' }),
    tellAll: z.literal(true).optional().meta({
      description:
        'Post also what changes no alert: a pipeline, job or deployment that begins, waits, is canceled or skipped, a job that succeeds, other branches than `branches`.',
    }),
    comment: z.literal(true).optional().meta({
      description:
        'Write the outcome of runs as comments on the commit of the alert, where it has one. Needs `apiToken`, and `url` unless it is gitlab.com.',
    }),
    apiToken: z.string().min(1, 'a token must not be empty; is its environment variable set?').optional().meta({
      description: 'A token for comments: of the project or group, with the scope api and the role Reporter.',
    }),
    url: z
      .url({ protocol: /^https?$/ })
      .refine(url => url.startsWith('https:') || isLoopbackUrl(url), 'is not https: the token would go in clear text')
      .default('https://gitlab.com')
      .meta({ description: 'Where GitLab answers, for comments.' }),
  })
  .superRefine(({ comment, apiToken }, ctx) => {
    if ((comment === true) !== (apiToken !== undefined))
      ctx.addIssue({ code: 'custom', path: ['comment'], message: 'goes with apiToken: set both, or neither' });
  });
export type Options = z.infer<typeof options>;

/** True when these options take events of what has this path. */
export function isTaken({ projects }: Options, path: string): boolean {
  const name = path.toLowerCase();
  return projects === undefined || projects.some(one => name === one || name.startsWith(`${one}/`));
}
