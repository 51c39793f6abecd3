import { describe, expect, test } from 'vitest';
import { counted, createProgress } from '../../src/cli/progress.ts';

function watch(interactive: boolean) {
  const told: string[] = [];
  return { told, terminal: { interactive, status: (text: string) => void told.push(text) } };
}

describe('how far long work is', () => {
  test('is told at a terminal, at most four times a second, with the share where it is known, and cleared', () => {
    const { told, terminal } = watch(true);
    let now = 0;
    const progress = createProgress(terminal, 'journal', { total: 20_000, unit: 'rows' }, () => now);
    for (let done = 1000; done <= 20_000; done += 1000) {
      now += 100;
      progress.at(done);
    }
    progress.done();
    expect(told).toHaveLength(7);
    expect(told[0]).toBe('journal: 3,000 of 20,000 rows, 15 %');
    expect(told.at(-1)).toBe('');
  });

  test('tells of bytes the share alone, and of what has no end the number', () => {
    const { told, terminal } = watch(true);
    let now = 0;
    createProgress(terminal, 'Verifying', { total: 200, unit: 'bytes' }, () => (now += 1000)).at(150);
    createProgress(terminal, 'Replaying', { total: null, unit: 'entries' }, () => (now += 1000)).at(1234);
    expect(told).toEqual(['Verifying: 75 %', 'Replaying: 1,234 entries']);
  });

  test('is not told in a pipe, nor for work that is over at once', async () => {
    const pipe = watch(false);
    let now = 0;
    createProgress(pipe.terminal, 'journal', { total: 2, unit: 'rows' }, () => (now += 1000)).at(1);
    expect(pipe.told).toEqual([]);
    const quick = watch(true);
    async function* lines() {
      yield { seq: 1 };
    }
    for await (const line of counted(lines(), quick.terminal, 'Verifying')) expect(line.seq).toBe(1);
    expect(quick.told).toEqual([]);
  });
});
