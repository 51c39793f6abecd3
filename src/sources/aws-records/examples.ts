import type { SourceExample } from '../../ports/source.ts';

const detect = [{ name: 'login', where: 'record.action == "login"', by: ['record.user'] }];
const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a secret access key' };

/** It fetches by itself, so every delivery is refused. */
export const examples: readonly SourceExample[] = [
  {
    title: 'The queue of an emulator on this machine',
    options: {
      queue: 'http://127.0.0.1:9/111122223333/logs',
      region: 'eu-central-1',
      s3: 'http://127.0.0.1:9',
      buckets: ['my-logs'],
      format: 'json',
      detect,
      credentials: keys,
    },
    headers: {},
    body: '{}',
    expect: { refused: 'bad-signature' },
  },
  {
    title: 'A bucket that is an address',
    options: {
      queue: 'https://sqs.eu-central-1.amazonaws.com/111122223333/logs',
      buckets: ['https://my-logs.s3.amazonaws.com'],
      format: 'json',
    },
    headers: {},
    body: '{}',
    expect: { refused: 'file-invalid' },
  },
  {
    title: 'A queue whose address names no region',
    options: { queue: 'https://queue.example.com/111122223333/logs', buckets: ['my-logs'], format: 'json' },
    headers: {},
    body: '{}',
    expect: { refused: 'file-invalid' },
  },
];
