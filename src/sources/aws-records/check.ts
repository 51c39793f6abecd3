import { messageOf } from '../../kernel/errors.ts';
import type { CheckTools, Finding } from '../../ports/check.ts';
import { type Aws, openAws } from './clients.ts';
import { faultOf } from './fault.ts';
import { type Options, regionOf } from './options.ts';

/** For `tocsin doctor`: whether the queue and the buckets answer, with these credentials. Receives nothing and changes nothing. */
export async function check(given: Options, { signal }: CheckTools): Promise<Finding[]> {
  const aws = await openAws(given).catch((error: unknown) => messageOf(error));
  if (typeof aws === 'string') return [{ what: 'the AWS SDK', state: 'bad', because: aws, remedy: 'npm ci' }];
  try {
    const queue = await checkQueue(given, aws, signal);
    const buckets = await Promise.all(given.buckets.map(bucket => checkBucket(bucket, given, aws, signal)));
    return [...queue, ...buckets];
  } finally {
    aws.close();
  }
}

async function checkQueue(given: Options, aws: Aws, signal: AbortSignal): Promise<Finding[]> {
  const what = 'the queue';
  try {
    const { RedrivePolicy, ApproximateNumberOfMessages: waiting } = await aws.attributes(signal);
    const because = waiting === undefined ? {} : { because: `${waiting} messages wait` };
    return [{ what, state: 'ok', ...because }, ...redriveOf(RedrivePolicy, given)];
  } catch (error) {
    const { code, because } = faultOf(error);
    if (code === 'AccessDenied' || code === 'AccessDeniedException')
      return [
        {
          what,
          state: 'warning',
          because: `its attributes may not be read (${because}), so nothing can be said about it`,
          remedy: 'Allow sqs:GetQueueAttributes, which only this check needs.',
        },
      ];
    return [{ what, state: 'bad', because: `${code}: ${because}`, remedy: remedyOf(code) }];
  }
}

/** A queue that gives up before we do hides what could not be read in another queue. */
function redriveOf(policy: string | undefined, { attempts }: Options): Finding[] {
  const most = Number(/"maxReceiveCount"\s*:\s*"?(\d+)/.exec(policy ?? '')?.[1] ?? Number.NaN);
  if (Number.isNaN(most) || most > attempts) return [];
  return [
    {
      what: 'the redrive policy of the queue',
      state: 'warning',
      because: `after ${most} receives SQS moves a message to another queue, before it is tried ${attempts} times and listed here`,
      remedy: `Raise maxReceiveCount beyond ${attempts}, or lower attempts of the source.`,
    },
  ];
}

/**
 * Asks for an object that is not there. Who may list the bucket is told so; anybody else is refused, whether they may read or not. Source: S3
 * API reference, GetObject, permissions.
 */
async function checkBucket(bucket: string, given: Options, aws: Aws, signal: AbortSignal): Promise<Finding> {
  const what = `the bucket ${bucket}`;
  const key = `${given.prefix}tocsin-doctor`;
  try {
    const { Body } = await aws.get({ bucket, key, versionId: null }, signal);
    if (Body !== undefined && 'destroy' in Body) Body.destroy();
    return { what, state: 'ok' };
  } catch (error) {
    const { code, because } = faultOf(error);
    if (code === 'NoSuchKey') return { what, state: 'ok' };
    if (code === 'AccessDenied')
      return {
        what,
        state: 'warning',
        because:
          'it is refused, as it is to all who may not list it: whether objects may be read shows with the first one',
        remedy: 'Allow s3:ListBucket to tell the two apart. Reading does not need it.',
      };
    return { what, state: 'bad', because: `${code}: ${because}`, remedy: remedyOf(code, given) };
  }
}

function remedyOf(code: string, given?: Options): string {
  if (code === 'PermanentRedirect' || code === 'AuthorizationHeaderMalformed')
    return `The bucket is not in ${given === undefined ? 'this region' : regionOf(given)}: correct region of the source.`;
  if (code === 'CredentialsProviderError')
    return 'Give this process credentials: a role of its machine, or `credentials` or `profile` of the source.';
  if (code === 'NoSuchBucket' || code === 'QueueDoesNotExist') return 'Correct the name in tocsin.yaml.';
  return 'Compare the policy with docs/aws-records.md, and see that this machine reaches AWS.';
}
