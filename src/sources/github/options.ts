import { z } from 'zod';
import { githubApp } from '../../kernel/github-app.ts';
import { secretList } from '../../kernel/signature.ts';
import { isLoopbackUrl } from '../../kernel/web-url.ts';
import { severity } from '../../model/event.ts';
import { branches } from './branches.ts';

const place = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9-_]{0,99}(\/[A-Za-z0-9._-]{1,100})?$/, 'neither owner/repository nor an owner')
  .transform(text => text.toLowerCase());

export const options = z
  .strictObject({
    secret: secretList
      .optional()
      .meta({ description: 'The secret of the webhook, or several while one replaces another.' }),
    repositories: z.array(place).min(1).max(1000).optional().meta({
      description:
        'Whose events are taken: `owner/repository`, or an owner (an organisation or a user) for all of its repositories. Others are refused, which is told. All when left out.',
    }),
    branches: branches.optional().meta({
      description:
        'On which branches workflows, checks and code scanning make alerts: `default` for the default branch of each repository, or a list of names, in which `*` stands for any text (`release/*`). All, also those of forks, when left out.',
    }),
    severity: z
      .strictObject({
        deployment: severity.default('error').meta({ description: 'Of a deployment that fails.' }),
        workflow: severity.default('error').meta({ description: 'Of a workflow that fails.' }),
        checks: severity.default('error').meta({ description: 'Of checks that fail.' }),
        secret: severity.default('critical').meta({ description: 'Of a secret that was found.' }),
      })
      .prefault({})
      .meta({ description: 'The severities of what GitHub gives none.' }),
    tellAll: z.literal(true).optional().meta({
      description:
        'Post also what changes no alert: a run that begins, is cancelled or skipped, a deployment that waits or goes inactive, other branches than `branches`.',
    }),
    comment: z.literal(true).optional().meta({
      description: 'Write the outcome of runs as comments on the commit of the alert. Needs `apiToken`.',
    }),
    report: z
      .array(z.enum(['status', 'check', 'deployment']))
      .min(1)
      .optional()
      .meta({
        description:
          'Write how a run stands, while it runs too: as a commit status or a check of the commit with the name `tocsin/RUNBOOK`, or as a status of the deployment that failed. `check` needs `app`, the others `app` or `apiToken`.',
      }),
    app: githubApp.optional().meta({
      description: 'A GitHub App that writes instead of `apiToken`, with tokens for an hour and one repository each.',
    }),
    apiToken: z.string().min(1, 'a token must not be empty; is its environment variable set?').optional().meta({
      description:
        'The token that writes: fine-grained, for these repositories. Comments need the permission Contents: read-only; `report` needs Commit statuses or Deployments: read and write.',
    }),
    url: z
      .url({ protocol: /^https?$/ })
      .default('https://api.github.com')
      .meta({
        description:
          'Where the REST API answers. GitHub Enterprise Server: `https://HOST/api/v3`. Plain http only to this machine.',
      }),
  })
  .superRefine((given, ctx) => {
    const wrong = (path: string, message: string) => ctx.addIssue({ code: 'custom', path: [path], message });
    const isOpen = given.apiToken === undefined && given.app === undefined;
    if (given.comment === true && isOpen) wrong('comment', 'needs apiToken or app');
    if (given.report !== undefined && isOpen) wrong('report', 'needs apiToken or app');
    if (given.report?.includes('check') === true && given.app === undefined)
      wrong('report', 'has check, which only an app may write: it needs app');
    for (const name of ['comment', 'report'] as const)
      if (given[name] !== undefined && given.secret === undefined)
        wrong(name, 'needs secret: nothing is written about what anybody may have sent');
    if (/^http:/i.test(given.url) && !isLoopbackUrl(given.url)) wrong('url', 'is plain http to another machine');
  });
export type Options = z.infer<typeof options>;

/** True when these options take events of the repository, or of the owner where `name` is null. */
export function isTaken({ repositories }: Options, owner: string, name: string | null): boolean {
  if (repositories === undefined) return true;
  const [who, what] = [owner.toLowerCase(), name?.toLowerCase()];
  return repositories.includes(who) || (what !== undefined && repositories.includes(`${who}/${what}`));
}
