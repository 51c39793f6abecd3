import { afterEach, describe, expect, test } from 'vitest';
import { noon, sampleApproval, samplePost, sampleRun } from '../contracts/samples.ts';
import { createClock } from '../doubles/clock.ts';
import { createWorld, type World } from './setup.ts';

let world: World;
afterEach(() => world.close());

async function scrape(): Promise<Record<string, number>> {
  const text = await (await fetch(`${world.url}/metrics`)).text();
  const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}

describe('what waits, what is down, and whether the journal holds', () => {
  test('is read at each scrape: a run waits since it was approved, an approval since it was asked', async () => {
    world = await createWorld();
    world.parts.clock = createClock(noon + 600_000);
    await world.store.commit({
      rows: [
        { table: 'run', doc: sampleRun({ id: 'run_1', createdAt: noon, approval: 'apv_1' }) },
        { table: 'run', doc: sampleRun({ id: 'run_2', createdAt: noon + 540_000 }) },
        { table: 'run', doc: sampleRun({ id: 'run_3', createdAt: noon - 1000, state: 'asking' }) },
        {
          table: 'approval',
          doc: sampleApproval({ id: 'apv_1', run: 'run_1', state: 'approved', closedAt: noon + 500_000 }),
        },
        { table: 'approval', doc: sampleApproval({ id: 'apv_2', run: 'run_4', createdAt: noon + 300_000 }) },
        { table: 'approval', doc: sampleApproval({ id: 'apv_3', run: 'run_5', createdAt: noon + 400_000 }) },
        { table: 'post', doc: samplePost({ platform: 'slack', key: 'a', wanted: 2, delivered: 1 }) },
      ],
    });
    let looks = 0;
    world.parts.health = async () => {
      looks += 1;
      return world.health;
    };
    world.health = { store: null, redis: 'it does not answer', 'chat slack': 'the token was withdrawn' };
    expect(await scrape()).toMatchObject({
      'tocsin_runs{state="queued"}': 2,
      'tocsin_runs{state="asking"}': 1,
      tocsin_oldest_queued_run_seconds: 100,
      tocsin_approvals_open: 2,
      tocsin_oldest_approval_seconds: 300,
      'tocsin_posts_undelivered{platform="slack"}': 1,
      'tocsin_part_down{part="store"}': 0,
      'tocsin_part_down{part="redis"}': 1,
      'tocsin_part_down{part="chat slack"}': 1,
      tocsin_journal_broken: 0,
      tocsin_halted: 0,
    });
    // Whether the store is well is tried by a write, so it is asked once.
    expect(looks).toBe(1);
    world.health = { store: null, redis: null };
    expect(await scrape()).toMatchObject({
      'tocsin_part_down{part="redis"}': 0,
      'tocsin_part_down{part="chat slack"}': 0,
    });
  });

  test('a journal that does not verify is told, and a part that does not answer keeps the others from nothing', async () => {
    world = await createWorld();
    world.parts.host.journalState = async () => ({ ok: false, head: 9, checked: 4, because: 'entry 5' });
    world.parts.health = async () => {
      throw new Error('no answer');
    };
    world.parts.work = () => ({ busy: 3, places: 4 });
    expect(await scrape()).toMatchObject({
      tocsin_journal_broken: 1,
      tocsin_journal_checked: 4,
      tocsin_approvals_open: 0,
      tocsin_work_busy: 3,
      tocsin_work_places: 4,
    });
    expect(world.logged.map(line => line.message)).toContain('something did not answer for /metrics');
  });
});
