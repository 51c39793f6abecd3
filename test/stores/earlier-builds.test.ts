import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { verifyJournal } from '../../src/flow/journal/audit.ts';
import { startFindAgain } from '../../src/flow/pipeline/find-again.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { silentLog } from '../../src/kernel/log.ts';
import type { Act } from '../../src/model/act.ts';
import type { Actor } from '../../src/model/actor.ts';
import { type Alert, foldAlert } from '../../src/model/alert.ts';
import { foldAct } from '../../src/model/alert-acts.ts';
import type { Approval } from '../../src/model/approval.ts';
import type { IncomingAlert } from '../../src/model/event.ts';
import { foldApproval, foldRun } from '../../src/model/fold.ts';
import type { Entry } from '../../src/model/journal.ts';
import type { Run } from '../../src/model/run.ts';
import type { Store } from '../../src/ports/store.ts';
import { cli } from '../cli/terminal.ts';
import { startTestApp, type TestApp } from '../doubles/app.ts';
import { type PagerDutyDouble, startPagerDuty } from '../doubles/pagerduty.ts';
import { missingPostgres } from '../real/postgres.ts';
import { buildNames, type EarlierPlace, earlierPostgres, earlierSqlite, filesOf, pathOf } from './earlier-place.ts';
import { usePostgres } from './postgres-place.ts';

/** What each build left behind; every list in the order of the alphabet. */
const expected: Record<string, Record<'kinds' | 'alerts' | 'runs' | 'approvals' | 'threads', string[]>> = {
  // Nothing in this build writes alert.noted or rules.loaded.
  '95be093': {
    kinds: [
      'act.refused',
      'alert.acknowledged',
      'alert.silenced',
      'approval.closed',
      'approval.escalated',
      'approval.requested',
      'approval.voted',
      'decision.made',
      'event.accepted',
      'halt.cleared',
      'halt.set',
      'node.started',
      'node.stopped',
      'origin.told',
      'run.amended',
      'run.asking',
      'run.cancelling',
      'run.created',
      'run.finished',
      'run.released',
      'run.started',
      'step.answered',
      'step.finished',
      'step.interrupted',
      'step.retrying',
      'step.said',
      'step.started',
      'step.undone',
      'step.waiting',
    ],
    alerts: [
      'alertmanager broken firing',
      'alertmanager disk firing',
      'alertmanager frozen firing',
      'alertmanager news firing',
      'alertmanager quiet silenced',
      'alertmanager stale resolved',
      'alertmanager watched firing',
      'backups backup of db-1 resolved',
      'pagerduty Q1 resolved',
      'pagerduty Q2 firing',
    ],
    runs: [
      'change denied',
      'change succeeded',
      'change waiting',
      'edited cancelled',
      'expires expired',
      'failover succeeded',
      'guarded waiting',
      'heal ineffective',
      'heal unconfirmed',
      'heal waiting',
      'look denied',
      'look succeeded',
      'look succeeded',
      'nightly succeeded',
      'once asking',
      'once cancelled',
      'once succeeded',
      'repair failed',
      'restart succeeded',
      'restart succeeded',
      'restart succeeded',
    ],
    approvals: [
      'change approved',
      'change denied',
      'change open',
      'edited void',
      'expires expired',
      'failover approved',
      'guarded open',
      'look denied',
    ],
    threads: [
      'Ask in the middle: step 2 of 2, waiting for approval',
      'Be edited: cancelled',
      'Be forgotten: expired',
      'Change a word: denied',
      'Change a word: succeeded',
      'Change a word: waiting for approval',
      'Do it once: asking',
      'Do it once: cancelled',
      'Do it once: succeeded',
      'Incident Q1: resolved',
      'Incident Q2: firing',
      'Look every night: succeeded',
      'a test alert: firing',
      'a test alert: firing',
      'a test alert: firing',
      'a test alert: firing',
      'a test alert: firing',
      'a test alert: resolved',
      'a test alert: silenced',
      'alice halted everything: a drill: null',
      'alice resumed: the drill is over: null',
      'backup of db-1 is notice: notice',
      'backup of db-1 is notice: notice',
      'backup of db-1 is resolved: resolved',
      'backup of db-1 is resolved: resolved',
      'look was not started: deny',
    ],
  },
};

