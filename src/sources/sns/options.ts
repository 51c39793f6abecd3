import { z } from 'zod';
import { duration } from '../../kernel/duration.ts';
import { secretList } from '../../kernel/signature.ts';
import type { OptionWarning } from '../../ports/source.ts';
import { alarmOptions } from '../eventbridge/severity.ts';

const topic = z
  .string()
  .regex(
    /^arn:aws[a-z-]{0,20}:sns:[a-z0-9-]{3,40}:\d{12}:[A-Za-z0-9_-]{1,256}$/,
    'not the ARN of a topic, such as arn:aws:sns:eu-west-1:123456789012:alarms',
  );

export const options = z.strictObject({
  topics: z.array(topic).min(1).meta({
    description:
      'The ARNs of the topics that lead here. Messages of any other topic are refused: a genuine signature only proves that some account of AWS sent them.',
  }),
  confirm: z.literal(true).optional().meta({
    description:
      'Confirm subscriptions to `topics` at once, by a request to SNS. Without it a notice says how to confirm by hand.',
  }),
  maxAge: duration.prefault('70m').meta({
    description:
      'How old a message may be before it is only told as a notice. SNS tries for up to an hour after a failure.',
  }),
  sha1: z.literal(true).optional().meta({
    description:
      'Takes signatures of version 1 (SHA-1) too, which is broken. Set the attribute SignatureVersion of the topic to 2 instead.',
  }),
  basic: z
    .strictObject({ user: z.string().min(1), password: secretList })
    .optional()
    .meta({
      description:
        'The user and password in the address of the subscription. Every delivery must bring them then, signed ones too; and raw message delivery is taken, which SNS does not sign.',
    }),
  ...alarmOptions,
});
export type Options = z.infer<typeof options>;

export function warnings(given: Options): readonly OptionWarning[] {
  return given.sha1 === true ? [weakHash] : [];
}

const weakHash: OptionWarning = {
  at: ['sha1'],
  what: 'signatures over SHA-1 are taken, and who can make collisions of SHA-1 can forge them',
  allowed: 'no sha1 here, and SignatureVersion 2 on the topic: aws sns set-topic-attributes',
};
