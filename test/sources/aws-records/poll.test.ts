import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { busEventOf, envelopeOf, notificationOf } from '../../doubles/aws/s3.ts';
import { openPlace, type Place } from './place.ts';

let place: Place;
beforeEach(async () => {
  place = await openPlace();
});
afterEach(() => place.stop());

const record = '{"action":"login"}\n';
const put = (key: string, content: Buffer | string = record) => place.s3.put('logs', key, content);
const tell = (key: string, content?: Buffer | string) => place.sqs.send(notificationOf(put(key, content)));
const drained = () => place.until(() => place.sqs.left().length === 0);
const called = (action: string) => place.sqs.calls.filter(call => call.action === action);

describe('a message', () => {
  it('leads to its object, whatever its name, in each of the three forms, and is deleted', async () => {
    const names = ['plain.json', 'a b/c+d=e&ü.json', 'with%20percent.json'];
    for (const [index, wrap] of [
      notificationOf,
      busEventOf,
      (one: ReturnType<typeof put>) => envelopeOf(notificationOf(one)),
    ].entries())
      for (const name of names) place.sqs.send(wrap(put(`${index}/${name}`)));
    await place.node();
    await drained();
    expect(place.counted.map(({ from }) => from).sort()).toEqual(
      [0, 1, 2].flatMap(index => names.map(name => `s3://logs/${index}/${name}`)).sort(),
    );
    expect(place.letters.size).toBe(0);
  });

  it('asks for a long poll, and at most for what it can work on', async () => {
    await place.node({ parallel: 2 });
    const [first] = await place.until(() => called('ReceiveMessage').length > 0 && called('ReceiveMessage'));
    expect(first?.body).toMatchObject({ WaitTimeSeconds: 20, MaxNumberOfMessages: 2, VisibilityTimeout: 120 });
  });

  it('that is a test of S3, or tells of something deleted, is deleted quietly', async () => {
    place.sqs.send({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'logs', RequestId: '1', HostId: '2' });
    place.sqs.send(notificationOf(put('gone'), 'ObjectRemoved:Delete'));
    place.sqs.send({ ...busEventOf(put('gone')), 'detail-type': 'Object Deleted' });
    await place.node();
    await drained();
    expect([place.s3.requests.length, place.letters.size]).toEqual([0, 0]);
  });

  it('that comes twice counts once', async () => {
    place.sqs.repeatNext();
    const one = put('a.json');
    place.sqs.send(notificationOf(one));
    place.sqs.send(notificationOf(one));
    await place.node();
    await place.node();
    await drained();
    expect(place.counted).toHaveLength(1);
  });

  it('that tells of an object which was overwritten meanwhile counts what is there, once', async () => {
    const old = notificationOf(put('a.json'));
    const now = notificationOf(put('a.json', `${record}${record}`));
    for (const told of [old, now]) place.sqs.send(told);
    await place.node();
    await drained();
    expect(place.counted.map(({ text }) => text)).toEqual([`${record}${record}`]);
  });

  it('that does not fit its MD5 is left for another try', async () => {
    place.sqs.spoilNext();
    const id = tell('a.json');
    await place.node();
    await place.until(() => called('ChangeMessageVisibility').length > 0);
    expect([place.sqs.left(), place.counted]).toEqual([[id], []]);
    place.sqs.advance(2);
    await drained();
    expect(place.counted).toHaveLength(1);
  });

  it('that is none of S3 is listed by its id, without its text', async () => {
    const ids = ['no JSON', '[]', '{"hello":"you"}', '{"Records":[{"eventName":"ObjectCreated:Put","s3":{}}]}'].map(
      body => place.sqs.send(body),
    );
    await place.node();
    await drained();
    expect([...place.letters.values()].map(({ from, again, code }) => [from, again, code]).sort()).toEqual(
      ids.map(id => [`message ${id}`, null, 'bad-message']).sort(),
    );
    expect(JSON.stringify([...place.letters])).not.toContain('you');
  });

  it('that could not be deleted comes again and counts once', async () => {
    place.sqs.fail('DeleteMessage', { status: 500, code: 'InternalError' }, 3);
    tell('a.json');
    await place.node();
    await place.until(() => place.troubles.length > 0);
    expect(place.sqs.left()).toHaveLength(1);
    place.sqs.advance(200);
    await drained();
    expect(place.counted).toHaveLength(1);
  });

  it('is hidden for longer while its object is read', async () => {
    const release = place.s3.hold('big.json', 100_000);
    const id = tell('big.json', record.repeat(20_000));
    await place.node({ visibility: '3s' });
    const beats = await place.until(
      () => called('ChangeMessageVisibility').length > 1 && called('ChangeMessageVisibility'),
    );
    expect(beats[0]?.body).toMatchObject({ VisibilityTimeout: 3 });
    expect(place.sqs.receives(id)).toBe(1);
    release();
    await drained();
    expect(place.counted).toHaveLength(1);
  });

  it('is given back at once by a node that stops', async () => {
    place.s3.hold('big.json', 100_000);
    const id = tell('big.json', record.repeat(20_000));
    const stop = await place.node();
    await place.until(() => place.s3.requests.length > 0);
    await stop();
    expect(called('ChangeMessageVisibility').at(-1)?.body).toMatchObject({ VisibilityTimeout: 0 });
    expect([place.sqs.left(), place.counted, place.letters.size]).toEqual([[id], [], 0]);
  });
});