const inOrder = (texts: string[]) => texts.sort();

it('knows what every build left behind', () => {
  expect(inOrder([...buildNames])).toEqual(inOrder(Object.keys(expected)));
});

const showAlerts = (all: Pick<Alert, 'source' | 'fingerprint' | 'state'>[]) =>
  inOrder(all.map(one => `${one.source} ${one.fingerprint} ${one.state}`));
const showDocs = (all: Pick<Run | Approval, 'runbook' | 'state'>[]) =>
  inOrder(all.map(one => `${one.runbook} ${one.state}`));

/** One audit command where no process answers. */
const audit = (place: EarlierPlace, ...words: string[]) =>
  cli(['audit', ...words], {
    env: { TOCSIN_DATA: join(place.folder, 'data'), TOCSIN_LISTEN: '127.0.0.1:1', ...place.env },
    cwd: place.folder,
  });

/** The document that the facts of an alert's stream make. */
function refoldAlert(known: Alert | null, entry: Entry): Alert | null {
  const { fact } = entry;
  if (fact.kind === 'event.accepted' && fact.effect !== null && fact.event.body.kind === 'alert')
    return foldAlert(
      known,
      { ...fact.event, body: fact.event.body as IncomingAlert },
      fact.effect,
      fact.alert ?? '',
      fact,
    );
  return known === null ? null : foldAct(known, fact, entry.at, entry.actor);
}

/** When a wait is looked at again moves without an entry. */
function withoutAlarms(run: Run | null) {
  const steps = run?.steps.map(step => ({ ...step, waiting: step.waiting && { ...step.waiting, wakeAt: 0 } }));
  return run && { ...run, wakeAt: 0, steps };
}

async function checkFolds(store: Store): Promise<void> {
  for (const alert of await store.alerts({ limit: 1000 }))
    expect((await store.stream(`alert/${alert.id}`)).reduce(refoldAlert, null), alert.fingerprint).toEqual(alert);
  for (const run of await store.runs({ limit: 1000 })) {
    const entries = await store.stream(`run/${run.id}`);
    const folded = entries.reduce((doc: Run | null, { fact, at }) => foldRun(doc, fact, at), null);
    expect(withoutAlarms(folded), run.runbook).toEqual(withoutAlarms(run));
  }
  for (const approval of await store.approvals({ limit: 1000 })) {
    const entries = await store.stream(`approval/${approval.id}`);
    const folded = entries.reduce((doc: Approval | null, { fact, at }) => foldApproval(doc, fact, at), null);
    expect(folded, approval.runbook).toEqual(approval);
  }
}

/** Whatever the journal names by its digest is there; a store refuses bytes that are not of their digest. */
async function checkBlobs(store: Store, journal: Entry[]): Promise<void> {
  const digests = journal.flatMap(({ fact }) => {
    if (fact.kind === 'event.accepted') return [fact.event.raw];
    if (fact.kind === 'run.created') return [fact.run.planHash];
    return fact.kind === 'step.finished' ? [fact.log] : [];
  });
  const named = digests.filter(digest => digest !== null);
  const blobs = await Promise.all(named.map(digest => store.blob(digest)));
  expect(blobs.every(blob => blob !== null && blob.length > 0)).toBe(true);
  const texts = blobs.map(blob => Buffer.from(blob ?? []).toString());
  expect(texts.filter(text => text.includes('\n400: web-1 keeps this file\n'))).toHaveLength(1);
}

/** Today's app over the copy, at the time when the build stopped: what it left open is not overdue. */
async function startOver(place: EarlierPlace, build: string, pagerduty: PagerDutyDouble): Promise<TestApp> {
  const store = await place.open();
  const { seq } = await store.head();
  const [last] = await store.journal({ after: seq - 1, limit: 1 });
  await store.close();
  const gap = Date.now() - (last?.at ?? 0);
  const files = filesOf(build);
  // Its run is under way, so it goes on as it was approved.
  const edited = files['runbooks/guarded.ts']?.replace('as stored', 'as edited') ?? '';
  return await startTestApp(
    { ...files, 'runbooks/guarded.ts': edited },
    {
      folder: place.folder,
      clock: { ...systemClock, now: () => Date.now() - gap },
      env: { ...place.env, PAGERDUTY_URL: pagerduty.url, NIGHTLY: '0 0 29 2 *' },
    },
  );
}

