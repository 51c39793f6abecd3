import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import platform from '../../../src/chat/console/index.ts';
import type { ChatConnection } from '../../../src/ports/chat.ts';
import { noon, sampleAlert, sampleApproval, sampleEntry, sampleRun } from '../../contracts/samples.ts';
import { createHostDouble, type HostDouble, localKey } from '../../doubles/chat-host.ts';
import { cookieOf, plainText } from '../../journey/console-page.ts';

let double: HostDouble;
let connection: ChatConnection;
let at: string;
let cookie: string;

beforeEach(async () => {
  double = await createHostDouble();
  connection = await platform.open(platform.options.parse({}), double.host);
  at = await double.listen();
  cookie = cookieOf(await fetch(`${at}/?key=${localKey}`, { redirect: 'manual' }));
});
afterEach(async () => {
  await connection.close();
  await double.close();
});

const get = async (path: string) => {
  const answer = await fetch(at + path, { headers: { cookie } });
  return { status: answer.status, text: await answer.text(), name: answer.headers.get('content-disposition') ?? '' };
};
/** The rows of the list, each in one line. */
const rowsOf = (page: string) => {
  const list =
    /<(?:ul|ol) class="[^"]*"[^>]* id="(?:list-rows|alert-list|journal-rows)"[\s\S]*?<\/(?:ul|ol)>/.exec(page)?.[0] ??
    '';
  return list
    .split('<li ')
    .slice(1)
    .map(row => plainText(row.replace(/^[^>]*>/, '')).replace(/\s+/g, ' '));
};
const tabsOf = (page: string) =>
  [...page.matchAll(/<a href="[^"]*" (?:aria-current="true")?>(\w[\w ]*) <span class="tally">([\d,]+)/g)].map(
    ([, name, count]) => `${name} ${count}`,
  );

describe('the list of runs', () => {
  beforeEach(async () => {
    const runs = [
      sampleRun({ id: 'run_1', title: 'One', state: 'failed', requestedBy: 'person:alice', createdAt: noon }),
      sampleRun({ id: 'run_2', title: 'Two', state: 'running', runbook: 'other', createdAt: noon + 1 }),
      sampleRun({ id: 'run_3', title: '=Three', state: 'succeeded', createdAt: noon + 2 }),
    ];
    await double.commit({ rows: runs.map(doc => ({ table: 'run' as const, doc })) });
  });

  it('is narrowed by state, runbook and person, with exact counts', async () => {
    const all = (await get('/runs')).text;
    expect(rowsOf(all).map(row => row.slice(0, 5).trim())).toEqual(['=Thre', 'Two o', 'One o']);
    expect(tabsOf(all)).toEqual(['Open 1', 'Need attention 1', 'Succeeded 1', 'Failed 1', 'All 3']);
    expect(all).toContain('<p class="total" id="total">3 runs</p>');
    for (const path of [
      '/runs?q=state%3Aopen',
      '/runs?runbook=other',
      '/runs?show=open',
      '/runs?q=runbook%3Aother+kind%3Aevent',
    ])
      expect(
        rowsOf((await get(path)).text).map(row => row.slice(0, 3)),
        path,
      ).toEqual(['Two']);
    expect(rowsOf((await get('/runs?q=by%3Aalice')).text)).toEqual([expect.stringContaining('One')]);
    expect((await get('/runs?q=stat%3Aopen')).text).toContain('There is no key &quot;stat&quot;');
  });

  it('is exported as it is found, and a title is no formula of a spreadsheet', async () => {
    const json = await get('/console/export/runs.json?q=state%3Afailed');
    expect(JSON.parse(json.text)).toMatchObject([{ id: 'run_1', requestedBy: 'person:alice' }]);
    const csv = await get('/console/export/runs.csv?q=');
    expect([csv.status, csv.name]).toEqual([200, 'attachment; filename="tocsin-runs.csv"']);
    expect(csv.text.split('\r\n')[1]).toContain('"\'=Three"');
    expect(csv.text.trim().split('\r\n')).toHaveLength(4);
    expect((await get('/console/export/runs.json?q=state%3Aexpired')).text).toBe('[]\n');
    expect((await get('/console/export/runs.csv?q=x%3A1')).status).toBe(422);
  });
});