describe('an object', () => {
  it('is unpacked by what it is, not by what it is called', async () => {
    tell('a.json', gzipSync(record));
    place.sqs.send(notificationOf(place.s3.put('logs', 'b.gz', record, { contentEncoding: 'gzip' })));
    place.sqs.send(
      notificationOf(
        place.s3.put('logs', 'c.gz', Buffer.concat([gzipSync(record), gzipSync(record)]), { versionId: 'v1' }),
      ),
    );
    await place.node();
    await drained();
    expect(Object.fromEntries(place.counted.map(({ from, text }) => [from, text]))).toEqual({
      's3://logs/a.json': record,
      's3://logs/b.gz': record,
      's3://logs/c.gz': `${record}${record}`,
    });
    expect(place.counted.find(({ from }) => from.endsWith('c.gz'))?.once).toBe('logs/c.gz/v1');
  });

  it('whose stream is cut is gone on with from there', async () => {
    place.s3.cut('big.json', 100_000, 2);
    tell('big.json', record.repeat(20_000));
    await place.node();
    await drained();
    expect(place.counted.map(({ text }) => text === record.repeat(20_000))).toEqual([true]);
    expect(place.s3.requests.map(({ status }) => status)).toEqual([200, 206, 206]);
    expect(place.s3.requests[2]?.range).toBe('bytes=200000-');
  });

  it('whose stream is always cut is tried again later, and then listed', async () => {
    place.s3.cut('big.json', 10, 1000);
    const id = tell('big.json', record.repeat(200));
    await place.node({ attempts: 2 });
    await place.until(() => called('ChangeMessageVisibility').length > 0);
    expect(place.letters.size).toBe(0);
    expect(place.sqs.receives(id)).toBe(1);
    place.sqs.advance(1000);
    await drained();
    expect([...place.letters.values()]).toMatchObject([{ code: 'cut-short', attempts: 2 }]);
    expect(place.counted).toEqual([]);
  });

  it('is never in memory: no more is fetched than is taken', async () => {
    const piece = Buffer.from(record.repeat(3000));
    let made = 0;
    const length = 4096 * piece.length;
    async function* make() {
      for (let n = 0; n < 4096; n++) {
        made += piece.length;
        yield piece;
        await new Promise(resolve => setImmediate(resolve));
      }
    }
    place.sqs.send(notificationOf(place.s3.put('logs', 'huge.json', { length, make })));
    let most = 0;
    let taken = 0;
    await place.node(
      {},
      {
        async takeRecords({ pieces }) {
          for await (const one of pieces) {
            taken += one.length;
            most = Math.max(most, made - taken);
          }
          return { records: 1, unreadable: 0, faults: [], alerts: 0, duplicate: false };
        },
      },
    );
    await drained();
    expect(taken).toBe(length);
    expect(length).toBeGreaterThan(200_000_000);
    // What is under way: buffers of the sockets and of the streams.
    expect(most).toBeLessThan(32_000_000);
  });

  it('of another prefix, a folder and a test of a load balancer are passed over', async () => {
    for (const key of ['other/a.json', 'AWSLogs/folder/', 'AWSLogs/1/ELBAccessLogTestFile', 'AWSLogs/b.json'])
      tell(key);
    await place.node({ prefix: 'AWSLogs/' });
    await drained();
    expect(place.counted.map(({ from }) => from)).toEqual(['s3://logs/AWSLogs/b.json']);
    expect(place.s3.requests).toHaveLength(1);
  });
});

