import { afterEach, describe, expect, it } from 'vitest';
import { leftText } from '../../../src/model/card.ts';
import { sampleApproval } from '../../contracts/samples.ts';
import { createHarness, type Harness, slackLike } from './harness.ts';

let harness: Harness;
afterEach(() => harness.close());

/** An open question for 30 minutes, with a copy in a second channel, that the platform shows. */
async function ask(capabilities = slackLike) {
  harness = await createHarness({ capabilities, step: 1000 });
  const expiresAt = harness.clock.now() + 30 * 60_000;
  await harness.commit({ table: 'approval', doc: sampleApproval({ id: 'apv_1', expiresAt }) });
  const card = {
    tone: 'ask' as const,
    title: 'HIGH · reboot · db-1',
    badge: null,
    blocks: [],
    buttons: [],
    mention: [],
  };
  await harness.put(
    { key: 'alert/a/1', channel: '#one', copies: ['#two'] },
    { key: 'alert/a/1 @#two', channel: '#two' },
    { key: 'approval/apv_1', thread: 'alert/a/1', channel: '#one', card, over: false },
    { key: 'approval/apv_1 @#two', thread: 'alert/a/1 @#two', channel: '#two', card, over: false },
  );
  await harness.settle();
  harness.chat.seen.length = 0;
}

const edits = () => harness.chat.seen.filter(seen => seen.what === 'edit').map(seen => seen.key);

describe('the time that is left', () => {
  it('is told anew every five minutes and no oftener, in each channel, until the question is closed', async () => {
    await ask();
    await harness.pass(11 * 60_000);
    expect(edits().filter(key => key === 'approval/apv_1')).toHaveLength(2);
    expect(edits().filter(key => key === 'approval/apv_1 @#two')).toHaveLength(2);
    expect(edits()).toHaveLength(4);
    const now = harness.clock.now();
    await harness.commit({ table: 'approval', doc: sampleApproval({ id: 'apv_1', state: 'denied', closedAt: now }) });
    harness.chat.seen.length = 0;
    await harness.pass(11 * 60_000);
    expect(edits()).toEqual([]);
  });

  it('is left to a platform that counts by itself', async () => {
    await ask({ ...slackLike, countsDown: true });
    await harness.pass(11 * 60_000);
    expect(edits()).toEqual([]);
  });
});

describe('the words', () => {
  it.each([
    [29.5, '29 min left'],
    [60, '1 h left'],
    [125, '2 h 5 min left'],
    [60 * 24 * 3, '3 days left'],
    [0.5, 'less than a minute left'],
    [0, 'no time left'],
    [-5, 'no time left'],
  ])('of %d minutes are %j', (minutes, text) => {
    expect(leftText(minutes * 60_000, 0)).toBe(text);
  });
});
