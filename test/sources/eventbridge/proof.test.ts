import { describe, expect, test } from 'vitest';
import source from '../../../src/sources/eventbridge/index.ts';
import { delivery, payload, refusal, take } from '../helpers.ts';

const body = payload('aws-eventbridge/cloudwatch-alarm-state-change-alarm.json');
const by = (headers: Record<string, string>, options: object) => {
  const parsed = source.options.parse(options);
  const verified = source.verify(delivery(body, headers), parsed);
  expect(source.verifyHeaders?.(delivery(body, headers).headers, parsed)).toEqual(verified);
  return verified.ok ? verified.by : null;
};
const basic = { user: 'aws', password: 'secret' };
const asUser = `Basic ${Buffer.from('aws:secret').toString('base64')}`;

describe('the secret of the connection', () => {
  test('is an API key in the header that the connection names', () => {
    const apiKey = { value: ['one', 'two'] };
    expect(by({ 'X-Api-Key': 'two' }, { apiKey })).toBe('header');
    for (const value of ['', 'three', 'tw', 'one,two', 'one two'])
      expect(by({ 'X-Api-Key': value }, { apiKey })).toBeNull();
    expect(by({}, { apiKey })).toBeNull();
    expect(by({ 'X-Tocsin': 'one' }, { apiKey: { name: 'X-Tocsin', value: 'one' } })).toBe('header');
    expect(by({ 'X-Api-Key': 'one' }, { apiKey: { name: 'X-Tocsin', value: 'one' } })).toBeNull();
  });

  test('is a user and password, or a token', () => {
    expect(by({ Authorization: asUser }, { basic })).toBe('basic');
    expect(by({ Authorization: 'Bearer secret' }, { token: 'secret' })).toBe('bearer');
    expect(by({ Authorization: 'Bearer other' }, { token: 'secret', basic })).toBeNull();
  });

  test('is any of those that are configured, and another header does not make up for it', () => {
    const all = { apiKey: { value: 'one' }, basic };
    expect(by({ 'X-Api-Key': 'one' }, all)).toBe('header');
    expect(by({ Authorization: asUser }, all)).toBe('basic');
    expect(by({ Authorization: 'Bearer one' }, all)).toBeNull();
    expect(by({ Authorization: asUser }, { apiKey: { value: 'one' } })).toBeNull();
  });

  test('proves nothing when there is none, which is warned of', () => {
    expect(by({}, {})).toBe('none');
    const warned = (given: object) => source.warnings?.(source.options.parse(given));
    expect(warned({})).toMatchObject([{ at: [], what: expect.stringContaining('nothing runs by itself') }]);
    expect(warned({ token: 'x' })).toEqual([]);
  });
});

describe('the body', () => {
  test('has the id by which a second try is known', () => {
    expect(take(source, delivery(body), {}).deliveryId).toBe('c4c1c1c9-6542-e61b-6ef0-8c4d36933a92');
  });

  test.each([
    ['{"text":"changed by a transformer"}', 'id'],
    ['{"id":"1","detail-type":"x","source":"y"}', 'detail'],
    ['{"id":"1","detail-type":"x","source":"y","detail":[]}', 'detail'],
    ['{"id":1,"detail-type":"x","source":"y","detail":{}}', 'id'],
    ['"text"', 'the document'],
  ])('%s is refused at %s', (text, at) => {
    expect(refusal(() => take(source, delivery(text), {}))).toMatchObject({ code: 'bad-body', at });
  });
});
