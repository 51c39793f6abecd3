import { isCode, messageOf } from '../../kernel/errors.ts';
import type { CheckTools, Finding } from '../../ports/check.ts';
import type { Options } from './options.ts';
import { requesterOf } from './origin.ts';

/** For `tocsin doctor`: whether the token works. Whether it may write shows only when it does. */
export async function check(given: Options, tools: CheckTools): Promise<Finding[]> {
  if (given.apiToken === undefined) return [];
  const what = 'the token of Sentry';
  try {
    await requesterOf(given, tools)('GET', '/issues/?limit=1&query=');
    return [{ what, state: 'ok' }];
  } catch (error) {
    const remedy = isCode(error, 'origin-refused')
      ? 'See that organization is its slug, and that the integration has the permission Issue & Event: Read & Write.'
      : 'See that Sentry answers at url from this machine, and that apiToken is valid.';
    return [{ what, state: 'bad', asks: true, because: messageOf(error), remedy }];
  }
}
