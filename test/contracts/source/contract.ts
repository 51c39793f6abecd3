import { describe, expect, it } from 'vitest';
import type { Source } from '../../../src/ports/source.ts';
import { bodiesContract } from './bodies.ts';
import { closedDoorContract, doorContract } from './door.ts';
import { hostileContract } from './hostile.ts';
import { proofContract } from './proof.ts';
import { recordsContract } from './records.ts';
import { samplesOf } from './samples.ts';
import { sealedContract } from './sealed.ts';

/** What every source promises, tried with variants of its own examples. A source has it by standing on the shelf. */
export function sourceContract(source: Source): void {
  describe(`source ${source.id}`, () => {
    const samples = samplesOf(source);

    it('has examples, and some that are refused', () => {
      expect(source.examples.length).toBeGreaterThan(0);
      expect(source.examples.some(example => 'refused' in example.expect)).toBe(true);
    });

    if (source.start !== undefined && source.prove === undefined) {
      const [example] = source.examples;
      const options = source.options.parse(example?.options);
      const facts = { title: example?.title ?? '', given: example?.options, headers: {}, body: Buffer.from('{}') };
      closedDoorContract({ source, options, ...facts });
      return;
    }

    if (source.records !== undefined) {
      recordsContract(source);
      return;
    }

    it('has an example that is taken, and makes the proof of its sender', () => {
      expect(samples.length).toBeGreaterThan(0);
      expect(source.prove).toBeTypeOf('function');
    });

    describe('its proof', () => proofContract(samples));
    const sealed = source.examples.filter(({ key, expect }) => key !== undefined && 'events' in expect);
    if (source.keyAt !== undefined || sealed.length > 0) {
      it('has an example that is signed with a key pair', () => expect(sealed.length).toBeGreaterThan(0));
      describe('its signature', () => sealedContract(source, sealed));
    }
    describe('its bodies', () => bodiesContract(samples));
    describe('with a hostile member', () => hostileContract(source));
    describe('at the door', () => doorContract(samples));
  });
}
