import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createSeals } from '../../../src/flow/people/seal.ts';

const hash = 'a'.repeat(64);
const seals = createSeals('key');
const seal = seals.seal('apv_1', hash);

describe('a seal', () => {
  it('is the HMAC-SHA256 of the approval and the plan under the key, as hex', () => {
    expect(seal).toBe(createHmac('sha256', 'key').update(`apv_1\n${hash}`).digest('hex'));
    expect(seals.holds(seal, 'apv_1', hash)).toBe(true);
    expect(createSeals('key').holds(seal, 'apv_1', hash)).toBe(true);
  });

  it.each([
    ['of another approval', seals.seal('apv_2', hash)],
    ['of another plan', seals.seal('apv_1', 'b'.repeat(64))],
    ['of another key', createSeals('kez').seal('apv_1', hash)],
    ['of the same letters elsewhere divided', seals.seal('apv_1\na', 'a'.repeat(63))],
    ['that is empty', ''],
    ['that is short', seal.slice(0, 63)],
    ['that is half', seal.slice(0, 32)],
    ['that is long', `${seal}0`],
    ['twice', seal + seal],
    ['with a line end', `${seal}\n`],
    ['in other letters', seal.toUpperCase()],
    ['of as many letters, some of which take two bytes', `é${seal.slice(1)}`],
    ['of as many bytes, some of whose letters take two', `é${seal.slice(2)}`],
    ['of full-width digits', '０'.repeat(64)],
    ['of half a character', `\ud800${seal.slice(1)}`],
    ['with a zero byte', `${seal.slice(0, 63)}\0`],
  ])('%s does not hold, and does no harm', (_, given) => {
    expect(seals.holds(given, 'apv_1', hash)).toBe(false);
  });

  it('differs in every letter that somebody changes', () => {
    for (let at = 0; at < seal.length; at++) {
      const other = seal[at] === '0' ? '1' : '0';
      expect(seals.holds(seal.slice(0, at) + other + seal.slice(at + 1), 'apv_1', hash), `${at}`).toBe(false);
    }
  });
});
