import { TocsinError } from '../../kernel/errors.ts';
import { compileRecords } from '../../model/records/records.ts';
import { defineSource } from '../../ports/source.ts';
import { check } from './check.ts';
import { examples } from './examples.ts';
import { type Options, options, warnings } from './options.ts';
import { startPolling } from './poll.ts';

export default defineSource<Options>({
  id: 'aws-records',
  about:
    'Logs that AWS services write to S3, fetched by itself: SQS tells of new objects, so nothing has to reach Tocsin. Rules under `detect` look for something in them. What cannot be read is listed and holds nothing up. Digest files of CloudTrail are verified.',
  options,
  setup: {
    options: {
      queue: 'https://sqs.eu-central-1.amazonaws.com/111122223333/tocsin-logs',
      buckets: ['my-trail-logs'],
      format: 'cloudtrail',
      detect: [
        {
          name: 'many refused calls',
          where: 'record.errorCode == "AccessDenied"',
          by: ['record.userIdentity.arn'],
          count: { atLeast: 20, within: '10m' },
        },
      ],
    },
    secret: null,
    steps: [
      'aws sqs create-queue --queue-name tocsin-logs --attributes file://queue.json',
      'Put the URL of the queue and the name of your bucket into tocsin.yaml, under sources.{name}.',
      'aws s3api put-bucket-notification-configuration --bucket my-trail-logs --notification-configuration file://notification.json',
      'Let the role of this machine receive and delete messages of the queue, and read objects of the bucket. The page has the files.',
    ],
    page: 'docs/aws-records.md',
  },
  examples,
  records: given => compileRecords(given),
  verify: () => ({ ok: false, because: 'it fetches by itself and takes no deliveries' }),
  normalise() {
    throw new TocsinError('bad-body', { message: 'This source fetches by itself and takes no deliveries.' });
  },
  delay: () => null,
  warnings,
  check,
  start: startPolling,
});