const person = (id: string): Actor => ({ kind: 'person', id, via: 'console', account: null });

/** Presses Approve on the card that the earlier build posted, and waits for the end of the run. */
async function approve(app: TestApp, runbook: string, who: string, reason: string | null): Promise<Run> {
  const approval = (await app.app.store.approvals({ state: 'open' })).find(one => one.runbook === runbook);
  const post = await app.app.store.post('console', `approval/${approval?.id}`);
  const does = post?.card.buttons.find(button => button.label === 'Approve')?.does;
  if (does?.kind !== 'act' || does.act.kind !== 'vote') throw new Error(`no button asks about ${runbook}`);
  const press = (confirmed?: string) =>
    app.app.host.act(person(who), { ...does.act, reason, ...(confirmed !== undefined && { confirmed }) } as Act);
  const first = await press();
  // What is of high risk, or what there is something to know about, is asked about by this build, also on an old card.
  const answer = !first.ok && first.confirm !== undefined ? await press(first.confirm.seal) : first;
  expect(answer).toMatchObject({ ok: true });
  return await app.ended(approval?.run ?? '');
}

/** Presses what the earlier build posted on its alerts: the acts of that time have neither a time of their own nor a reason. */
async function pressOnAlerts(app: TestApp): Promise<void> {
  const alert = await app.app.store.alertOf('alertmanager', 'disk');
  const post = await app.app.store.post('console', `alert/${alert?.id}/1`);
  for (const label of ['Acknowledge', 'Silence 1h']) {
    const does = post?.card.buttons.find(button => button.label === label)?.does;
    if (does?.kind !== 'act') throw new Error(`there is no button ${label}`);
    expect(await app.app.host.act(person('alice'), does.act)).toMatchObject({ ok: true });
  }
  expect(await app.app.store.alert(alert?.id ?? '')).toMatchObject({ acknowledgedBy: 'alice', state: 'silenced' });
}