it('approvals are narrowed and counted, and what is open is a card', async () => {
  const made = [
    sampleApproval({ id: 'apv_1', title: 'Waits', state: 'open', barred: ['person:alice'] }),
    sampleApproval({ id: 'apv_2', title: 'Was denied', state: 'denied' }),
  ];
  await double.commit({ rows: made.map(doc => ({ table: 'approval' as const, doc })) });
  const open = (await get('/approvals')).text;
  expect(rowsOf(open)).toEqual([expect.stringContaining('Waits')]);
  expect(tabsOf(open)).toEqual(['Open 1', 'Approved 0', 'Denied 1', 'Expired 0', 'Void 0', 'All 2']);
  expect(rowsOf((await get('/approvals?state=all')).text)).toHaveLength(2);
  expect(rowsOf((await get('/approvals?q=by%3Aalice')).text)).toEqual([expect.stringContaining('Waits')]);
  expect((await get('/approvals?state=expired')).text).toContain('No approvals here.');
});

describe('the journal', () => {
  beforeEach(async () => {
    const entries = Array.from({ length: 1200 }, (_, n) => ({
      ...sampleEntry('note', `alert/alt_${n}`),
      at: noon + n * 60_000,
      actor:
        n % 400 === 0
          ? ({ kind: 'person', id: 'alice', account: null, via: 'console' } as const)
          : sampleEntry('x').actor,
    }));
    await double.commit({ entries });
  });

  it('is narrowed by who, kind, stream and time, however far back, and says how many were looked at', async () => {
    const seqs = (page: string) => [...page.matchAll(/id="entry-(\d+)"/g)].map(([, seq]) => Number(seq));
    const all = (await get('/journal')).text;
    expect([seqs(all).length, seqs(all)[0]]).toEqual([100, 1200]);
    expect(all).toContain('1,200 entries');
    expect(seqs((await get('/journal?before=1101')).text)[0]).toBe(1100);
    expect(all).toContain('hx-get="/journal?show=200"');
    const more = (await get('/journal?show=200')).text;
    expect([seqs(more).length, seqs(more).at(-1)]).toEqual([200, 1001]);
    expect((await get('/journal?show=1000')).text).toContain('href="/journal?before=201">Older entries');
    const alice = (await get('/journal?q=by%3Aalice')).text;
    expect(seqs(alice)).toEqual([801, 401, 1]);
    expect(alice).toContain('3 among the 1,200 looked at');
    expect(seqs((await get('/journal?q=stream%3Aalert%2Falt_77+-by%3Aalice')).text)).toEqual([
      780, 779, 778, 777, 776, 775, 774, 773, 772, 771, 78,
    ]);
    const part = (await get('/journal?from=2026-06-01T12:10&to=2026-06-01T12:12')).text;
    expect(seqs(part)).toEqual([13, 12, 11]);
    expect(part).toContain('3 entries in this time');
    expect(seqs((await get('/journal?q=kind%3Anothing')).text)).toEqual([]);
  });

  it('is exported as lines of JSON, in order', async () => {
    const { text, name } = await get('/console/export/journal.ndjson?q=by%3Aalice&from=2026-06-01T13:00');
    expect(name).toContain('tocsin-journal.ndjson');
    const lines = text
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
    expect(lines.map(line => line.seq)).toEqual([401, 801]);
    expect(Object.keys(lines[0])).toEqual(['seq', 'stream', 'kind', 'actor', 'at', 'fact', 'prev', 'hash']);
  });
});

it('alerts are exported by a search, all of them', async () => {
  const docs = Array.from({ length: 1100 }, (_, n) =>
    sampleAlert({ id: `alt_${n}`, fingerprint: `${n}`, labels: { n: `${n % 2}` } }),
  );
  await double.commit({ rows: docs.map(doc => ({ table: 'alert' as const, doc })) });
  expect(JSON.parse((await get('/console/export/alerts.json?q=n%3D1')).text)).toHaveLength(550);
  expect((await get('/console/export/alerts.csv?q=')).text.trim().split('\r\n')).toHaveLength(1101);
  const stranger = await fetch(`${at}/console/export/alerts.csv`, {
    headers: { forwarded: 'for=1.2.3.4' },
    redirect: 'manual',
  });
  expect(stranger.status).toBe(303);
});
