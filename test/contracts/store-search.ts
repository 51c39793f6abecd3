import { describe, expect, test } from 'vitest';
import type { Alert } from '../../src/model/alert.ts';
import type { SearchTerm } from '../../src/model/search/parse.ts';
import { parseSearch } from '../../src/model/search/parse.ts';
import { alertWords, approvalWords, runWords } from '../../src/model/search/words.ts';
import type { Row } from '../../src/ports/store.ts';
import { useHarness } from './harness.ts';
import { hostile } from './hostile.ts';
import type { Place } from './place.ts';
import { noon, sampleAlert, sampleApproval, sampleKnownBad, sampleRun } from './samples.ts';

const ids = (docs: readonly { id: string }[]) => docs.map(doc => doc.id);
const termsOf = (text: string, words = alertWords): readonly SearchTerm[] => {
  const found = parseSearch(text, words);
  if (!found.ok) throw new Error(found.problem.message);
  return found.terms;
};
const hour = 3_600_000;
const now = noon + 10 * hour;

const made: readonly Partial<Alert>[] = [
  { id: 'alt_1', title: 'Disk full', severity: 'critical' as const, labels: { cluster: 'eu', host: 'web-1' } },
  { id: 'alt_2', title: 'disk Slow', severity: 'warning' as const, labels: { cluster: 'us', host: 'web-2' } },
  { id: 'alt_3', title: 'Ärger', severity: 'info' as const, labels: { cluster: 'eu' }, state: 'silenced' as const },
  { id: 'alt_4', title: 'Mail', severity: 'error' as const, labels: {}, state: 'resolved' as const, source: 'nagios' },
  { id: 'alt_5', title: 'Queue', severity: 'error' as const, labels: { cluster: 'e' }, acknowledgedBy: 'alice' },
];
const alerts: readonly Alert[] = made.map((over, n) =>
  sampleAlert({ fingerprint: over.id, firstSeen: noon + n, startsAt: noon + n * hour, lastSeen: noon - n, ...over }),
);

