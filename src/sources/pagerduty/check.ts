import type { CheckTools, Finding } from '../../ports/check.ts';
import type { Options } from './options.ts';

export async function checkKeys(_given: Options, _tools: CheckTools): Promise<Finding[]> {
  return [];
}
