import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { verifyJournal } from '../../src/flow/journal/audit.ts';
import { sha256 } from '../../src/kernel/canonical.ts';
import { entryBytes, type NewEntry } from '../../src/model/journal.ts';
import type { Store } from '../../src/ports/store.ts';
import { useHarness } from './harness.ts';
import type { Place } from './place.ts';
import { sampleAlert, sampleEntry, sampleEvent, sampleIncoming, samplePost } from './samples.ts';

/** An alert whose texts occur in its event, its document, its card and the body that brought it. */
function longAlert(id: string, length = 1500) {
  const description = randomBytes(length / 2).toString('hex');
  const alert = sampleAlert({ id, fingerprint: id, annotations: { description } });
  const event = sampleEvent(sampleIncoming({ fingerprint: id, annotations: { description } }));
  const entry: NewEntry = {
    stream: `alert/${id}`,
    actor: { kind: 'source', id: 'alertmanager' },
    at: 1,
    fact: { kind: 'event.accepted', event, effect: 'opened', alert: id, episode: 1 },
  };
  const bytes = JSON.stringify({ alerts: [{ description, labels: alert.labels }], id });
  const blob = { digest: sha256(bytes), bytes };
  const { card } = samplePost();
  const post = (order: number) =>
    samplePost({
      key: `alert/${id}/1`,
      alert: id,
      order,
      card: { ...card, blocks: [{ kind: 'text', text: description }] },
    });
  return { alert, entry, blob, post };
}

/** Long texts may be stored in another form; nobody who reads notices. */
export function packedContract(makePlace: () => Promise<Place>): void {
  describe('long texts', () => {
    const { store, harness } = useHarness(makePlace);

    async function commit(to: Store, { alert, entry, blob, post }: ReturnType<typeof longAlert>) {
      const { entries } = await to.commit({ entries: [entry], rows: [{ table: 'alert', doc: alert }], blobs: [blob] });
      const doc = post(entries[0]?.seq ?? 0);
      await to.commit({ rows: [{ table: 'post', doc }] });
      return doc;
    }

    test('of an event come back from every place, also by another process', async () => {
      const all = Array.from({ length: 300 }, (_, n) => longAlert(`alt_${1000 + n}`));
      const posts = await Promise.all(all.map(one => commit(store(), one)));
      const check = async (from: Store) => {
        const listed = await from.alerts({ limit: 1000 });
        expect(listed.toSorted((a, b) => a.id.localeCompare(b.id))).toEqual(all.map(one => one.alert));
        const found = await from.posts({ platform: 'console', limit: 1000 });
        expect(found.map(post => post.card)).toEqual(posts.map(post => post.card));
        for (const { alert, blob, entry } of all.slice(0, 20)) {
          expect(await from.alert(alert.id)).toEqual(alert);
          expect(await from.alertOf('alertmanager', alert.fingerprint)).toEqual(alert);
          expect(Buffer.from((await from.blob(blob.digest)) ?? []).toString()).toBe(blob.bytes);
          expect((await from.stream(entry.stream)).map(({ fact }) => fact)).toEqual([entry.fact]);
        }
      };
      await check(store());
      await store().close();
      await check(await harness().open());
    });

    test('are hashed, exported and verified as they were given', async () => {
      const long = [longAlert('alt_a').entry, sampleEntry('short'), longAlert('alt_b', 60_000).entry];
      const { entries } = await store().commit({ entries: long });
      const rows = await store().journalRows({ after: 0, limit: 9 });
      expect(rows.map(row => row.bytes)).toEqual(long.map(entryBytes));
      expect(rows.map(row => row.hash)).toEqual(rows.map(row => sha256(`${row.prev}\n${row.seq}\n${row.bytes}`)));
      expect(await store().journal({ after: 0, limit: 9 })).toEqual(entries);
      expect(await verifyJournal(store())).toMatchObject({ done: true, broken: null });
    });

    test('of a document that changes later are found again, whatever was read before', async () => {
      const one = longAlert('alt_1');
      const post = await commit(store(), one);
      const changed = { ...one.alert, acknowledgedBy: 'alice', version: 2 };
      await store().commit({ entries: [sampleEntry('short')], rows: [{ table: 'alert', doc: changed }] });
      await store().close();
      const again = await harness().open();
      // Nothing is known here of the entry that the first post refers to.
      const other = { ...post, key: 'alert/alt_1/1 @b', wanted: 2 };
      await again.commit({ rows: [{ table: 'post', doc: other }] });
      expect(await again.alert('alt_1')).toEqual(changed);
      const posts = await again.posts({ platform: 'console' });
      expect(posts.map(({ key, card }) => [key, card])).toEqual([post, other].map(({ key, card }) => [key, card]));
      const last = { ...changed, version: 3 };
      await again.commit({ rows: [{ table: 'alert', doc: last }] });
      expect(await again.alert('alt_1')).toEqual(last);
    });

    test('of several events in one body, and twice the same, come back', async () => {
      const [first, second] = [longAlert('alt_1'), longAlert('alt_2')];
      const bytes = first.blob.bytes + second.blob.bytes;
      const body = { digest: sha256(bytes), bytes };
      const rows = [first, second].map(({ alert }) => ({ table: 'alert', doc: alert }) as const);
      await store().commit({ entries: [first.entry, second.entry], rows, blobs: [body, body] });
      await store().commit({ entries: [first.entry], blobs: [body] });
      expect(Buffer.from((await store().blob(body.digest)) ?? []).toString()).toBe(bytes);
      expect(await store().alert('alt_2')).toEqual(second.alert);
    });

    test('of a change that is refused leave nothing behind that others refer to', async () => {
      const one = longAlert('alt_1');
      const change = { entries: [one.entry], rows: [{ table: 'alert', doc: one.alert }] as const };
      const wrong = store().commit({ ...change, guards: [{ kind: 'stream', stream: one.entry.stream, version: 7 }] });
      await expect(wrong).rejects.toMatchObject({ code: 'guard-failed' });
      await store().commit({ entries: [sampleEntry('between')] });
      await store().commit(change);
      expect(await store().alert('alt_1')).toEqual(one.alert);
    });

    test('of the output of a step come back', async () => {
      const text = 'a line of a log\n'.repeat(500);
      const chunk = { run: 'run_1', step: 's', attempt: 1, seq: 1, text, at: 1 };
      await store().commit({ rows: [{ table: 'output', doc: chunk }] });
      expect(await store().output({ run: 'run_1', after: 0, limit: 9 })).toEqual([chunk]);
    });
  });
}