export function searchContract(makePlace: () => Promise<Place>): void {
  describe('searches', () => {
    const { store } = useHarness(makePlace);
    const put = (...rows: Row[]) => store().commit({ rows });
    const putAll = () => put(...alerts.map(doc => ({ table: 'alert' as const, doc })));

    test.each([
      ['', ['alt_5', 'alt_4', 'alt_3', 'alt_2', 'alt_1']],
      ['DISK', ['alt_2', 'alt_1']],
      ['ärger', ['alt_3']],
      ['web-', ['alt_2', 'alt_1']],
      ['-disk cluster=eu', ['alt_3']],
      ['cluster=eu', ['alt_3', 'alt_1']],
      ['cluster!=eu', ['alt_5', 'alt_4', 'alt_2']],
      ['cluster=', ['alt_4']],
      ['cluster!=', ['alt_5', 'alt_3', 'alt_2', 'alt_1']],
      ['severity:critical,error', ['alt_5', 'alt_4', 'alt_1']],
      ['-severity:error', ['alt_3', 'alt_2', 'alt_1']],
      ['state:live', ['alt_5', 'alt_3', 'alt_2', 'alt_1']],
      ['state:resolved', ['alt_4']],
      ['source:nagios', ['alt_4']],
      ['acknowledged:yes', ['alt_5']],
      ['acknowledged:no state:firing', ['alt_2', 'alt_1']],
      ['age>8h', ['alt_2', 'alt_1']],
      ['age<7h', ['alt_5']],
      ['runbook:disk-full', ['alt_2']],
      ['-runbook:disk-full state:firing', ['alt_5', 'alt_1']],
    ])('of alerts by "%s" find what fits, and count it', async (text, found) => {
      await putAll();
      await put({ table: 'run', doc: sampleRun({ alert: 'alt_2' }) });
      const terms = termsOf(text);
      expect(ids(await store().findAlerts({ terms, now }))).toEqual(found);
      const counts = await store().countAlerts({ terms, now });
      expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(found.length);
    });

    test('count alerts by state, severity and labels, those without a label too', async () => {
      await putAll();
      const counts = await store().countAlerts({ terms: termsOf('state:live'), now, by: ['cluster', 'host'] });
      expect(counts.map(one => `${one.values.join('/')} ${one.state} ${one.severity} ${one.count}`).sort()).toEqual([
        'e/ firing error 1',
        'eu/ silenced info 1',
        'eu/web-1 firing critical 1',
        'us/web-2 firing warning 1',
      ]);
      expect(await store().countAlerts({ terms: [], now, by: ['none'] })).toHaveLength(5);
    });

    test.each([
      ['newest', ['alt_5', 'alt_4', 'alt_3', 'alt_2', 'alt_1']],
      ['oldest', ['alt_1', 'alt_2', 'alt_3', 'alt_4', 'alt_5']],
      ['severity', ['alt_1', 'alt_5', 'alt_4', 'alt_2', 'alt_3']],
      ['changed', ['alt_1', 'alt_2', 'alt_3', 'alt_4', 'alt_5']],
      ['title', ['alt_1', 'alt_2', 'alt_4', 'alt_5', 'alt_3']],
    ] as const)('are sorted by %s, page by page', async (sort, order) => {
      await putAll();
      const paged: string[] = [];
      for (let after: string | undefined; paged.length < 10; ) {
        const page = await store().findAlerts({
          terms: [],
          now,
          sort,
          limit: 2,
          ...(after === undefined ? {} : { after }),
        });
        paged.push(...ids(page));
        if (page.length < 2) break;
        after = page.at(-1)?.id;
      }
      expect(paged).toEqual(order);
    });

    test('find hostile labels by exactly what they are', async () => {
      const values = [...new Set(hostile.map(([, text]) => text.slice(0, 400)))].filter(text => text !== '');
      values.push('a=b', 'a\nteam=x\n', '\\n', '\\', "'; drop table alert; --", '%', '_');
      await put(
        ...values.map((value, n) => ({
          table: 'alert' as const,
          doc: sampleAlert({
            id: `alt_${n}`,
            fingerprint: `${n}`,
            labels: { before: 'b', odd: value, [`n=${value}`]: 'name' },
          }),
        })),
      );
      const seen = (text: string) => text.toWellFormed().replaceAll('\0', '\ufffd');
      for (const value of values) {
        const same = values.flatMap((other, n) => (seen(other) === seen(value) ? [`alt_${n}`] : [])).sort();
        const byValue = await store().findAlerts({ terms: [{ kind: 'label', not: false, name: 'odd', value }], now });
        expect(ids(byValue).sort(), JSON.stringify(value)).toEqual(same);
        const byName = { kind: 'label', not: false, name: `n=${value}`, value: 'name' } as const;
        expect(ids(await store().findAlerts({ terms: [byName], now })).sort()).toEqual(same);
      }
      const counts = await store().countAlerts({ terms: [], now, by: ['odd'] });
      expect(new Set(counts.map(({ values: [value] }) => value))).toEqual(new Set(values.map(seen)));
      expect(await store().findAlerts({ terms: termsOf('team=x'), now })).toEqual([]);
    });

    test('take a label of a megabyte, and find it by its beginning', async () => {
      const value = 'x'.repeat(1024 * 1024);
      await put({ table: 'alert', doc: sampleAlert({ labels: { big: value } }) });
      const terms: SearchTerm[] = [{ kind: 'label', not: false, name: 'big', value }];
      expect(ids(await store().findAlerts({ terms, now }))).toEqual(['alt_1']);
      const [count] = await store().countAlerts({ terms: [], now, by: ['big'] });
      expect(count?.values[0]).toHaveLength(500);
    });

    test('follow an alert that changes, and all of thousands are counted', async () => {
      const docs = Array.from({ length: 2500 }, (_, n) =>
        sampleAlert({ id: `alt_${n}`, fingerprint: `${n}`, labels: { shard: `${n % 3}` } }),
      );
      await put(...docs.map(doc => ({ table: 'alert' as const, doc })));
      const [doc] = docs;
      if (doc === undefined) throw new Error('no alert');
      await put({ table: 'alert', doc: { ...doc, state: 'resolved', labels: {}, version: doc.version + 1 } });
      const counts = await store().countAlerts({ terms: [], now, by: ['shard'] });
      expect(counts.map(({ values, state, count }) => `${values} ${state} ${count}`).sort()).toEqual([
        ' resolved 1',
        '0 firing 833',
        '1 firing 833',
        '2 firing 833',
      ]);
      expect(await store().unfoundAlerts(10)).toEqual([]);
    });

    test('of runs go by state, runbook, who asked, what started them, age and text', async () => {
      const runs = [
        { id: 'run_1', state: 'failed' as const, requestedBy: 'person:alice', trigger: 'manual' as const },
        { id: 'run_2', state: 'running' as const, params: { host: 'Web "2"' } },
        { id: 'run_3', state: 'succeeded' as const, runbook: 'other', createdAt: noon + 9 * hour },
      ];
      await put(...runs.map(over => ({ table: 'run' as const, doc: sampleRun({ createdAt: noon, ...over }) })));
      const find = async (text: string) => ids(await store().findRuns({ terms: termsOf(text, runWords), now }));
      expect(await find('')).toEqual(['run_3', 'run_2', 'run_1']);
      expect(await find('state:trouble')).toEqual(['run_1']);
      expect(await find('state:open,succeeded')).toEqual(['run_3', 'run_2']);
      expect(await find('runbook:other')).toEqual(['run_3']);
      expect(await find('by:alice')).toEqual(['run_1']);
      expect(await find('-by:alice kind:event')).toEqual(['run_3', 'run_2']);
      expect(await find('"web \\"2\\""')).toEqual(['run_2']);
      expect(await find('age>5h')).toEqual(['run_2', 'run_1']);
      const after = await store().findRuns({ terms: [], now, limit: 1, after: 'run_3' });
      expect(ids(after)).toEqual(['run_2']);
      const counts = await store().countRuns({ terms: termsOf('age>5h', runWords), now });
      expect(counts.sort((a, b) => (a.state < b.state ? -1 : 1))).toEqual([
        { state: 'failed', count: 1 },
        { state: 'running', count: 1 },
      ]);
    });

    test('of approvals go by state, who asked or voted, and what waits', async () => {
      const vote = {
        person: 'person:bob',
        account: null,
        via: 'console',
        vote: 'approve',
        reason: null,
        at: noon,
      } as const;
      const made = [
        { id: 'apv_1', state: 'open' as const, barred: ['person:alice'] },
        { id: 'apv_2', state: 'approved' as const, votes: [vote] },
        { id: 'apv_3', state: 'open' as const, run: null, gate: 'gat_1' },
      ];
      await put(
        ...made.map((over, n) => ({
          table: 'approval' as const,
          doc: sampleApproval({ barred: [], createdAt: noon + n, ...over }),
        })),
      );
      const find = async (text: string) =>
        ids(await store().findApprovals({ terms: termsOf(text, approvalWords), now }));
      expect(await find('state:open')).toEqual(['apv_3', 'apv_1']);
      expect(await find('by:alice')).toEqual(['apv_1']);
      expect(await find('by:bob')).toEqual(['apv_2']);
      expect(await find('kind:gate')).toEqual(['apv_3']);
      expect(await find('kind:run')).toEqual(['apv_2', 'apv_1']);
      expect(await store().countApprovals({ terms: [], now })).toHaveLength(2);
    });

    test('documents are counted by state', async () => {
      const docs = [sampleKnownBad(), sampleKnownBad({ id: 'bad_2', state: 'open' })];
      await put(...docs.map(doc => ({ table: 'document' as const, kind: 'known-bad' as const, doc })));
      expect(await store().countDocuments('known-bad')).toEqual([{ state: 'open', count: 2 }]);
      expect(await store().countDocuments('gate')).toEqual([]);
    });
  });
}
