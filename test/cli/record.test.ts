import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readRecorded } from '../../src/cli/recorded-file.ts';
import { basicConfig, startTestApp, type TestApp, tokens } from '../doubles/app.ts';
import { type SnsDouble, startSnsDouble, topic } from '../doubles/sns.ts';
import { type CliResult, cli } from './terminal.ts';

const secret = 'a secret of the sender 4711';
const sources = {
  alertmanager: { token: 'alert-secret-0815' },
  github: { secret },
  sns: { topics: [topic] },
  form: {
    type: 'webhook',
    format: 'form',
    auth: { hmac: { header: 'x-sig', secret } },
    map: { title: 'body.name', fingerprint: 'body.name', state: 'body.state', labels: { note: 'body.note' } },
  },
};
const config = basicConfig.replace(/sources:\n.*\n/, `sources: ${JSON.stringify(sources)}\n`);

let sns: SnsDouble;
let here: TestApp;
let there: TestApp;
let folder: string;
beforeEach(async () => {
  sns = await startSnsDouble(Date.now);
  folder = await mkdtemp(join(tmpdir(), 'tocsin-record-'));
  const files = { 'tocsin.yaml': config };
  here = await startTestApp(files, { fetchPublic: sns.fetch });
  there = await startTestApp(files, { fetchPublic: sns.fetch });
});
afterEach(async () => {
  await here.stop();
  await there.stop();
  await sns.close();
  await rm(folder, { recursive: true, force: true });
});

const payload = (path: string) => readFileSync(new URL(`../fixtures/payloads/${path}`, import.meta.url), 'utf8');
const hmac = (body: string | Buffer) => createHmac('sha256', secret).update(body).digest('hex');

/** Starts `tocsin record`, delivers once it waits, and resolves to what it said and its files. */
async function recordWhile(
  words: string[],
  deliver: () => Promise<unknown>,
  as: keyof typeof tokens = 'ALICE',
): Promise<CliResult & { files: string[] }> {
  let waits: () => void = () => {};
  const waiting = new Promise<void>(resolve => {
    waits = resolve;
  });
  const env = { TOCSIN_URL: here.app.url, TOCSIN_TOKEN: tokens[as] };
  const ended = cli(['record', ...words, '--out', folder], { env, cwd: folder, onErr: waits });
  await waiting;
  await deliver();
  const result = await ended;
  return { ...result, files: (await readdir(folder)).sort().map(name => join(folder, name)) };
}

async function post(source: string, body: string | Buffer, headers: Record<string, string>): Promise<number> {
  const answer = await fetch(`${here.app.url}/events/${source}`, {
    method: 'POST',
    headers: { 'x-forwarded-for': '192.0.2.1', cookie: 'session=abc', ...headers },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  });
  return answer.status;
}

/** The events of a place, without what is different each time. */
async function eventsOf(place: TestApp) {
  return (await place.journal()).flatMap(({ fact }) => {
    if (fact.kind !== 'event.accepted') return [];
    const { startsAt: _start, occurredAt: _at, ...body } = fact.event.body as unknown as Record<string, unknown>;
    return [{ effect: fact.effect, source: fact.event.source, trusted: fact.event.trusted, body }];
  });
}

const issue = payload('github/workflow_run.completed.failure.json');
/** A token in the payload that no configuration knows, and the secret of the source itself, where a number was. */
const leaky = issue.replace('{', `{"note_token": "ghp_${'a'.repeat(36)}", "has_token": true, "oops": "${secret}",`);
const formBody = `name=disk+full&state=firing&note=a%20b&password=hunter2hunter2&secret=${encodeURIComponent(secret)}`;
const formType = 'application/x-www-form-urlencoded';

const deliveries: [string, () => { body: string; headers: Record<string, string> }, string[]][] = [
  [
    'github',
    () => ({
      body: leaky,
      headers: {
        'content-type': 'application/json',
        'x-github-event': 'workflow_run',
        'x-github-delivery': 'd-1',
        'x-hub-signature-256': `sha256=${hmac(leaky)}`,
      },
    }),
    [secret, 'ghp_', 'sha256='],
  ],
  [
    'alertmanager',
    () => ({
      body: payload('alertmanager/firing.json'),
      headers: { 'content-type': 'application/json', authorization: 'Bearer alert-secret-0815' },
    }),
    ['alert-secret'],
  ],
  [
    'sns',
    () => ({
      body: sns.message({ Message: 'the disk is full', Subject: 'disk' }),
      headers: { 'content-type': 'text/plain; charset=UTF-8', 'x-amz-sns-message-type': 'Notification' },
    }),
    [],
  ],
  [
    'form',
    () => ({ body: formBody, headers: { 'content-type': formType, 'x-sig': hmac(formBody) } }),
    ['hunter2', '4711', hmac(formBody)],
  ],
];

