import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import source from '../../../src/sources/github/index.ts';
import { delivery, payload, refusal, take, vectors, verifyVector } from '../helpers.ts';
import { about, run } from './bodies.ts';

const given = (options: object = { secret: 's3cret' }) => source.options.parse(options);
const sign = (body: string | Buffer, secret = 's3cret', algorithm = 'sha256') =>
  createHmac(algorithm, secret).update(body).digest('hex');
const by = (body: string, headers: Record<string, string>, options?: object) =>
  source.verify(delivery(body, headers), given(options));

describe('the signature', () => {
  test.each(vectors('github').map(one => [one.why ?? one.file ?? 'a body', one] as const))('%s', (_why, vector) => {
    expect(verifyVector(source, { secret: vector.secret }, vector)).toBe(vector.expect === 'accept');
  });

  test('of SHA-1 proves nothing, neither alone nor beside a wrong one', () => {
    const old = { 'X-Hub-Signature': `sha1=${sign('{}', 's3cret', 'sha1')}` };
    expect(by('{}', old).ok).toBe(false);
    expect(by('{}', { ...old, 'X-Hub-Signature-256': `sha256=${sign('{}', 'other')}` }).ok).toBe(false);
    expect(source.verifyHeaders?.(delivery('{}', old).headers, given())?.ok).toBe(false);
  });

  test.each([
    ['without its prefix', (hex: string) => hex],
    ['with another prefix', (hex: string) => `sha1=${hex}`],
    ['with another prefix of the same length', (hex: string) => `sha512=${hex}`],
    ['that is cut', (hex: string) => `sha256=${hex.slice(0, 62)}`],
    ['of something else', () => `sha256=${sign('{ }')}`],
    ['twice', (hex: string) => `sha256=${hex}, sha256=${hex}`],
  ])('%s proves nothing', (_what, header) => {
    expect(by('{}', { 'X-Hub-Signature-256': header(sign('{}')) }).ok).toBe(false);
  });

  test('is taken with each of several secrets, and with none by nobody', () => {
    const headers = { 'X-Hub-Signature-256': `sha256=${sign('{}')}` };
    expect(by('{}', headers, { secret: ['next', 's3cret'] })).toEqual({ ok: true, by: 'hmac' });
    expect(by('{}', headers, { secret: ['next', 'other'] }).ok).toBe(false);
    expect(by('{}', headers, {})).toEqual({ ok: true, by: 'none' });
  });

  test('of a form covers the form', () => {
    const body = `payload=${encodeURIComponent('{"zen":"Ü + ü & more","hook_id":1}')}`;
    expect(by(body, { 'X-Hub-Signature-256': `sha256=${sign(body)}` })).toEqual({ ok: true, by: 'hmac' });
    expect(take(source, delivery(body, { 'X-GitHub-Event': 'ping' }), {}).events).toMatchObject([{ type: 'ping' }]);
  });
});

describe('a form', () => {
  const read = (body: string) => take(source, delivery(body, { 'X-GitHub-Event': 'ping' }), {});
  test.each([
    ['another field', 'payload=%7B%7D&payload=%7B%22a%22%3A1%7D'],
    ['bytes that are no UTF-8', 'payload=%ff%fe'],
    ['a broken escape', 'payload=%7B%'],
    ['no JSON', 'payload=hello'],
    ['a key twice', `payload=${encodeURIComponent('{"a":1,"a":2}')}`],
  ])('with %s is refused', (_what, body) => {
    expect(refusal(() => read(body))).toMatchObject({ code: 'bad-body' });
  });

  test('has the same limits as JSON', () => {
    const deep = '['.repeat(40) + ']'.repeat(40);
    expect(refusal(() => read(`payload=${encodeURIComponent(deep)}`)).message).toContain('limit');
    expect(refusal(() => read(deep)).message).toContain('limit');
  });
});

describe('what makes a repetition', () => {
  const idOf = (body: object, guid: string, event = 'workflow_run') => {
    const headers = { 'X-GitHub-Event': event, 'X-GitHub-Delivery': guid };
    return take(source, delivery(JSON.stringify({ ...about, ...body }), headers), {}).deliveryId;
  };

  test('is the signed bytes, whatever the headers say', () => {
    const failed = run('10:00', '10:05', 'failure');
    expect(idOf(failed, 'one')).toBe(idOf(failed, 'another', 'push'));
    expect(idOf(failed, 'one')).not.toBe(idOf(run('10:00', '10:06', 'failure'), 'one'));
  });

  test('is the delivery too, for what may happen twice with the same bytes', () => {
    const added = { action: 'added', member: { login: 'eve' } };
    expect(idOf(added, 'one', 'member')).toBe(idOf(added, 'one', 'member'));
    expect(idOf(added, 'one', 'member')).not.toBe(idOf(added, 'another', 'member'));
    const of = (guid: string) => idOf({ action: 'privatized' }, guid, 'repository');
    expect(of('one')).toBe(of('one'));
    expect(of('one')).not.toBe(of('another'));
  });
});

test('a body of many commits and long texts is read', () => {
  const commits = Array.from({ length: 900 }, (_, index) => ({
    id: String(index),
    message: 'x',
    ...Object.fromEntries(Array.from({ length: 20 }, (_, key) => [`key_${key}`, key])),
  }));
  const body = JSON.stringify({ ...about, ref: 'refs/heads/main', commits, text: 'y'.repeat(100_000) });
  const { events } = take(source, delivery(body, { 'X-GitHub-Event': 'push' }), {});
  expect(events).toMatchObject([{ type: 'push', labels: { commits: '900' } }, { kind: 'change' }]);
});

test('the name of the event is not signed: a body that does not fit it makes no alert', () => {
  const files = [
    'deployment_status.failure',
    'workflow_run.completed.failure',
    'dependabot_alert.created',
    'deployment.created',
  ];
  const names = [
    'deployment_status',
    'workflow_run',
    'dependabot_alert',
    'check_suite',
    'code_scanning_alert',
    'secret_scanning_alert',
  ];
  for (const file of files)
    for (const name of names.filter(one => !file.startsWith(`${one}.`))) {
      const { events } = take(source, delivery(payload(`github/${file}.json`), { 'X-GitHub-Event': name }), {});
      expect(events, `${file} as ${name}`).toMatchObject([
        { kind: 'notice', labels: { tocsin_note: expect.any(String) } },
      ]);
    }
  const { events } = take(source, delivery(payload('github/ping.json'), { 'X-GitHub-Event': 'No such <name>' }), {});
  expect(events).toMatchObject([{ kind: 'notice', type: 'unknown' }]);
});
