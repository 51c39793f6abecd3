import { z } from 'zod';
import { secretList } from '../../kernel/signature.ts';
import { isLoopbackUrl } from '../../kernel/web-url.ts';
import { zoneName } from '../../kernel/zone.ts';

export const options = z
  .strictObject({
    token: secretList.optional().meta({
      description: 'The token that the media type sends, or several while one replaces another.',
    }),
    timezone: zoneName.optional().meta({
      description:
        'The IANA zone of the times that Zabbix sends: that of the Zabbix user who gets the messages, else of the frontend, else of the server. Without it only a Zabbix that fills in {EVENT.TIMESTAMP} tells when news was made.',
    }),
    url: z
      .url({ protocol: /^https?$/ })
      .optional()
      .meta({ description: 'Where people open Zabbix, for links to its events, and for `apiToken`.' }),
    apiToken: z.string().min(1, 'a token must not be empty; is its environment variable set?').optional().meta({
      description:
        'An API token: with it, and `url`, Tocsin acknowledges problems while it remediates, and writes outcomes as messages.',
    }),
    acknowledge: z
      .boolean()
      .default(true)
      .meta({ description: 'Acknowledge a problem when a run that changes something begins for it.' }),
  })
  .superRefine(({ url, apiToken }, ctx) => {
    const wrong = (message: string) => ctx.addIssue({ code: 'custom', path: ['apiToken'], message });
    if (apiToken === undefined) return;
    if (url === undefined) wrong('needs url, where Zabbix answers');
    else if (!url.startsWith('https:') && !isLoopbackUrl(url)) wrong('goes in clear text to url, which is not https');
  });
export type Options = z.infer<typeof options>;