describe('tocsin record', () => {
  it.each(deliveries)(
    'a delivery of %s, and the file makes the same events elsewhere',
    async (source, make, hidden) => {
      const { body, headers } = make();
      const made = await recordWhile([source], async () => expect(await post(source, body, headers)).toBe(202));
      expect(made.code, made.err).toBe(0);
      expect(made.files).toHaveLength(1);
      const [file = ''] = made.files;
      const bytes = await readFile(file);
      for (const text of [...hidden, 'session=abc', '192.0.2.1']) expect(bytes.toString()).not.toContain(text);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      expect(made.out).toContain('accepted; taken out: header cookie');
      if (hidden.length === 0) expect(readRecorded(bytes)?.body.toString()).toBe(body);
      const env = { TOCSIN_URL: there.app.url };
      const sent = await cli(['send', source, file, '--sign'], { env, cwd: there.folder });
      expect(sent.code, sent.err).toBe(0);
      const [first, second] = [await eventsOf(here), await eventsOf(there)];
      expect(first.length).toBeGreaterThan(0);
      expect(second).toEqual(first);
      expect(first[0]?.trusted).toBe(true);
      // Nothing is left of it at the server.
      expect(await here.app.store.recordings()).toEqual([]);
    },
  );

  it('leaves all other bytes as they are, also after a value that is no text', async () => {
    const { body, headers } = (deliveries[0] as (typeof deliveries)[number])[1]();
    const made = await recordWhile(['github'], () => post('github', body, headers));
    const found = readRecorded(await readFile(made.files[0] ?? ''))?.body.toString() ?? '';
    const masked = body
      .replace(/ghp_a+/, '[redacted]')
      .replace('"has_token": true', '"has_token": "[redacted]"')
      .replace(secret, '[redacted]');
    expect(found).toBe(masked);
    expect(made.out).toContain('3 values in the body');
  });

  it('unpacks a compressed body, into which nobody could look', async () => {
    const packed = gzipSync(formBody);
    const headers = { 'content-type': formType, 'content-encoding': 'gzip', 'x-sig': hmac(packed) };
    const made = await recordWhile(['form'], async () => expect(await post('form', packed, headers)).toBe(202));
    const file = readRecorded(await readFile(made.files[0] ?? ''));
    expect(file?.headers['content-encoding']).toBeUndefined();
    expect(file?.body.toString()).toBe(
      formBody.replace('hunter2hunter2', '[redacted]').replace(encodeURIComponent(secret), '[redacted]'),
    );
  });

  it('takes what a stranger sends only when it is asked to', async () => {
    const wrong = { 'content-type': formType, 'x-sig': 'nonsense' };
    const right = { 'content-type': formType, 'x-sig': hmac(formBody) };
    const made = await recordWhile(['form'], async () => {
      expect(await post('form', 'name=stranger', wrong)).toBe(401);
      expect(await post('form', formBody, right)).toBe(202);
    });
    expect(made.files).toHaveLength(1);
    expect(await readFile(made.files[0] ?? '', 'utf8')).not.toContain('stranger');
    const asked = await recordWhile(['form', '--unproven'], () => post('form', 'name=stranger', wrong));
    expect(asked.out).toContain('bad-signature; taken out');
    expect(asked.files).toHaveLength(2);
  });

  it('counts, and ends by itself with an empty hand', async () => {
    const many = await recordWhile(['form', '--count', '2'], async () => {
      for (const name of ['a', 'b', 'c']) {
        const body = `name=${name}&state=firing&note=x`;
        expect(await post('form', body, { 'content-type': formType, 'x-sig': hmac(body) })).toBe(202);
      }
    });
    expect(many.code).toBe(0);
    expect(many.files).toHaveLength(2);
    const none = await recordWhile(['github', '--for', '1s'], async () => {});
    expect(none).toMatchObject({ code: 1, err: expect.stringContaining('Nothing came') });
    const entries = (await here.journal()).filter(entry => entry.fact.kind.startsWith('source.recording'));
    expect(entries.map(entry => [entry.fact.kind, entry.actor])).toMatchObject(
      ['source.recording', 'source.recording-ended', 'source.recording', 'source.recording-ended'].map(kind => [
        kind,
        { kind: 'person', id: 'alice' },
      ]),
    );
  });

  it('ends with Ctrl-C, and then nothing more is kept', async () => {
    const abort = new AbortController();
    const env = { TOCSIN_URL: here.app.url, TOCSIN_TOKEN: tokens['ALICE'] };
    const options = { env, cwd: folder, signal: abort.signal, onErr: () => abort.abort() };
    expect((await cli(['record', 'github'], options)).code).toBe(130);
    expect(await here.app.store.recordings()).toEqual([]);
    const wrong = await cli(['record', 'github', '--count', '21'], { env, cwd: folder });
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('1 to 20') });
    const long = await cli(['record', 'github', '--for', '2h'], { env, cwd: folder });
    expect(long).toMatchObject({ code: 1, err: expect.stringContaining('from 1s to 1h') });
  });

  it('is for operators, and what was recorded for who asked', async () => {
    const refused = await cli(['record', 'github'], {
      env: { TOCSIN_URL: here.app.url, TOCSIN_TOKEN: tokens['RITA'] },
      cwd: folder,
    });
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('operators') });
    const begun = await here.call('POST', '/api/v1/sources/github/recordings', { body: {} });
    expect(begun.status).toBe(201);
    expect((await here.call('GET', `/api/v1/recordings/${begun.body.id}`)).status).toBe(200);
    const other = await here.call('GET', `/api/v1/recordings/${begun.body.id}`, { as: 'BOB' });
    expect(other).toMatchObject({ status: 403, body: { error: { code: 'forbidden' } } });
    const service = await here.call('POST', '/api/v1/sources/github/recordings', { as: 'CI', body: {} });
    expect(service.status).toBe(403);
    for (let more = 0; more < 4; more++)
      expect((await here.call('POST', '/api/v1/sources/github/recordings', { body: {} })).status).toBe(201);
    const full = await here.call('POST', '/api/v1/sources/github/recordings', { body: {} });
    expect(full).toMatchObject({ status: 409, body: { error: { code: 'conflict' } } });
    expect((await here.call('POST', '/api/v1/sources/nobody/recordings', { body: {} })).status).toBe(404);
  });
});
