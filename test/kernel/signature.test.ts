import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { checkBasic, checkBearer, checkHmac, checkToken, sameText, secretList } from '../../src/kernel/signature.ts';

const sign = (key: string, text: string, encoding: 'hex' | 'base64' = 'hex') =>
  createHmac('sha256', key).update(text).digest(encoding);
const check = (signatures: string[], facts: Partial<Parameters<typeof checkHmac>[0]> = {}) =>
  checkHmac({ secrets: ['one', 'two'], parts: ['the ', Buffer.from('body')], signatures, encoding: 'hex', ...facts });

describe('HMAC', () => {
  test('any signature under any secret holds, in hex of either case and in base64', () => {
    expect(check([sign('one', 'the body')])).toBe(true);
    expect(check(['0'.repeat(64), sign('two', 'the body').toUpperCase()])).toBe(true);
    expect(check([sign('two', 'the body', 'base64')], { encoding: 'base64' })).toBe(true);
  });

  test.each([
    ['none', []],
    ['another secret', [sign('three', 'the body')]],
    ['another body', [sign('one', 'the bodY')]],
    ['a part of it', [sign('one', 'the body').slice(0, 62)]],
    ['more than it', [`${sign('one', 'the body')}00`]],
    ['not hex', ['z'.repeat(64)]],
    ['empty', ['']],
    ['base64 where hex is asked for', [sign('one', 'the body', 'base64')]],
  ])('%s does not', (_what, signatures) => {
    expect(check(signatures)).toBe(false);
  });

  test('base64 is taken as it is, with nothing before or after it', () => {
    const right = sign('two', 'the body', 'base64');
    for (const wrong of [
      ` ${right}`,
      `${right} `,
      `x${right}`,
      `${right}x`,
      `${right}\n`,
      right.slice(0, -1),
      `=${right}`,
    ])
      expect(check([wrong], { encoding: 'base64' }), wrong).toBe(false);
  });

  test('a signature of zeros is not one for a text that does not decode', () => {
    expect(check(['', 'x'])).toBe(false);
    expect(checkHmac({ secrets: [], parts: [], signatures: ['0'.repeat(64)], encoding: 'hex' })).toBe(false);
  });

  test('only the first sixteen are looked at', () => {
    const wrong = Array.from({ length: 16 }, () => 'f'.repeat(64));
    expect(check([...wrong.slice(1), sign('one', 'the body')])).toBe(true);
    expect(check([...wrong, sign('one', 'the body')])).toBe(false);
  });
});

describe('Authorization', () => {
  test('a bearer token, whatever the case of the scheme', () => {
    expect(checkBearer('Bearer abc', ['xyz', 'abc'])).toBe(true);
    expect(checkBearer('bearer  abc', ['abc'])).toBe(true);
  });

  test.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'abc',
    'Basic abc',
    'Bearer abcd',
    'Bearer ab',
    'Bearer ABC',
    'Bearer abc, abc',
  ])('%j is not the token', header => {
    expect(checkBearer(header, ['abc'])).toBe(false);
    expect(checkBearer(header, [])).toBe(false);
  });

  test('a token is not its own scheme', () => {
    expect(checkBearer('bearerX', ['bearerX'])).toBe(false);
    expect(checkBearer('bearer', ['bearer'])).toBe(false);
    expect(checkBearer(' bearerX', ['bearerX'])).toBe(false);
  });

  test('an empty header never equals a token, even an empty one', () => {
    expect(checkBearer('Bearer ', [''])).toBe(false);
    expect(checkBearer(undefined, [''])).toBe(false);
  });

  test('basic: user and password, with colons in it and in UTF-8', () => {
    const header = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
    const expected = { user: 'prom', passwords: ['pä:ss', 'next'] };
    expect(checkBasic(header('prom:pä:ss'), expected)).toBe(true);
    expect(checkBasic(header('prom:next'), expected)).toBe(true);
    for (const wrong of ['prom:', 'prom', 'Prom:next', 'prom:next:', ':next', '']) {
      expect(checkBasic(header(wrong), expected), wrong).toBe(false);
    }
    expect(checkBasic(`Bearer ${Buffer.from('prom:next').toString('base64')}`, expected)).toBe(false);
    expect(checkBasic(undefined, expected)).toBe(false);
  });
});

test('texts are compared whole', () => {
  expect(sameText('', '')).toBe(true);
  expect(sameText('a', 'a\0')).toBe(false);
});

test('a secret is a text or a list, never empty', () => {
  expect(secretList.parse('s')).toEqual(['s']);
  expect(secretList.parse(['s', 't'])).toEqual(['s', 't']);
  for (const wrong of ['', [], ['s', ''], 7, null]) expect(secretList.safeParse(wrong).success).toBe(false);
});

test('a secret says what it is, and what is wrong with an empty one', () => {
  expect(z.toJSONSchema(secretList, { io: 'input' }).description).toBe(
    'A secret, or a list of secrets that all hold while one replaces another.',
  );
  expect(secretList.safeParse('').error?.issues).toEqual([
    { code: 'custom', path: [], message: 'a secret must not be empty; is its environment variable set?' },
  ]);
});

test('a token is one of those that hold, whole and in its case; a missing or empty one is none', () => {
  expect(checkToken('abc', ['xyz', 'abc'])).toBe(true);
  for (const given of ['ab', 'abcd', 'ABC', ' abc', '', null])
    expect(checkToken(given, ['abc']), `${given}`).toBe(false);
  for (const given of ['', null]) expect(checkToken(given, ['']), `${given}`).toBe(false);
  expect(checkToken('abc', [])).toBe(false);
});
