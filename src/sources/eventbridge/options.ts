import { z } from 'zod';
import { secretList } from '../../kernel/signature.ts';
import type { OptionWarning } from '../../ports/source.ts';
import { alarmOptions } from './severity.ts';

const header = z
  .string()
  .regex(/^[A-Za-z0-9-]{1,100}$/, 'not the name of a header')
  .transform(text => text.toLowerCase());

export const options = z.strictObject({
  apiKey: z
    .strictObject({
      name: header.default('x-api-key').meta({ description: 'The API key name of the connection.' }),
      value: secretList.meta({ description: 'The value of the connection, or several while one replaces another.' }),
    })
    .optional()
    .meta({ description: 'For a connection with the authorization type API key.' }),
  basic: z
    .strictObject({ user: z.string().min(1), password: secretList })
    .optional()
    .meta({ description: 'For a connection with the authorization type Basic.' }),
  token: secretList.optional().meta({
    description: 'For a connection that sends `Authorization: Bearer`: an API key of that name, or what OAuth brings.',
  }),
  ...alarmOptions,
});
export type Options = z.infer<typeof options>;

export function warnings(given: Options): readonly OptionWarning[] {
  return given.apiKey === undefined && given.basic === undefined && given.token === undefined ? [unproven] : [];
}

const unproven: OptionWarning = {
  at: [],
  what: 'without apiKey, basic or token nothing proves that EventBridge sends, so nothing runs by itself',
  allowed: 'the secret of the connection of the API destination',
};
