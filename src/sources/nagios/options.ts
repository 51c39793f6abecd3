import { z } from 'zod';
import { duration } from '../../kernel/duration.ts';
import { secretList } from '../../kernel/signature.ts';
import { wordMap } from '../webhook/cel.ts';
import { severityNames } from '../webhook/words.ts';

export const options = z.strictObject({
  token: secretList.optional().meta({
    description: 'The bearer token in the header file of the script, or several while one replaces another.',
  }),
  severities: wordMap(severityNames, 'Other severities for states, in any case: {UNKNOWN: info, DOWN: error}.'),
  repeatInterval: duration.optional().meta({
    description:
      'The notification interval, where problems are repeated: after three times without news Tocsin says so. Leave it out where some are told once.',
  }),
});
export type Options = z.infer<typeof options>;
