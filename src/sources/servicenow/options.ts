import { z } from 'zod';
import { isLoopbackUrl } from '../../kernel/web-url.ts';
import { ticketWhen } from '../jira/options.ts';
import { proofOptions, timingOptions } from '../webhook/sender.ts';

const name = z.string().min(1).max(100);
const own = ['short_description', 'description', 'correlation_id', 'correlation_display', 'work_notes'];

const ticket = z.strictObject({
  when: ticketWhen.optional().meta({ description: 'Which alerts: CEL over alert, as in routes; all when left out.' }),
  fields: z
    .record(
      z.string().regex(/^[a-z][a-z0-9_]{0,79}$/, 'not the name of a field'),
      z.union([z.string(), z.number(), z.boolean()]),
    )
    .refine(given => !own.some(field => field in given), { error: `${own.join(', ')} are filled in by Tocsin` })
    .default({})
    .meta({ description: 'Further fields, by name: { assignment_group: Database, impact: 2, urgency: 1 }.' }),
});
export type TicketRule = z.infer<typeof ticket>;

export const options = z
  .strictObject({
    ...proofOptions,
    ...timingOptions,
    url: z
      .url({ protocol: /^https?$/ })
      .refine(
        url => url.startsWith('https:') || isLoopbackUrl(url),
        'is not https: the password would go in clear text',
      )
      .optional()
      .meta({ description: 'The instance, for links and for tickets: https://acme.service-now.com.' }),
    user: name
      .optional()
      .meta({ description: 'The user that Tocsin acts as: what it does to its tickets is no news.' }),
    password: z
      .string()
      .min(1, 'a password must not be empty; is its environment variable set?')
      .optional()
      .meta({ description: 'Its password.' }),
    table: z
      .string()
      .regex(/^[a-z][a-z0-9_]{0,79}$/, 'not the name of a table')
      .default('incident')
      .meta({ description: 'The table of tickets: incident, or one that extends it.' }),
    closeCode: name.default('Solution provided').meta({
      description: 'The resolution code (close_code) of a ticket that ends with its alert, as your instance has it.',
    }),
    tickets: z.array(ticket).min(1).max(50).optional().meta({
      description: 'Which alerts get a ticket: the first that holds. None when left out.',
    }),
  })
  .superRefine(({ tickets, url, user, password }, ctx) => {
    if (tickets === undefined) return;
    for (const [path, value] of Object.entries({ url, user, password }))
      if (value === undefined) ctx.addIssue({ code: 'custom', path: [path], message: 'is needed for tickets' });
  });
export type Options = z.infer<typeof options>;
