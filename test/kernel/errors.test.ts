import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { catalogue } from '../../src/kernel/catalogue.ts';
import { createEgress } from '../../src/kernel/egress/egress.ts';
import { type ErrorCode, explainError, isCode, messageOf, TocsinError } from '../../src/kernel/errors.ts';
import { requestOrigin } from '../../src/kernel/origin-request.ts';

const root = resolve(import.meta.dirname, '../..');
const codes = Object.keys(catalogue) as ErrorCode[];

describe('an error', () => {
  test('says what, where, what was allowed, what was given and what to do', () => {
    const error = new TocsinError('params-invalid', {
      message: 'No.',
      at: 'host',
      allowed: ['a', 'b'],
      given: 'c',
      cause: 'why',
    });
    expect(explainError(error).split('\n')).toEqual([
      'params-invalid: No.',
      '  at      host',
      '  allowed a, b',
      '  given   c',
      '  do      Give each parameter a value that is allowed.',
    ]);
    expect(error.cause).toBe('why');
  });

  test('takes what is not said from the catalogue', () => {
    const error = new TocsinError('store-locked');
    expect([error.message, error.remedy, error.status]).toEqual([
      catalogue['store-locked'].message,
      catalogue['store-locked'].remedy,
      catalogue['store-locked'].status,
    ]);
    expect(error).not.toHaveProperty('cause');
  });

  test('as an answer has no stack and no cause', () => {
    const error = new TocsinError('bad-body', { at: 'line 1', cause: new Error('secret') });
    const { message, remedy } = catalogue['bad-body'];
    expect(JSON.parse(JSON.stringify(error))).toEqual({ code: 'bad-body', message, at: 'line 1', remedy });
  });

  test('is matched by its code alone', () => {
    expect(isCode(new TocsinError('conflict'), 'conflict')).toBe(true);
    expect(isCode(new TocsinError('conflict'), 'forbidden')).toBe(false);
    expect(isCode(Object.assign(new Error('x'), { code: 'conflict' }), 'conflict')).toBe(false);
    expect(isCode(null, 'conflict')).toBe(false);
  });

  test('anything thrown has a text', () => {
    expect([messageOf(new Error('a')), messageOf('b'), messageOf(null), explainError(new Error('c'))]).toEqual([
      'a',
      'b',
      'null',
      'c',
    ]);
  });
});

test('a token that fits into no header is not repeated', async () => {
  for (const request of [fetch, createEgress({ allow: ['127.0.0.1:1'], private: ['127.0.0.1:1'] }).fetch]) {
    const init = { headers: { authorization: 'Bearer first half\nsecond half' } };
    const failed = requestOrigin('http://127.0.0.1:1/', init, {
      name: 'It',
      fetch: request,
      refusedKey: { because: '', remedy: '' },
    });
    await expect(failed).rejects.toMatchObject({
      code: 'origin-down',
      message: 'It cannot be reached: a header cannot be sent: its value is not one line of text',
    });
  }
});

describe('the catalogue', () => {
  test.each(codes)('%s can be thrown, is a sentence and says what to do', code => {
    const error = new TocsinError(code);
    expect([error.code, error.name]).toEqual([code, 'TocsinError']);
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(error.message).toMatch(/^[A-Z].*\.$/s);
    expect(error.remedy).toMatch(/^[A-Z/].*\.$/s);
    expect(error.status).toBeGreaterThanOrEqual(400);
    expect(error.status).toBeLessThan(600);
  });

  test('has no overload that is told as 429 or 500, because senders give up on these', () => {
    for (const code of ['overloaded', 'draining', 'store-failed'] as const) expect(catalogue[code].status).toBe(503);
  });

  test('has nothing that the house never says', () => {
    const said = new Set<string>();
    for (const file of readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })) {
      if (!file.name.endsWith('.ts') || file.name === 'catalogue.ts') continue;
      const text = readFileSync(join(file.parentPath, file.name), 'utf8');
      for (const [, word = ''] of text.matchAll(/['"]([a-z][a-z-]+)['"]/g)) said.add(word);
    }
    expect(codes.filter(code => !said.has(code))).toEqual([]);
  });
});
