import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAddress } from '../../src/stores/postgres/address.ts';
import postgres from '../../src/stores/postgres/index.ts';
import { askOutcome } from '../../src/stores/postgres/outcome.ts';
import { createConnect, loadLibrary } from '../../src/stores/postgres/session.ts';
import { sampleEntry } from '../contracts/samples.ts';
import { missingPostgres, type Postgres, startPostgres } from '../real/postgres.ts';
import { usePostgres } from './postgres-place.ts';

describe.skipIf(missingPostgres() !== null)('a commit whose answer was lost', () => {
  const primary = usePostgres();
  let standby: Postgres;
  let url: string;

  beforeAll(async () => {
    url = await primary().database();
    standby = await startPostgres({ fsync: 'off' }, { primary: primary().port });
  });
  afterAll(() => standby.destroy());

  test('is not taken for lost because a standby that takes over has not got to it yet', async () => {
    const store = await postgres.open({ folder: '', url, now: Date.now });
    const name = new URL(url).pathname.slice(1);
    await store.commit({ entries: [sampleEntry('before')] });
    const [{ at } = { at: '' }] = await primary().ask('select pg_current_wal_lsn()::text as at');
    const replayed = async (place: unknown) =>
      (await standby.ask(`select pg_last_wal_replay_lsn() >= '${place}'::pg_lsn as yes`))[0]?.['yes'] === true;
    await expect.poll(() => replayed(at), { timeout: 20_000 }).toBe(true);
    await standby.ask('select pg_wal_replay_pause()');

    const { entries } = await store.commit({ entries: [sampleEntry('in doubt')] });
    const [entry] = entries;
    const [{ xid } = { xid: '' }] = await primary().ask('select pg_current_xact_id()::text as xid', name);
    const [{ sent } = { sent: '' }] = await primary().ask('select pg_current_wal_lsn()::text as sent');
    const arrived = `select pg_last_wal_receive_lsn() >= '${sent}'::pg_lsn as yes`;
    await expect.poll(async () => (await standby.ask(arrived))[0]?.['yes'], { timeout: 20_000 }).toBe(true);
    await store.close();
    await primary().halt('immediate');

    const connect = createConnect(await loadLibrary(), parseAddress(standby.address(name)));
    let looks = 0;
    const counted: typeof connect = async options => {
      looks += 1;
      return await connect(options);
    };
    const head = { seq: entry?.seq ?? 0, hash: entry?.hash ?? '', stamp: 0 };
    const outcome = askOutcome(counted, { xid: String(xid), head });
    await expect.poll(() => looks, { timeout: 10_000 }).toBeGreaterThan(1);
    await standby.ask('select pg_wal_replay_resume()');
    await standby.ask('select pg_promote()');
    expect(await outcome).toBe('committed');
  }, 60_000);
});
