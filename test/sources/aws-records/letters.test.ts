import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { basicConfig, startTestApp, type TestApp } from '../../doubles/app.ts';
import { notificationOf, type S3, startS3 } from '../../doubles/aws/s3.ts';
import { type Sqs, startSqs } from '../../doubles/aws/sqs.ts';
import { articlesOf, formOf, openSession } from '../../journey/console-page.ts';
import { keys, optionsFor } from './place.ts';

/** The list of what could not be read, through the whole app. */

let sqs: Sqs;
let s3: S3;
let place: TestApp;

beforeEach(async () => {
  sqs = await startSqs(keys);
  s3 = await startS3(keys);
  const source = JSON.stringify({ type: 'aws-records', ...optionsFor(sqs, s3) });
  const config = basicConfig.replace('sources:\n', `sources:\n  logs: ${source}\n`);
  place = await startTestApp({ 'tocsin.yaml': config });
});
afterEach(async () => {
  await place.stop();
  await sqs.close();
  await s3.close();
});

const record = '{"action":"login"}\n';
const letters = async (query = '') => (await place.call('GET', `/api/v1/dead-letters${query}`)).body;

/** An object that is no whole gzip, worked off. Resolves to its letter. */
async function corrupt(key = 'a.gz') {
  sqs.send(notificationOf(s3.put('logs', key, gzipSync(record).subarray(0, 20))));
  return await place.until(async () => {
    const found = (await letters()).find((one: { from: string }) => one.from === `s3://logs/${key}`);
    return sqs.left().length === 0 && found;
  });
}

const stateOf = async (id: string) => (await place.call('GET', `/api/v1/dead-letters/${id}`)).body.state;
const redrive = (id: string, as = 'ALICE') =>
  place.call('POST', `/api/v1/dead-letters/${id}/redrive`, { as, body: { reason: 'it is mended' } });

describe('what could not be read', () => {
  it('stands in the API and in the console with its cause, and is read again when somebody says so', async () => {
    const letter = await corrupt();
    expect(letter).toMatchObject({ source: 'logs', code: 'bad-body', attempts: 1, state: 'dead', canRedrive: true });
    expect(await letters('?state=dead&source=logs')).toHaveLength(1);
    expect(await letters('?source=other')).toEqual([]);
    s3.put('logs', 'a.gz', gzipSync(record));
    expect(await redrive(letter.id)).toMatchObject({ status: 202, body: { state: 'retrying' } });
    await place.until(async () => (await stateOf(letter.id)) === 'read');
    expect((await redrive(letter.id)).status).toBe(409);
    const kinds = (await place.app.store.stream(`letter/${letter.id}`)).map(({ fact, actor }) => [
      fact.kind,
      actor.kind,
    ]);
    expect(kinds).toEqual([
      ['letter.dead', 'source'],
      ['letter.retrying', 'person'],
      ['letter.settled', 'source'],
    ]);
  });

  it('is on the list again when another try fails, with the number of tries', async () => {
    const letter = await corrupt();
    await redrive(letter.id);
    await place.until(async () => (await stateOf(letter.id)) === 'dead');
    expect(await letters()).toMatchObject([{ id: letter.id, attempts: 2, state: 'dead' }]);
  });

  it('counts at a later try, when an earlier one found no record in it', async () => {
    const letter = await corrupt();
    s3.put('logs', 'a.gz', 'no JSON at all\n');
    for (const attempts of [2, 3]) {
      await redrive(letter.id);
      await place.until(async () => (await letters())[0]?.attempts === attempts);
      expect(await letters()).toMatchObject([{ code: 'no-records', state: 'dead' }]);
      // What was committed without a record must not make the records of the next try a duplicate.
      expect(JSON.parse((await place.app.store.letter(letter.id))?.again ?? '')).toMatchObject({ anew: true });
    }
  });

  it('is for operators: others are refused, and it is journalled', async () => {
    const letter = await corrupt();
    expect(await redrive(letter.id, 'RITA')).toMatchObject({ status: 403 });
    expect((await place.call('POST', `/api/v1/dead-letters/${letter.id}/discard`, { as: 'CI', body: {} })).status).toBe(
      403,
    );
    expect((await place.call('GET', '/api/v1/dead-letters', { as: null })).status).toBe(401);
    expect(await stateOf(letter.id)).toBe('dead');
    const refused = (await place.journal()).flatMap(({ fact }) => (fact.kind === 'act.refused' ? [fact.act] : []));
    expect(refused).toEqual(['redrive', 'discard']);
  });

  it('is taken off the list by a press in the console', async () => {
    const letter = await corrupt('<b>.gz');
    const session = await openSession(place.app.url, 'token-of-alice');
    const get = async () => (await fetch(`${session.at}/sources`, { headers: { cookie: session.cookie } })).text();
    const page = await get();
    expect(page).toContain('s3://logs/&lt;b&gt;.gz');
    expect(articlesOf(page)).toEqual([]);
    const form = formOf(page, 'Discard');
    const sent = await fetch(`${session.at}/console/act`, {
      method: 'POST',
      body: form,
      headers: { origin: session.at, 'sec-fetch-site': 'same-origin', cookie: session.cookie },
    });
    expect(sent.status).toBe(200);
    expect(await stateOf(letter.id)).toBe('discarded');
    expect(await get()).not.toContain('Could not be read');
    expect((await redrive(letter.id)).status).toBe(409);
  });

  it('that is a message of nobody knows what cannot be read again', async () => {
    sqs.send('no JSON');
    const letter = await place.until(async () => (await letters())[0]);
    expect(letter).toMatchObject({ code: 'bad-message', canRedrive: false });
    expect((await redrive(letter.id)).status).toBe(409);
    expect((await redrive('ltr_0')).status).toBe(404);
  });

  it('does not make the node unready; a queue that refuses does, until it answers', async () => {
    await corrupt();
    const ready = async () => (await place.call('GET', '/readyz', { as: null })).body.parts['source logs'] ?? null;
    expect(await ready()).toBeNull();
    sqs.fail('ReceiveMessage', { status: 403, code: 'AccessDenied' }, 2);
    sqs.send(notificationOf(s3.put('logs', 'b.json', record)));
    await place.until(async () => (await ready())?.includes('the queue cannot be asked now: AccessDenied'));
    await place.until(async () => (await ready()) === null);
  });
});
