import { isCode, messageOf } from '../../kernel/errors.ts';
import type { CheckTools, Finding } from '../../ports/check.ts';
import { apiOf } from './api.ts';
import { canWrite, type Options } from './options.ts';

/** For `tocsin doctor`: whether the key works. It reads one alert at most; what else the key may do shows only when it does it. */
export async function check(given: Options, tools: CheckTools): Promise<Finding[]> {
  if (!canWrite(given)) return [];
  const api = apiOf(given, tools);
  const what = `the API of ${api.name}`;
  try {
    await api.get(`/alerts?${given.jsm === undefined ? 'limit' : 'size'}=1`);
    return [{ what, state: 'ok' }];
  } catch (error) {
    const remedy = isCode(error, 'origin-refused')
      ? 'Give the key the rights to read, and to create and update.'
      : 'See that the API answers from this machine, that region is that of the account, and that the key is valid.';
    return [{ what, state: 'bad', asks: true, because: messageOf(error), remedy }];
  }
}
