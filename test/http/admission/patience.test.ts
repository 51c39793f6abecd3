import { describe, expect, it } from 'vitest';
import { createPatience } from '../../../src/http/admission/patience.ts';
import { createClock } from '../../doubles/clock.ts';

const never = () => new Promise<string>(() => {});

describe('patience', () => {
  it('gives what the work gives, and null for what takes longer', async () => {
    const clock = createClock();
    const patience = createPatience(clock, 3000);
    await expect(patience.within(Promise.resolve('done'))).resolves.toBe('done');
    await expect(patience.within(Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    const late = patience.within(never());
    await clock.advance(3000);
    await expect(late).resolves.toBeNull();
  });

  it('counts the time of each from its own beginning, with one timer for all', async () => {
    const clock = createClock();
    const patience = createPatience(clock, 3000);
    const ended: string[] = [];
    const begin = (name: string) => void patience.within(never()).then(() => ended.push(name));
    begin('first');
    await clock.advance(1000);
    begin('second');
    for (let number = 0; number < 1000; number++) await patience.within(Promise.resolve(number));
    expect(clock.sleepers()).toBe(1);
    await clock.advance(2000);
    expect(ended).toEqual(['first']);
    await clock.advance(1000);
    expect(ended).toEqual(['first', 'second']);
    expect(clock.sleepers()).toBe(0);
  });

  it('leaves work alone that fails after its time', async () => {
    const clock = createClock();
    const patience = createPatience(clock, 3000);
    const { promise, reject } = Promise.withResolvers<string>();
    const late = patience.within(promise);
    await clock.advance(3000);
    reject(new Error('too late'));
    await expect(late).resolves.toBeNull();
  });

  it('keeps no timer once it is stopped', async () => {
    const clock = createClock();
    const patience = createPatience(clock, 3000);
    void patience.within(never());
    expect(clock.sleepers()).toBe(1);
    patience.stop();
    expect(clock.sleepers()).toBe(0);
  });
});
