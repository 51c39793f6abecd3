import { z } from 'zod';
import { secretList } from '../../kernel/signature.ts';
import { isLoopbackUrl } from '../../kernel/web-url.ts';
import { compileExpression, ExpressionError } from '../../model/expression/expression.ts';

const name = z.string().min(1).max(100);

/** The rule of a ticket: CEL over the alert. */
export const ticketWhen = z.string().transform((text, ctx) => {
  try {
    return compileExpression(text, 'route', 'bool');
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const { message, offset, nearest, allowed } = error;
    ctx.addIssue({ code: 'custom', message, params: { offset, nearest, allowed } });
    return z.NEVER;
  }
});

const ticket = z.strictObject({
  when: ticketWhen.optional().meta({ description: 'Which alerts: CEL over alert, as in routes; all when left out.' }),
  project: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]{0,49}$/, 'not the key of a project')
    .meta({ description: 'The key of the project, for example OPS.' }),
  type: name.default('Task').meta({ description: 'The type of the ticket, by name.' }),
  fields: z
    .record(z.string().min(1).max(100), z.json())
    .refine(given => !['project', 'issuetype', 'summary', 'description', 'labels'].some(own => own in given), {
      error: 'project, issuetype, summary, description and labels are filled in by Tocsin',
    })
    .default({})
    .meta({ description: 'Further fields, as the REST API takes them: { priority: { name: High } }.' }),
  done: name.optional().meta({
    description:
      'The transition that ends a ticket, or the status that it leads to, by name. When left out, the first that leads to a status of the category Done.',
  }),
});
export type TicketRule = z.infer<typeof ticket>;

export const options = z
  .strictObject({
    secret: secretList
      .optional()
      .meta({ description: 'The secret of the webhook, or several while one replaces another.' }),
    url: z
      .url({ protocol: /^https?$/ })
      .refine(url => url.startsWith('https:') || isLoopbackUrl(url), 'is not https: the token would go in clear text')
      .optional()
      .meta({ description: 'Where Jira is, for links and for tickets: https://acme.atlassian.net.' }),
    user: z.email().optional().meta({
      description:
        'The e-mail address of the account that Tocsin acts as, in Jira Cloud. Left out for Jira Data Center.',
    }),
    apiToken: z
      .string()
      .min(1, 'a token must not be empty; is its environment variable set?')
      .optional()
      .meta({ description: 'An API token of this account; of Jira Data Center a personal access token.' }),
    account: name.optional().meta({
      description:
        'The account id of the account that Tocsin acts as (the name of the user in Data Center): what it does to tickets is no news. `tocsin doctor` says it.',
    }),
    tickets: z.array(ticket).min(1).max(50).optional().meta({
      description: 'Which alerts get a ticket, and where: the first that holds. None when left out.',
    }),
  })
  .superRefine(({ url, apiToken, tickets }, ctx) => {
    if (tickets === undefined) return;
    for (const [path, value] of Object.entries({ url, apiToken }))
      if (value === undefined) ctx.addIssue({ code: 'custom', path: [path], message: 'is needed for tickets' });
  });
export type Options = z.infer<typeof options>;
