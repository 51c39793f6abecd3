import { describe, expect, it } from 'vitest';
import { inTurn, type Part, partsOf } from '../../../src/flow/pipeline/parts.ts';
import source from '../../../src/sources/alertmanager/index.ts';
import { delivery } from '../../sources/helpers.ts';

const alert = (n: number) => ({
  status: 'firing',
  labels: { alertname: 'A', n: String(n) },
  annotations: { description: 'x'.repeat(400) },
  startsAt: '2026-11-20T09:14:07Z',
  fingerprint: `f${n}`,
});
const group = (count: number) => JSON.stringify({ alerts: Array.from({ length: count }, (_, n) => alert(n)) });

/** Cuts a delivery, and records what happens in which order. */
async function cut(count: number) {
  const happened: string[] = [];
  const pause = async () => void happened.push('pause');
  const made = await partsOf(source, delivery(group(count)), source.options.parse({}), pause);
  return { happened, pause, made };
}

describe('a delivery in parts', () => {
  it('of up to 64 alerts is one: the body as it came', async () => {
    const { made } = await cut(64);
    expect(made).toHaveLength(1);
    const part = made[0]?.();
    expect(part?.delivery.body.toString()).toBe(group(64));
    expect(part?.delivery.part).toBeUndefined();
    expect(part?.normalised.events).toHaveLength(64);
  });

  it('has a pause before each part, and each part is made while the one before it is committed', async () => {
    const { happened, pause, made } = await cut(200);
    expect(happened).toEqual(['pause', 'pause', 'pause', 'pause', 'pause']);
    happened.length = 0;
    const named = made.map((make, index) => () => {
      happened.push(`make ${index}`);
      return make();
    });
    const take = async (part: Part) => {
      happened.push(`begin ${part.delivery.part?.first}`);
      await Promise.resolve();
      happened.push(`end ${part.delivery.part?.first}`);
      return part.normalised.events;
    };
    expect(await inTurn(named, take, pause)).toHaveLength(200);
    const begun = happened.filter(one => !one.startsWith('end'));
    expect(begun).toEqual([0, 1, 2, 3].flatMap(n => ['pause', `make ${n}`, `begin ${n * 64}`]));
    for (const n of [64, 128, 192])
      expect(happened.indexOf(`end ${n - 64}`)).toBeLessThan(happened.indexOf(`begin ${n}`));
  });

  it('begins no part after one that failed', async () => {
    const { made, pause } = await cut(300);
    const begun: number[] = [];
    const take = async (part: Part) => {
      begun.push(part.delivery.part?.first ?? -1);
      if (begun.length === 3) throw new Error('the disk is full');
      return [];
    };
    await expect(inTurn(made, take, pause)).rejects.toThrow('the disk is full');
    expect(begun).toEqual([0, 64, 128]);
  });
});
