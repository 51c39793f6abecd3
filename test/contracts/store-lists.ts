import { describe, expect, test } from 'vitest';
import type { Alert } from '../../src/model/alert.ts';
import type { KnownBad } from '../../src/model/gates/known-bad.ts';
import type { DocumentQuery, Row } from '../../src/ports/store.ts';
import { outcomes, useHarness } from './harness.ts';
import { hostile } from './hostile.ts';
import type { Place } from './place.ts';
import { noon, sampleAlert, sampleApproval, sampleEntry, sampleKnownBad, sampleLetter, sampleRun } from './samples.ts';

const idsOf = (docs: readonly { id: string }[]) => docs.map(doc => doc.id);

export function listsContract(makePlace: () => Promise<Place>): void {
  describe('alerts', () => {
    const { store } = useHarness(makePlace);
    const put = (...rows: Row[]) => store().commit({ rows });

    test('are found by id and by identity', async () => {
      const doc = sampleAlert({ id: 'alt_9', fingerprint: 'f9' });
      await put({ table: 'alert', doc });
      expect(await store().alert('alt_9')).toEqual(doc);
      expect(await store().alertOf('alertmanager', 'f9')).toEqual(doc);
      expect([await store().alert('alt_8'), await store().alertOf('grafana', 'f9')]).toEqual([null, null]);
    });

    test('that are asked for at the same time each come to whoever asked', async () => {
      const ids = Array.from({ length: 1200 }, (_, n) => `alt_${n}`);
      const made = ids
        .filter((_, n) => n % 3 !== 0)
        .map(id => sampleAlert({ id, fingerprint: `f of ${id}`, title: id }));
      for (const [, text] of hostile) made.push(sampleAlert({ id: text, fingerprint: text, title: 'hostile' }));
      const docs = [...new Map(made.map(doc => [doc.id, doc])).values()];
      await put(...docs.map(doc => ({ table: 'alert' as const, doc })));
      const known = new Map(docs.map(doc => [doc.id, doc]));
      const asked = [...ids, ...hostile.map(([, text]) => text), ...ids.slice(0, 50).reverse()];
      const found = await Promise.all(asked.map(id => store().alert(id)));
      expect(found).toEqual(asked.map(id => known.get(id) ?? null));
      const byIdentity = asked.map(id => store().alertOf('alertmanager', known.get(id)?.fingerprint ?? 'none'));
      expect(await Promise.all(byIdentity)).toEqual(found);
      // What two ask is read once, and is nobody else's to change.
      const [one, other] = await Promise.all([store().alert('alt_1'), store().alert('alt_1')]);
      expect(one).toEqual(other);
      expect(one).not.toBe(other);
    });

    test('are listed by state, the latest episode first, page by page', async () => {
      for (let n = 0; n < 7; n++)
        await put({
          table: 'alert',
          doc: sampleAlert({
            id: `alt_${n}`,
            fingerprint: `f${n}`,
            firstSeen: noon + (n % 3),
            state: n === 6 ? 'resolved' : 'firing',
          }),
        });
      expect(idsOf(await store().alerts({}))).toEqual(['alt_5', 'alt_2', 'alt_4', 'alt_1', 'alt_6', 'alt_3', 'alt_0']);
      expect(idsOf(await store().alerts({ limit: 2, after: 'alt_2' }))).toEqual(['alt_4', 'alt_1']);
      expect(idsOf(await store().alerts({ state: 'resolved' }))).toEqual(['alt_6']);
      expect(await store().alerts({ after: 'alt_none' })).toEqual([]);
    });

    test.each(hostile)('keep hostile text: %s', async (_, text) => {
      const doc = sampleAlert({ id: 'alt_1', fingerprint: text, title: text, labels: { [text]: text } });
      await put({ table: 'alert', doc });
      expect(await store().alertOf('alertmanager', text)).toEqual(doc);
      expect(await store().alerts({})).toEqual([doc]);
    });

    test('two with one identity cannot be: the second is a lost race, whether at the same moment or later', async () => {
      const doc = (id: string, fingerprint: string, over: Partial<Alert> = {}) => ({
        table: 'alert' as const,
        doc: sampleAlert({ id, fingerprint, ...over }),
      });
      const entry = () => [sampleEntry('x')];
      const changes = [
        store().commit({ rows: [doc('a', 'f')], entries: entry() }),
        store().commit({ rows: [doc('b', 'f')], entries: entry() }),
        store().commit({ rows: [doc('c', 'g')], entries: entry() }),
      ];
      expect(await outcomes(changes)).toEqual(['ok', 'guard-failed', 'ok']);
      await expect(put(doc('d', 'g'))).rejects.toMatchObject({ code: 'guard-failed', at: 'row alert/d' });
      // One delivery may tell of it twice before it is stored.
      await expect(put(doc('d', 'g', { version: 2 }))).rejects.toMatchObject({ code: 'guard-failed' });
      // The same fingerprint of another source is another alert, and one that is known may change.
      expect(await outcomes([put(doc('e', 'g', { source: 'grafana' })), put(doc('a', 'f', { version: 2 }))])).toEqual([
        'ok',
        'ok',
      ]);
      expect(idsOf(await store().alerts({})).sort()).toEqual(['a', 'c', 'e']);
      expect((await store().head()).seq).toBe(2);
    });

    test('a document that would not read back is refused', async () => {
      expect(await outcomes([put({ table: 'alert', doc: sampleAlert({ lastSeen: 0.5 }) })])).toEqual(['store-failed']);
      expect(await store().alerts({})).toEqual([]);
    });
  });

  describe('runs', () => {
    const { store } = useHarness(makePlace);
    const put = (...rows: Row[]) => store().commit({ rows });
    const run = (id: string, over: Parameters<typeof sampleRun>[0] = {}): Row => ({
      table: 'run',
      doc: sampleRun({ id, ...over }),
    });

    test('are listed by what they are, newest first, page by page', async () => {
      await put(
        run('r1', { createdAt: 1, state: 'running', alert: 'a1' }),
        run('r2', { createdAt: 2, state: 'waiting', alert: 'a2', parent: { run: 'r1', step: 's' } }),
        run('r3', { createdAt: 3, state: 'succeeded', runbook: 'other', alert: 'a1' }),
        run('r4', { createdAt: 3, state: 'running' }),
      );
      expect(idsOf(await store().runs({}))).toEqual(['r4', 'r3', 'r2', 'r1']);
      expect(idsOf(await store().runs({ states: ['running', 'waiting'] }))).toEqual(['r4', 'r2', 'r1']);
      expect(idsOf(await store().runs({ states: [] }))).toEqual([]);
      expect(idsOf(await store().runs({ runbook: 'other' }))).toEqual(['r3']);
      expect(idsOf(await store().runs({ alert: 'a1' }))).toEqual(['r3', 'r1']);
      expect(idsOf(await store().runs({ parent: 'r1' }))).toEqual(['r2']);
      expect(idsOf(await store().runs({ states: ['running'], alert: 'a1', runbook: 'disk-full' }))).toEqual(['r1']);
      expect(idsOf(await store().runs({ limit: 2 }))).toEqual(['r4', 'r3']);
      expect(idsOf(await store().runs({ limit: 2, after: 'r3' }))).toEqual(['r2', 'r1']);
      expect(await store().run('r2')).toEqual(
        sampleRun({ id: 'r2', createdAt: 2, state: 'waiting', alert: 'a2', parent: { run: 'r1', step: 's' } }),
      );
    });

    test('that are due are queued or past their time, oldest first', async () => {
      await put(
        run('later', { createdAt: 1, state: 'running', wakeAt: 100 }),
        run('queued', { createdAt: 2, state: 'queued' }),
        run('now', { createdAt: 3, state: 'running', wakeAt: 50 }),
        run('past', { createdAt: 4, state: 'running', wakeAt: 10 }),
        run('idle', { createdAt: 5, state: 'asking' }),
      );
      expect(idsOf(await store().runs({ due: 50 }))).toEqual(['queued', 'now', 'past']);
      expect(idsOf(await store().runs({ due: 50, limit: 2, after: 'queued' }))).toEqual(['now', 'past']);
      expect(idsOf(await store().runs({ due: 50, states: ['running'] }))).toEqual(['now', 'past']);
    });

    test('a page has 100 when nothing is said and 1000 at most', async () => {
      await put(...Array.from({ length: 1003 }, (_, n) => run(`r${String(n).padStart(4, '0')}`, { createdAt: n })));
      expect(await store().runs({})).toHaveLength(100);
      const first = await store().runs({ limit: 99_999 });
      expect(first).toHaveLength(1000);
      expect(idsOf(await store().runs({ limit: 99_999, after: first.at(-1)?.id ?? '' }))).toEqual([
        'r0002',
        'r0001',
        'r0000',
      ]);
    });

    test('automatic ones are counted by runbook and target, once, from when they were made', async () => {
      const manual = { verdict: 'approve', rule: 'r', because: 'b', ask: null } as const;
      await put(
        run('r1', { createdAt: 10, targets: ['web-1', 'web-2', 'web-1'] }),
        run('r2', { createdAt: 30, targets: ['web-2'], trigger: 'schedule' }),
        run('r3', { createdAt: 20, targets: [] }),
        run('r4', { createdAt: 40, trigger: 'manual' }),
        run('r5', { createdAt: 50, decision: manual }),
        run('r6', { createdAt: 60, runbook: 'other' }),
        run('r7', { createdAt: 70, trigger: 'runbook' }),
      );
      await put(run('r1', { createdAt: 10, targets: ['web-1', 'web-2'], state: 'failed', version: 2 }));
      // A run may be written first when several entries made it.
      await put(run('r8', { createdAt: 5, runbook: 'other', version: 3 }));
      expect(await store().autoRuns({ runbook: 'other', since: 0 })).toEqual([5, 60]);
      expect(await store().autoRuns({ runbook: 'disk-full', since: 0 })).toEqual([10, 20, 30]);
      expect(await store().autoRuns({ runbook: 'disk-full', since: 20 })).toEqual([20, 30]);
      expect(await store().autoRuns({ runbook: 'disk-full', target: 'web-2', since: 0 })).toEqual([10, 30]);
      expect(await store().autoRuns({ runbook: 'disk-full', target: 'web-1', since: 0 })).toEqual([10]);
      expect(await store().autoRuns({ runbook: 'disk-full', target: '*', since: 0 })).toEqual([]);
      expect(await store().autoRuns({ runbook: 'disk-full', target: '', since: 0 })).toEqual([]);
    });
  });

  describe('approvals', () => {
    const { store } = useHarness(makePlace);
    const approval = (id: string, over: Parameters<typeof sampleApproval>[0] = {}): Row => ({
      table: 'approval',
      doc: sampleApproval({ id, ...over }),
    });

    test('are listed by state, run and expiry', async () => {
      await store().commit({
        rows: [
          approval('a1', { createdAt: 1, expiresAt: 50, run: 'r1' }),
          approval('a2', { createdAt: 2, expiresAt: 40 }),
          approval('a3', { createdAt: 3, expiresAt: 30, state: 'approved' }),
          approval('a4', { createdAt: 4, expiresAt: 90 }),
        ],
      });
      expect(idsOf(await store().approvals({}))).toEqual(['a4', 'a3', 'a2', 'a1']);
      expect(idsOf(await store().approvals({ state: 'open' }))).toEqual(['a4', 'a2', 'a1']);
      expect(idsOf(await store().approvals({ state: 'open', after: 'a4', limit: 1 }))).toEqual(['a2']);
      expect(idsOf(await store().approvals({ run: 'r1' }))).toEqual(['a1']);
      expect(idsOf(await store().approvals({ expiredBy: 50 }))).toEqual(['a2', 'a1']);
      expect(idsOf(await store().approvals({ expiredBy: 50, after: 'a2' }))).toEqual(['a1']);
      expect(await store().approval('a3')).toEqual(
        sampleApproval({ id: 'a3', createdAt: 3, expiresAt: 30, state: 'approved' }),
      );
      expect(await store().approval('a5')).toBeNull();
    });
  });

  describe('documents', () => {
    const { store } = useHarness(makePlace);
    const bad = (id: string, over: Partial<KnownBad> = {}): Row => ({
      table: 'document',
      kind: 'known-bad',
      doc: sampleKnownBad({ id, ...over }),
    });
    test('come by id within their kind, and in lists by state, time and what is due', async () => {
      await store().commit({
        rows: [
          bad('bad_1', { createdAt: 1, until: 50 }),
          bad('bad_2', { createdAt: 2, state: 'ended', alert: 'alt_1' }),
          bad('bad_3', { createdAt: 3, until: 40 }),
          bad('bad_4', { createdAt: 3 }),
        ],
      });
      const list = async (query: DocumentQuery) => idsOf(await store().documents('known-bad', query));
      expect(await list({})).toEqual(['bad_4', 'bad_3', 'bad_2', 'bad_1']);
      expect(await list({ state: 'open', after: 'bad_4', limit: 1 })).toEqual(['bad_3']);
      expect(await list({ upTo: 2 })).toEqual(['bad_2', 'bad_1']);
      expect(await list({ dueFrom: 50 })).toEqual(['bad_4', 'bad_2', 'bad_1']);
      expect(await list({ dueBy: 50 })).toEqual(['bad_3', 'bad_1']);
      expect(await list({ dueBy: 50, after: 'bad_3' })).toEqual(['bad_1']);
      expect(await list({ other: 'alt_1' })).toEqual(['bad_2']);
      expect(await list({ key: JSON.stringify(sampleKnownBad().thing), limit: 2 })).toEqual(['bad_4', 'bad_3']);
      expect(await store().document('known-bad', 'bad_2')).toEqual(
        sampleKnownBad({ id: 'bad_2', createdAt: 2, state: 'ended', alert: 'alt_1' }),
      );
      expect(await store().document('gate', 'bad_2')).toBeNull();
      expect(await store().documents('gate', {})).toEqual([]);
    });

    test('are replaced by newer versions only', async () => {
      await store().commit({ rows: [bad('bad_1', { version: 2 })] });
      expect(await outcomes([store().commit({ rows: [bad('bad_1', { version: 1 })] })])).toEqual(['guard-failed']);
      await store().commit({ rows: [bad('bad_1', { state: 'ended', version: 3 })] });
      expect(await store().document('known-bad', 'bad_1')).toMatchObject({ state: 'ended', version: 3 });
    });
  });

  describe('dead letters', () => {
    const { store } = useHarness(makePlace);
    const letter = (id: string, over: Parameters<typeof sampleLetter>[0] = {}): Row => ({
      table: 'letter',
      doc: sampleLetter({ id, ...over }),
    });

    test('are listed by state and source, newest first, and changed only by what is newer', async () => {
      await store().commit({
        rows: [
          letter('l1', { firstAt: 1 }),
          letter('l2', { firstAt: 2, source: 'other' }),
          letter('l3', { firstAt: 3, state: 'retrying' }),
          letter('l4', { firstAt: 3 }),
        ],
      });
      expect(idsOf(await store().letters({}))).toEqual(['l4', 'l3', 'l2', 'l1']);
      expect(idsOf(await store().letters({ state: 'dead' }))).toEqual(['l4', 'l2', 'l1']);
      expect(idsOf(await store().letters({ state: 'dead', source: 'trail', after: 'l4', limit: 1 }))).toEqual(['l1']);
      await store().commit({ rows: [letter('l1', { firstAt: 1, state: 'read', version: 3 })] });
      expect(await outcomes([store().commit({ rows: [letter('l1', { version: 2 })] })])).toEqual(['guard-failed']);
      expect(await store().letter('l1')).toEqual(sampleLetter({ id: 'l1', firstAt: 1, state: 'read', version: 3 }));
      expect(await store().letter('l5')).toBeNull();
    });
  });
}
