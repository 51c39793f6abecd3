import { expect, it } from 'vitest';
import { createFeed } from '../../../src/flow/journal/feed.ts';
import { createOnceLogger } from '../../../src/flow/journal/log-once.ts';
import { type RecoverParts, startSweeper } from '../../../src/flow/run/recover.ts';
import { TocsinError } from '../../../src/kernel/errors.ts';
import { type Log, silentLog } from '../../../src/kernel/log.ts';
import type { Store } from '../../../src/ports/store.ts';
import { createClock } from '../../doubles/clock.ts';

function listLog() {
  const lines: string[] = [];
  const say = (level: string) => (facts: object, message?: string) => {
    const { because, err } = facts as { because?: string; err?: Error };
    lines.push(`${level} ${message}: ${because ?? err?.message}`);
  };
  const log: Log = { ...silentLog, warn: say('warn'), error: say('error') };
  return { lines, log };
}

const outage = (given: string) =>
  new TocsinError('store-failed', { message: 'The database server does not answer.', given });

it('says each cause once until it went well; what nobody foresaw comes with its stack', () => {
  const { lines, log } = listLog();
  const teller = createOnceLogger(log, {}, 'it is tried again');
  for (const error of [outage('ECONNRESET'), new Error('a fault'), outage('ECONNREFUSED'), new Error('a fault')])
    teller.failed(error);
  expect(lines).toEqual([
    'warn it is tried again: The database server does not answer. (ECONNRESET)',
    'error it is tried again: a fault',
  ]);
  teller.well();
  teller.failed(outage('ECONNREFUSED'));
  expect(lines).toHaveLength(3);
});

it('an outage is one line of the sweeper, and one of each follower, however often they try', async () => {
  const { lines, log } = listLog();
  let tries = 0;
  const failing = async () => {
    tries += 1;
    throw outage(`try ${tries}`);
  };
  const store = { journal: failing, approvals: failing } as unknown as Store;
  const clock = createClock();
  const sweeper = startSweeper({ store, clock, log } as unknown as RecoverParts);
  await clock.advance(40_000);
  await sweeper.stop();
  expect([tries, lines]).toEqual([
    10,
    ['warn the sweeper failed and will try again: The database server does not answer. (try 1)'],
  ]);

  const feed = createFeed({ store, log, sleep: (ms, signal) => clock.sleep(ms, signal) });
  feed.follow({ name: 'threads', after: 7, batch: 1, handle: async () => {} });
  for (let n = 0; n < 20; n++) await clock.advance(10_000);
  await feed.close();
  expect(tries).toBeGreaterThan(20);
  expect(lines.slice(1)).toEqual([
    'warn a follower of the journal failed and will try again: The database server does not answer. (try 11)',
  ]);
});
