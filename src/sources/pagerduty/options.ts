import { z } from 'zod';
import { secretList } from '../../kernel/signature.ts';

const address = z.url({ protocol: /^https?$/ });
const key = z.string().min(1, 'a key must not be empty; is its environment variable set?');

export const options = z.strictObject({
  secret: secretList
    .optional()
    .meta({ description: 'The secret of the webhook subscription, or several while one replaces another.' }),
  apiToken: key.optional().meta({
    description:
      'A key of the REST API: with it Tocsin acknowledges incidents while it remediates, writes notes, and knows who is on call.',
  }),
  from: z.email().optional().meta({
    description:
      'The e-mail address of the PagerDuty user in whose name it acts; needed unless apiToken is the key of a user.',
  }),
  routingKey: key.optional().meta({
    description: 'The integration key of a service (Events API v2): with it Tocsin pages when a run does not help.',
  }),
  services: z.array(z.string().min(1)).min(1).max(100).optional().meta({
    description:
      'The services, by id, whose open incidents are listed with apiToken. All that the key sees when left out: set it when webhooks are sent for some services only.',
  }),
  acknowledge: z
    .boolean()
    .default(true)
    .meta({ description: 'Acknowledge an incident when a run that changes something begins for it.' }),
  onCall: z
    .strictObject({
      escalationPolicy: z.string().optional(),
      schedule: z.string().optional(),
    })
    .optional()
    .meta({
      description:
        'Whose on-call people are meant for alerts that are no incident: an escalation policy or a schedule, by id.',
    }),
  region: z.enum(['us', 'eu']).default('us').meta({ description: 'The service region of the account.' }),
  apiUrl: address.optional().meta({ description: 'Where the REST API answers, when it is not the one of the region.' }),
  eventsUrl: address
    .optional()
    .meta({ description: 'Where the Events API answers, when it is not the one of the region.' }),
});
export type Options = z.infer<typeof options>;

/** The URLs of APIs and web app. Source: PagerDuty developer-docs, REST-API/01-Overview.md, events-API-v2/01-Overview.md; regions. */
export function addressesOf(given: Options): { api: string; events: string; web: string } {
  const suffix = given.region === 'eu' ? 'eu.pagerduty.com' : 'pagerduty.com';
  return {
    api: (given.apiUrl ?? `https://api.${suffix}`).replace(/\/+$/, ''),
    events: (given.eventsUrl ?? `https://events.${suffix}`).replace(/\/+$/, ''),
    web: `https://app.${suffix}`,
  };
}
