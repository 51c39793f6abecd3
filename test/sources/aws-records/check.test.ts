import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/kernel/clock.ts';
import source from '../../../src/sources/aws-records/index.ts';
import { keys, openPlace, optionsFor, type Place } from './place.ts';

let place: Place;
beforeEach(async () => {
  place = await openPlace();
  place.s3.put('logs', 'a.json', '{}');
});
afterEach(() => place.stop());

/** What `tocsin doctor` finds. */
async function check(more: object = {}) {
  const options = source.options.parse({ ...optionsFor(place.sqs, place.s3), ...more });
  const tools = {
    clock: systemClock,
    fetch,
    env: () => undefined,
    signal: AbortSignal.timeout(20_000),
    ...{ url: null, name: 'logs', channels: [], groups: [], accounts: {} },
  };
  const found = (await source.check?.(options, tools)) ?? [];
  return found.map(({ what, state, because }) => [what, state, because ?? '']);
}

describe('doctor', () => {
  it('finds a queue and buckets that answer, and receives nothing', async () => {
    place.sqs.send('{}');
    expect(await check()).toEqual([
      ['the queue', 'ok', '0 messages wait'],
      ['the bucket logs', 'ok', ''],
    ]);
    expect(place.sqs.calls.map(({ action }) => action)).toEqual(['GetQueueAttributes']);
  });

  it('warns of a queue that gives up first, and of what it cannot tell', async () => {
    place.sqs.attributes['RedrivePolicy'] =
      '{"deadLetterTargetArn":"arn:aws:sqs:eu-central-1:1:d","maxReceiveCount":3}';
    place.s3.refuse('AWSLogs/tocsin-doctor', { status: 403, code: 'AccessDenied' });
    expect(await check({ prefix: 'AWSLogs/' })).toMatchObject([
      ['the queue', 'ok', expect.anything()],
      ['the redrive policy of the queue', 'warning', expect.stringContaining('after 3 receives')],
      ['the bucket logs', 'warning', expect.stringContaining('whether objects may be read')],
    ]);
    place.sqs.attributes['RedrivePolicy'] = '{"maxReceiveCount":"50"}';
    place.sqs.fail('GetQueueAttributes', { status: 403, code: 'AccessDenied' });
    expect((await check())[0]).toMatchObject(['the queue', 'warning', expect.stringContaining('may not be read')]);
    expect(await check()).toHaveLength(2);
  });

  it('says what is wrong: the key, the bucket, the region, the queue', async () => {
    expect(await check({ credentials: { ...keys, secretAccessKey: 'wrong' } })).toMatchObject([
      ['the queue', 'bad', expect.stringContaining('SignatureDoesNotMatch')],
      ['the bucket logs', 'bad', expect.stringContaining('SignatureDoesNotMatch')],
    ]);
    expect((await check({ buckets: ['other'] }))[1]).toMatchObject([
      'the bucket other',
      'bad',
      expect.stringContaining('NoSuchBucket'),
    ]);
    expect((await check({ queue: `${place.sqs.url}/111122223333/none` }))[0]).toMatchObject([
      'the queue',
      'bad',
      expect.stringContaining('QueueDoesNotExist'),
    ]);
  });
});

describe('options', () => {
  const given = {
    queue: 'https://sqs.eu-central-1.amazonaws.com/111122223333/logs',
    buckets: ['my-logs'],
    format: 'json',
  };
  const parse = (more: object) => source.options.safeParse({ ...given, ...more });
  const faults = (more: object) => parse(more).error?.issues.map(({ path }) => path.join('.')) ?? [];

  it('know the region by the queue, and ask where they cannot', () => {
    expect(faults({})).toEqual([]);
    expect(faults({ queue: 'https://sqs.cn-north-1.amazonaws.com.cn/1/logs' })).toEqual([]);
    expect(faults({ queue: 'https://vpce-1.sqs.eu-central-1.vpce.amazonaws.com/1/logs' })).toEqual(['region']);
    expect(faults({ queue: 'https://sqs.eu-central-1.amazonaws.com.example.org/1/logs' })).toEqual(['region']);
  });

  it('take names of buckets only, and one way to credentials', () => {
    for (const bucket of ['arn:aws:s3:::logs', 'https://logs', 'Logs', 'a', 'logs/x', ''])
      expect(faults({ buckets: [bucket] }), bucket).toEqual(['buckets.0']);
    expect(faults({ buckets: [] })).toEqual(['buckets']);
    expect(faults({ profile: 'p', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } })).toEqual(['profile']);
    expect(faults({ digests: { keys: { ['0'.repeat(32)]: 'no key' } } })).toEqual([`digests.keys.${'0'.repeat(32)}`]);
    expect(faults({ digests: { keys: {} } })).toEqual(['digests.keys']);
  });

  it('warn of http beyond this machine', () => {
    const at = (more: object) =>
      (source.warnings?.(source.options.parse({ ...given, region: 'eu-central-1', ...more })) ?? []).map(one => one.at);
    expect(at({ queue: 'http://sqs.example.com/1/logs', s3: 'http://s3.example.com' })).toEqual([['queue'], ['s3']]);
    expect(at({ queue: 'http://127.0.0.1:4566/1/logs' })).toEqual([]);
  });
});
