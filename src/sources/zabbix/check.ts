import { isCode, messageOf } from '../../kernel/errors.ts';
import type { CheckTools, Finding } from '../../ports/check.ts';
import { apiOf } from './api.ts';
import type { Options } from './options.ts';

/** For `tocsin doctor`: whether late news can be told from new, and whether the token works. */
export async function check(given: Options, tools: CheckTools): Promise<Finding[]> {
  return [checkTimes(given), ...(given.apiToken === undefined ? [] : [await checkApi(given, tools)])];
}

function checkTimes({ timezone }: Options): Finding {
  const what = 'the times of Zabbix';
  if (timezone !== undefined) return { what, state: 'ok' };
  return {
    what,
    state: 'warning',
    because:
      'without timezone its dates cannot be read, so a problem that is delivered late, after its recovery, opens again',
    remedy: 'Set timezone to the zone of the Zabbix user who gets the messages.',
  };
}

/** Reads one problem at most. Whether event.acknowledge is allowed by the role of the user shows only when it is called. */
async function checkApi(given: Options, tools: CheckTools): Promise<Finding> {
  const what = 'the API of Zabbix';
  try {
    await apiOf(given, tools).call('event.get', { output: ['eventid'], source: 0, object: 0, limit: 1 });
    return { what, state: 'ok' };
  } catch (error) {
    return {
      what,
      state: 'bad',
      asks: true,
      because: messageOf(error),
      remedy: isCode(error, 'origin-refused')
        ? 'Let the role of the user of the token access the API, with the methods event.get and event.acknowledge.'
        : 'See that api_jsonrpc.php answers under url from this machine, and that apiToken is valid.',
    };
  }
}
