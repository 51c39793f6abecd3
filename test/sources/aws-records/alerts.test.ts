import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { endAll, ready, start, until } from '../../cli/process.ts';
import { basicConfig, startTestApp } from '../../doubles/app.ts';
import { notificationOf, type S3, startS3 } from '../../doubles/aws/s3.ts';
import { type Sqs, startSqs } from '../../doubles/aws/sqs.ts';
import { keys, optionsFor } from './place.ts';

/** From an object in S3 to an alert in its thread, through the whole app. */

let sqs: Sqs;
let s3: S3;
let folder: string;
beforeEach(async () => {
  sqs = await startSqs(keys);
  s3 = await startS3(keys);
  folder = await mkdtemp(join(tmpdir(), 'tocsin-s3-'));
});
afterEach(async () => {
  endAll();
  await sqs.close();
  await s3.close();
  await rm(folder, { recursive: true, force: true });
});

const detect = [
  {
    name: 'refused logins',
    where: 'record.event == "login" && record.ok == false',
    by: ['record.user'],
    count: { atLeast: 3, within: '1h' },
  },
];
const source = () => JSON.stringify({ type: 'aws-records', ...optionsFor(sqs, s3), detect });
const logins = (count: number) => `${JSON.stringify({ event: 'login', user: 'ann', ok: false })}\n`.repeat(count);
const put = (key: string, content: Buffer | string) => sqs.send(notificationOf(s3.put('logs', key, content)));

it('an object that is put becomes an alert in a thread, and its message is deleted after that', async () => {
  const place = await startTestApp({
    'tocsin.yaml': basicConfig.replace('sources:\n', `sources:\n  logs: ${source()}\n`),
  });
  try {
    put('2026/11/a b.gz', gzipSync(logins(2)));
    put('2026/11/c.json', `${logins(1)}no record\n{"event":"other"}\n`);
    await place.until(async () => sqs.left().length === 0);
    const [alert] = await place.until(async () => {
      const found = await place.app.store.alerts({});
      return found.length > 0 && found;
    });
    expect(alert).toMatchObject({ source: 'logs', labels: { rule: 'refused logins', user: 'ann' }, trusted: true });
    expect(alert?.annotations).toMatchObject({ count: '3' });
    expect(JSON.stringify(alert?.annotations)).toContain('s3://logs/2026/11/a b.gz');
    const roots = () => place.app.store.posts({ platform: 'console', thread: null });
    const thread = await place.until(async () => (await roots()).find(({ key }) => key.startsWith('alert/')));
    expect(thread.card.title).toContain('refused logins: ann');
    expect((await place.call('GET', '/api/v1/dead-letters')).body).toEqual([]);
  } finally {
    await place.stop();
  }
});

it('an object whose message could not be deleted before a kill -9 counts once', async () => {
  // Without `credentials` the usual chain of AWS finds them, here in variables.
  const { credentials: _, ...chained } = JSON.parse(source());
  const env = { AWS_ACCESS_KEY_ID: keys.accessKeyId, AWS_SECRET_ACCESS_KEY: keys.secretAccessKey };
  await writeFile(join(folder, 'tocsin.yaml'), `sources:\n  logs: ${JSON.stringify(chained)}\npeople: { you: {} }\n`);
  sqs.fail('DeleteMessage', { status: 500, code: 'InternalError' }, 1000);
  put('a.json', logins(2));
  const first = start(folder, { env });
  await ready(first);
  await until(async () => sqs.calls.some(({ action }) => action === 'DeleteMessage'));
  first.child.kill('SIGKILL');
  await first.ended;
  expect(sqs.left()).toHaveLength(1);
  sqs.mend();
  sqs.advance(1000);
  const second = start(folder, { env });
  const { url, key } = await ready(second);
  await until(async () => sqs.left().length === 0);
  const alerts = async () =>
    (await (await fetch(`${url}/api/v1/alerts`, { headers: { authorization: `Bearer ${key}` } })).json()) as {
      annotations: Record<string, string>;
    }[];
  // Twice two would be more than enough for an alert.
  expect(await alerts()).toEqual([]);
  put('b.json', logins(1));
  await until(async () => (await alerts()).length > 0);
  expect((await alerts()).map(({ annotations }) => annotations['count'])).toEqual(['3']);
});
