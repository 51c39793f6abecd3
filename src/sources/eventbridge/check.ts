import type { CheckTools, Finding } from '../../ports/check.ts';
import { type Options, warnings } from './options.ts';

/** For `tocsin doctor`: whether anything proves the sender. EventBridge has nothing that could be asked. */
export async function check(given: Options, _tools: CheckTools): Promise<Finding[]> {
  const what = 'the secret of the connection';
  const [found] = warnings(given);
  if (found === undefined) return [{ what, state: 'ok' }];
  return [{ what, state: 'warning', because: found.what, remedy: 'Configure the secret of the connection.' }];
}
