import { messageOf } from '../../kernel/errors.ts';
import type { CheckTools, Finding } from '../../ports/check.ts';
import { requesterOf } from './api.ts';
import type { Options } from './options.ts';

/** For `tocsin doctor`: whether the table can be read. Whether it can be written shows only when it is. */
export async function check(given: Options, tools: CheckTools): Promise<Finding[]> {
  if (given.tickets === undefined) return [];
  const what = 'the table of tickets in ServiceNow';
  try {
    await requesterOf(given, tools)('GET', '?sysparm_fields=sys_id&sysparm_limit=1');
    return [{ what, state: 'ok' }];
  } catch (error) {
    const remedy =
      'See that the instance answers at url from this machine, that user and password are right, and that the user has a role that reads and writes the table.';
    return [{ what, state: 'bad', asks: true, because: messageOf(error), remedy }];
  }
}