/** The cases for one store of one build. */
function readsBack(build: string, copy: () => Promise<EarlierPlace>): void {
  const left = expected[build];
  let place: EarlierPlace;
  beforeEach(async () => {
    place = await copy();
  });
  afterEach(() => place.remove());

  it('is read by the store: every document and entry parses, and the documents are what the entries make', async () => {
    const store = await place.open();
    try {
      const journal = await store.journal({ after: 0, limit: 1000 });
      expect(inOrder([...new Set(journal.map(entry => entry.fact.kind))])).toEqual(left?.kinds);
      expect(showAlerts(await store.alerts({ limit: 1000 }))).toEqual(left?.alerts);
      expect(showDocs(await store.runs({ limit: 1000 }))).toEqual(left?.runs);
      expect(showDocs(await store.approvals({ limit: 1000 }))).toEqual(left?.approvals);
      const posts = await store.posts({ platform: 'console', limit: 1000 });
      const roots = posts.filter(post => post.thread === null).map(({ card }) => `${card.title}: ${card.badge}`);
      expect(inOrder(roots)).toEqual(left?.threads);
      expect(posts.filter(post => post.delivered !== post.wanted)).toEqual([]);
      await checkFolds(store);
      await checkBlobs(store, journal);
      expect(await verifyJournal(store)).toMatchObject({ at: await store.head(), done: true, broken: null });
    } finally {
      await store.close();
    }
  });

  it('is searched, once its alerts were written again as they are', async () => {
    const store = await place.open();
    try {
      const before = await store.alerts({ limit: 1000 });
      const title = { kind: 'text', not: false, text: before[0]?.title ?? '' } as const;
      const finds = async () => (await store.findAlerts({ terms: [title], now: 0 })).length;
      expect([(await store.unfoundAlerts(1000)).length, await finds()]).toEqual([before.length, 0]);
      const findAgain = await startFindAgain({ store, clock: systemClock, log: silentLog });
      await findAgain.stop();
      expect([(await store.unfoundAlerts(1000)).length, (await finds()) > 0]).toEqual([0, true]);
      expect(await store.alerts({ limit: 1000 })).toEqual(before);
    } finally {
      await store.close();
    }
  });

  it('verifies by the command line, and not with one other byte', async () => {
    const { code, err } = await audit(place, 'verify');
    expect([code, err], err).toEqual([0, expect.stringContaining('The journal verifies')]);
    await place.damage(100);
    expect(await audit(place, 'verify')).toMatchObject({ code: 1, err: expect.stringContaining('entry 100') });
  });

  it('is listed by the app, and what was under way goes on to its end', async () => {
    const pagerduty = await startPagerDuty();
    const app = await startOver(place, build, pagerduty);
    try {
      const list = async (path: string) => (await app.call('GET', `/api/v1/${path}?limit=500`)).body;
      expect(showAlerts(await list('alerts'))).toEqual(left?.alerts);
      expect(showDocs(await list('runs'))).toEqual(left?.runs);
      expect(showDocs(await list('approvals'))).toEqual(left?.approvals);

      expect(await approve(app, 'change', 'bob', 'two of two')).toMatchObject({
        state: 'succeeded',
        steps: [{ output: { stdout: 'changed to later\n' } }],
      });
      expect(await approve(app, 'guarded', 'alice', null)).toMatchObject({
        state: 'succeeded',
        steps: [{ output: { stdout: 'before\n' } }, {}, { output: { stdout: 'said as stored\n' } }],
      });
      await pressOnAlerts(app);
      const [asking] = await app.app.store.runs({ states: ['asking'] });
      const answer = { step: 'slow', choice: 'skip', reason: 'it was done' };
      await app.call('POST', `/api/v1/runs/${asking?.id}/answer`, { body: answer });
      expect(await app.ended(asking?.id ?? '')).toMatchObject({ state: 'succeeded' });
      const [healing] = await app.app.store.runs({ runbook: 'heal', states: ['waiting'] });
      const watched = await app.app.store.alertOf('alertmanager', 'watched');
      const startsAt = new Date(watched?.startsAt ?? 0).toISOString();
      await app.alert(watched?.labels ?? {}, { fingerprint: 'watched', status: 'resolved', startsAt });
      expect(await app.ended(healing?.id ?? '')).toMatchObject({ state: 'succeeded' });
      expect(await verifyJournal(app.app.store)).toMatchObject({ done: true, broken: null });
      await checkFolds(app.app.store);
    } finally {
      await app.stop();
      await pagerduty.close();
    }
  });
}

describe.each(buildNames)('what build %s left', build => {
  describe('in SQLite', () => {
    readsBack(build, () => earlierSqlite(build));

    it('ends where its checkpoint says, and so does its exported journal', async () => {
      const place = await earlierSqlite(build);
      const checkpoint = (await readFile(pathOf(build, 'checkpoint'), 'utf8')).trim();
      const exported = await readFile(pathOf(build, 'journal.ndjson'), 'utf8');
      const file = join(place.folder, 'journal.ndjson');
      const known = ['verify', '--checkpoint', checkpoint];
      try {
        expect(await audit(place, ...known)).toMatchObject({ code: 0, out: checkpoint });
        await writeFile(file, exported);
        expect(await audit(place, ...known, '--file', file)).toMatchObject({ code: 0, out: checkpoint });
        expect((await audit(place, 'export')).out).toBe(exported.trimEnd());
        const lines = exported.trimEnd().split('\n');
        await writeFile(file, lines.with(99, lines[99]?.replace('\\"v\\":1,', '\\"v\\":7,') ?? '').join('\n'));
        expect(await audit(place, 'verify', '--file', file)).toMatchObject({
          code: 1,
          err: expect.stringContaining('entry 100'),
        });
        await writeFile(file, lines.slice(0, -1).join('\n'));
        expect((await audit(place, ...known, '--file', file)).code).toBe(1);
      } finally {
        await place.remove();
      }
    });
  });

  describe.skipIf(missingPostgres() !== null)('in PostgreSQL', () => {
    const server = usePostgres();
    readsBack(build, () => earlierPostgres(build, server()));
  });
});
