import type { TocsinError } from '../../../src/kernel/errors.ts';
import type { Post } from '../../../src/model/card.ts';
import { samplePost } from '../../contracts/samples.ts';
import { useLater } from '../../journey/setup.ts';
import { type Harness, type HarnessOptions, openHarness } from './harness.ts';

export const post = (over: Partial<Post> = {}): Post =>
  samplePost({ platform: 'discord', createdAt: Date.now(), ...over });
export const reply = (key: string, over: Partial<Post> = {}): Post =>
  post({ key, thread: 'alert/alt_1/1', order: 2, ...over });

/** The error that the work is rejected with; throws when it succeeds. */
export const failure = (work: Promise<unknown>): Promise<TocsinError> =>
  work.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: TocsinError) => error,
  );

/** Opens harnesses, and closes them after each test. `later` closes whatever else a test opens. */
export function useHarnesses() {
  const later = useLater();
  async function start(options: HarnessOptions = {}): Promise<Harness> {
    const harness = await openHarness(options);
    later(() => harness.close());
    return harness;
  }
  return { start, later };
}