describe('what cannot be read', () => {
  it('is listed with its cause, and holds up none of the others', async () => {
    for (let n = 0; n < 6; n++) tell(`good/${n}.json`);
    tell('corrupt.gz', gzipSync(record.repeat(1000)).subarray(0, 40));
    tell('spoilt.gz', Buffer.concat([gzipSync(record).subarray(0, 12), Buffer.alloc(30, 7)]));
    tell('denied.json');
    place.s3.refuse('denied.json', { status: 403, code: 'AccessDenied' });
    tell('gone.json');
    place.s3.remove('logs', 'gone.json');
    tell('large.gz', gzipSync(Buffer.alloc(3_000_000, ' ')));
    tell('text.json', 'a line of text\n');
    tell('columns.json', Buffer.from('PAR1 and so on'));
    place.sqs.send(notificationOf(place.s3.put('other', 'a.json', record)));
    await place.node({ maxBytes: 2_000_000 });
    await drained();
    expect(place.counted.filter(({ from }) => from.includes('/good/'))).toHaveLength(6);
    expect(Object.fromEntries([...place.letters.values()].map(({ from, code }) => [from, code]))).toEqual({
      's3://logs/corrupt.gz': 'bad-body',
      's3://logs/spoilt.gz': 'bad-body',
      's3://logs/denied.json': 'AccessDenied',
      's3://logs/gone.json': 'NoSuchKey',
      's3://logs/large.gz': 'body-too-large',
      's3://logs/text.json': 'no-records',
      's3://logs/columns.json': 'bad-body',
      's3://other/a.json': 'bucket-not-named',
    });
    expect(place.s3.requests.some(({ key }) => key === 'a.json')).toBe(false);
    expect(place.troubles.filter(trouble => trouble !== null)).toEqual([]);
    // One notice in an hour tells of them all.
    const notices = place.emitted.flatMap(({ events }) => events.filter(({ kind }) => kind === 'notice'));
    expect(notices.length).toBeLessThan(3);
    expect(notices[0]).toMatchObject({
      type: 'dead-letter',
      title: expect.stringContaining('Could not be read: s3://'),
    });
  });

  it('stays in the queue while the list is full, and the source says so', async () => {
    const id = tell('gone.json');
    place.s3.remove('logs', 'gone.json');
    const letters = {
      put: async () => false,
      takeRetries: async () => [],
      settle: async () => {},
      onRetry: () => () => {},
    };
    await place.node({}, { letters });
    await place.until(() => place.troubles.some(trouble => trouble?.includes('the list of its dead letters is full')));
    expect(place.sqs.left()).toEqual([id]);
  });

  it('that was received far too often is listed unread: it may be what ends the process', async () => {
    const [deadly, tired] = [tell('deadly.json'), tell('tired.json')];
    place.sqs.wear(deadly, 20);
    place.sqs.wear(tired, 19);
    await place.node();
    await drained();
    expect([...place.letters.values()]).toMatchObject([
      { from: 's3://logs/deadly.json', code: 'too-many-receives', attempts: 21 },
    ]);
    expect(place.s3.requests.map(({ key }) => key)).toEqual(['tired.json']);
  });
});

describe('while nothing can be read', () => {
  it('S3 in trouble blames no object, and is tried with one message', async () => {
    for (let n = 0; n < 5; n++) tell(`${n}.json`);
    for (let n = 0; n < 5; n++) place.s3.refuse(`${n}.json`, { status: 503, code: 'SlowDown' });
    await place.node();
    await place.until(() => place.troubles.some(trouble => trouble?.includes('SlowDown')));
    await place.until(() => called('ReceiveMessage').some(({ body }) => body['MaxNumberOfMessages'] === 1));
    expect(place.letters.size).toBe(0);
    for (let n = 0; n < 5; n++) place.s3.allow(`${n}.json`);
    // Each try that is put off is due again once; a message that is being read must not be seen by others meanwhile.
    let left = place.sqs.left().length;
    place.sqs.advance(1000);
    await place.until(() => {
      const now = place.sqs.left().length;
      if (now < left) place.sqs.advance(1000);
      left = now;
      return now === 0;
    });
    expect([place.counted.length, place.letters.size]).toEqual([5, 0]);
    expect(place.troubles.at(-1)).toBeNull();
  });

  it('a queue that refuses is asked again after a pause', async () => {
    place.sqs.fail('ReceiveMessage', { status: 403, code: 'AccessDenied' });
    tell('a.json');
    await place.node();
    await place.until(() =>
      place.troubles.some(trouble => trouble === 'the queue cannot be asked now: AccessDenied. The log says more'),
    );
    await drained();
    expect(place.troubles.at(-1)).toBeNull();
  });

  it('a wrong key is said, and is not the fault of any object', async () => {
    tell('a.json');
    await place.node({ credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wrong' } });
    await place.until(() => place.troubles.some(trouble => trouble?.includes('SignatureDoesNotMatch')));
    expect([place.letters.size, place.counted.length]).toEqual([0, 0]);
  });
});
