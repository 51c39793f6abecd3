import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { verifyJournal } from '../../src/flow/journal/audit.ts';
import postgres from '../../src/stores/postgres/index.ts';
import { sampleAlert, sampleEntry } from '../contracts/samples.ts';
import { missingPostgres } from '../real/postgres.ts';
import { usePostgres } from './postgres-place.ts';

const run = promisify(execFile);

/** The commands of docs/fleet.md. */
describe.skipIf(missingPostgres() !== null)('backup and restore', () => {
  const server = usePostgres();

  test('a backup that was taken under load is whole: it verifies, and it goes on', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tocsin-backup-'));
    const url = await server().database();
    const store = await postgres.open({ folder: '', url, now: Date.now });
    let going = true;
    let made = 0;
    const reader = (async () => {
      while (going) {
        const texts = Array.from({ length: 20 }, () => `${made++}`);
        await Promise.all(
          texts.map(text =>
            store.commit({
              entries: [sampleEntry(text)],
              rows: [{ table: 'alert', doc: sampleAlert({ id: text, fingerprint: text }) }],
            }),
          ),
        );
      }
    })();
    const file = join(folder, 'tocsin.dump');
    while (made < 400) await new Promise(resolve => setImmediate(resolve));
    await run(join(server().programs, 'pg_dump'), ['--format=custom', `--file=${file}`, url]);
    going = false;
    await reader;
    await store.close();

    const target = await server().database();
    await run(join(server().programs, 'pg_restore'), ['--exit-on-error', '--no-owner', `--dbname=${target}`, file]);
    const restored = await postgres.open({ folder: '', url: target, now: Date.now });
    try {
      const check = await verifyJournal(restored);
      expect(check).toMatchObject({ done: true, broken: null });
      // Each entry brought its alert: a backup has both or neither.
      const [{ n } = { n: -1 }] = await server().ask(
        'select count(*)::int as n from alert',
        new URL(target).pathname.slice(1),
      );
      expect(n).toBe(check.at.seq);
      await restored.commit({ entries: [sampleEntry('on')] });
      expect((await verifyJournal(restored)).at.seq).toBe(check.at.seq + 1);
    } finally {
      await restored.close();
      await rm(folder, { recursive: true });
    }
  });
});
