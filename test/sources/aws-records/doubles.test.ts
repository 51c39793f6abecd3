import { gzipSync } from 'node:zlib';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type S3, startS3 } from '../../doubles/aws/s3.ts';
import { type Sqs, startSqs } from '../../doubles/aws/sqs.ts';

/** The doubles behind the unmodified clients: what they refuse, and what the client makes of it. */

const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const region = 'eu-central-1';

describe('the double of SQS', () => {
  let sqs: Sqs;
  let client: SQSClient;
  beforeEach(async () => {
    sqs = await startSqs(keys);
    client = new SQSClient({ region, credentials: keys, md5: false, maxAttempts: 1, endpoint: sqs.url });
  });
  afterEach(async () => {
    client.destroy();
    await sqs.close();
  });

  const receive = async (more: object = {}) =>
    (await client.send(new ReceiveMessageCommand({ QueueUrl: sqs.queue, ...more }))).Messages ?? [];

  it('hides what was received, brings it back after the time-out, and deletes only by the newest handle', async () => {
    sqs.send('one');
    const [first] = await receive({ VisibilityTimeout: 30, MessageSystemAttributeNames: ['ApproximateReceiveCount'] });
    expect(first).toMatchObject({ Body: 'one', Attributes: { ApproximateReceiveCount: '1' } });
    expect(await receive()).toEqual([]);
    sqs.advance(31);
    const [second] = await receive();
    expect(second?.ReceiptHandle).not.toBe(first?.ReceiptHandle);
    await client.send(new DeleteMessageCommand({ QueueUrl: sqs.queue, ReceiptHandle: first?.ReceiptHandle }));
    expect(sqs.left()).toHaveLength(1);
    await client.send(new DeleteMessageCommand({ QueueUrl: sqs.queue, ReceiptHandle: second?.ReceiptHandle }));
    expect(sqs.left()).toEqual([]);
  });

  it('extends the time-out, and refuses for what is visible again', async () => {
    sqs.send('one');
    const [one] = await receive({ VisibilityTimeout: 30 });
    const extend = (VisibilityTimeout: number) =>
      client.send(
        new ChangeMessageVisibilityCommand({
          QueueUrl: sqs.queue,
          ReceiptHandle: one?.ReceiptHandle,
          VisibilityTimeout,
        }),
      );
    await extend(60);
    sqs.advance(31);
    expect(await receive()).toEqual([]);
    await expect(extend(43_200)).rejects.toMatchObject({ name: 'InvalidParameterValue' });
    sqs.advance(40);
    await expect(extend(60)).rejects.toMatchObject({ name: 'MessageNotInflight' });
  });

  it('takes at most ten, repeats, and waits for news', async () => {
    await expect(receive({ MaxNumberOfMessages: 11 })).rejects.toMatchObject({ name: 'InvalidParameterValue' });
    for (let n = 0; n < 12; n++) sqs.send(`${n}`);
    sqs.repeatNext();
    expect(await receive({ MaxNumberOfMessages: 10 })).toHaveLength(10);
    expect((await receive({ MaxNumberOfMessages: 10 })).map(one => one.Body)).toEqual(['0', '10', '11']);
    const late = receive({ WaitTimeSeconds: 20 });
    sqs.send('late');
    expect((await late).map(one => one.Body)).toEqual(['late']);
  });

  it('refuses another key, a wrong secret, another queue', async () => {
    const as = (credentials: typeof keys) => new SQSClient({ region, credentials, maxAttempts: 1, endpoint: sqs.url });
    const ask = (client: SQSClient, QueueUrl = sqs.queue) =>
      client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
    await expect(ask(as({ ...keys, accessKeyId: 'AKIDOTHER' }))).rejects.toMatchObject({
      name: 'InvalidClientTokenId',
    });
    await expect(ask(as({ ...keys, secretAccessKey: 'x' }))).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' });
    await expect(ask(client, `${sqs.url}/111122223333/other`)).rejects.toMatchObject({ name: 'QueueDoesNotExist' });
    expect((await ask(client)).Attributes).toMatchObject({ VisibilityTimeout: '30' });
  });
});

describe('the double of S3', () => {
  let s3: S3;
  let client: S3Client;
  beforeEach(async () => {
    s3 = await startS3(keys);
    client = new S3Client({ region, credentials: keys, endpoint: s3.url, forcePathStyle: true, maxAttempts: 1 });
  });
  afterEach(async () => {
    client.destroy();
    await s3.close();
  });

  const get = (Key: string, more: object = {}) => client.send(new GetObjectCommand({ Bucket: 'logs', Key, ...more }));
  const bytesOf = async (Key: string, more: object = {}) =>
    Buffer.from((await (await get(Key, more)).Body?.transformToByteArray()) ?? []);

  it('gives an object under any name as it is, and parts of it while it is the same', async () => {
    const content = gzipSync('a line\n'.repeat(10_000));
    const { etag } = s3.put('logs', 'a b/c+d=é.gz', content, { contentEncoding: 'gzip' });
    expect(await bytesOf('a b/c+d=é.gz')).toEqual(content);
    expect(await bytesOf('a b/c+d=é.gz', { Range: 'bytes=100-', IfMatch: etag })).toEqual(content.subarray(100));
    await expect(get('a b/c+d=é.gz', { IfMatch: '"other"' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
  });

  it('refuses in the documented words', async () => {
    s3.put('logs', 'one', 'x', { versionId: 'v1' });
    s3.refuse('two', { status: 403, code: 'AccessDenied' });
    await expect(get('none')).rejects.toMatchObject({ name: 'NoSuchKey' });
    await expect(get('one', { VersionId: 'v2' })).rejects.toMatchObject({ name: 'NoSuchVersion' });
    await expect(get('two')).rejects.toMatchObject({ name: 'AccessDenied' });
    await expect(client.send(new GetObjectCommand({ Bucket: 'other', Key: 'one' }))).rejects.toMatchObject({
      name: 'NoSuchBucket',
    });
    const stranger = new S3Client({
      region,
      credentials: { ...keys, secretAccessKey: 'x' },
      endpoint: s3.url,
      forcePathStyle: true,
    });
    await expect(stranger.send(new GetObjectCommand({ Bucket: 'logs', Key: 'one' }))).rejects.toMatchObject({
      name: 'SignatureDoesNotMatch',
    });
  });

  it('cuts a stream once', async () => {
    s3.put('logs', 'long', Buffer.alloc(200_000, 'x'));
    s3.cut('long', 100_000);
    await expect(bytesOf('long')).rejects.toThrow();
    expect(await bytesOf('long')).toHaveLength(200_000);
  });
});
