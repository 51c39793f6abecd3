import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readMessage } from '../../../src/sources/aws-records/notification.ts';

const record = (object: object, eventName = 'ObjectCreated:Put', bucket: unknown = { name: 'logs' }) => ({
  Records: [{ eventName, s3: { bucket, object } }],
});
const read = (body: unknown) => readMessage(typeof body === 'string' ? body : JSON.stringify(body));
const keyOf = (body: unknown) => {
  const found = read(body);
  return found.kind === 'objects' ? found.objects.map(({ key, versionId }) => [key, versionId]) : found.kind;
};

describe('the key of an object', () => {
  it.each([
    // The first one is that of the S3 user guide.
    ['red+flower.jpg', 'red flower.jpg'],
    ['a%2Bb%2Fc%3Dd.gz', 'a+b/c=d.gz'],
    ['AWSLogs/1/dt%3D2026-11-29/%C3%BC%25.gz', 'AWSLogs/1/dt=2026-11-29/ü%.gz'],
    ['test%2F10%3A47%3A07.log', 'test/10:47:07.log'],
  ])('%s of a notification is %s', (written, key) => {
    expect(keyOf(record({ key: written }))).toEqual([[key, null]]);
  });

  it('of EventBridge is as it is', () => {
    const event = (key: string) => ({
      source: 'aws.s3',
      'detail-type': 'Object Created',
      detail: { bucket: { name: 'logs' }, object: { key, 'version-id': 'v1' } },
    });
    for (const key of ['a+b%20c', 'red flower.jpg', '%']) expect(keyOf(event(key))).toEqual([[key, 'v1']]);
  });

  it('round trips through what S3 does to it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }), key => {
        fc.pre(key.isWellFormed());
        const written = encodeURIComponent(key).replaceAll('%20', '+');
        expect(keyOf(record({ key: written, versionId: 'null' }))).toEqual([[key, null]]);
      }),
    );
  });

  it('that no object can have is a message of nobody', () => {
    for (const key of ['', '%zz', 'a'.repeat(1025), 5, null])
      expect(keyOf(record({ key })), String(key)).toBe('unknown');
    for (const bucket of [{}, { name: '' }, { name: 5 }, null, 'logs'])
      expect(keyOf(record({ key: 'a' }, 'ObjectCreated:Put', bucket))).toBe('unknown');
  });
});

describe('a message', () => {
  it('of several records names those that were created, also in the words of others than AWS', () => {
    const { Records: created } = record({ key: 'a' });
    const { Records: removed } = record({ key: 'b' }, 'ObjectRemoved:Delete');
    const { Records: minio } = record({ key: 'c' }, 's3:ObjectCreated:Put');
    expect(keyOf({ Records: [...created, ...removed, ...minio] })).toEqual([
      ['a', null],
      ['c', null],
    ]);
    expect(keyOf({ Records: removed })).toBe('nothing');
    expect(keyOf({ Records: [] })).toBe('nothing');
    expect(keyOf({ Records: Array.from({ length: 101 }, () => created[0]) })).toBe('unknown');
  });

  it('in an envelope of SNS is opened once', () => {
    const envelope = (message: unknown) => ({ Type: 'Notification', Message: JSON.stringify(message) });
    expect(keyOf(envelope(record({ key: 'a' })))).toEqual([['a', null]]);
    expect(keyOf(envelope(envelope(record({ key: 'a' }))))).toBe('unknown');
    expect(keyOf({ Type: 'Notification', Message: 'no JSON' })).toBe('unknown');
    expect(keyOf({ Type: 'Notification' })).toBe('unknown');
  });

  it('of any shape is read or is unknown, and never throws', () => {
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        for (const body of [value, { Records: [value] }, { Records: [{ eventName: 'ObjectCreated:Put', s3: value }] }])
          expect(['nothing', 'objects', 'unknown']).toContain(read(JSON.stringify(body)).kind);
      }),
    );
  });
});

it('the SDK is loaded when a source starts, and not before', async () => {
  const root = join(import.meta.dirname, '../../..');
  const script = `
    import { registerHooks } from 'node:module';
    const seen = new Set();
    registerHooks({ resolve(name, context, next) { if (name.startsWith('@aws-sdk/client')) seen.add(name); return next(name, context); } });
    const { default: source } = await import(${JSON.stringify(join(root, 'src/sources/aws-records/index.ts'))});
    source.options.parse(source.examples[0].options);
    const before = seen.size;
    const { openAws } = await import(${JSON.stringify(join(root, 'src/sources/aws-records/clients.ts'))});
    (await openAws(source.options.parse(source.examples[0].options))).close();
    console.log(JSON.stringify([before, [...seen].filter(name => /client-(s3|sqs)$/.test(name)).sort()]));
  `;
  const node = join(root, 'node_modules/.bin/node');
  const { stdout } = await promisify(execFile)(node, ['--input-type=module', '-e', script], { cwd: root });
  expect(JSON.parse(stdout)).toEqual([0, ['@aws-sdk/client-s3', '@aws-sdk/client-sqs']]);
});
