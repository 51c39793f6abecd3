import { afterEach, beforeEach, expect, it } from 'vitest';
import { startTestApp, type TestApp, tokens } from '../../doubles/app.ts';
import { formOf, openSession, plainText, type Session } from '../../journey/console-page.ts';

let app: TestApp;
let alice: Session;

beforeEach(async () => {
  app = await startTestApp({});
  alice = await openSession(app.app.url, tokens['ALICE'] ?? '');
});
afterEach(() => app.stop());

/** As many alerts of one cluster; their ids. */
async function send(names: readonly string[], status: 'firing' | 'resolved' = 'firing'): Promise<string[]> {
  const ids: string[] = [];
  for (const name of names)
    ids.push((await app.alert({ alertname: name, cluster: 'eu' }, { status, fingerprint: name })).alert);
  const wanted = status;
  await app.until(async () => {
    const alerts = await Promise.all(ids.map(id => app.app.store.alert(id)));
    return alerts.every(alert => alert?.state === wanted);
  });
  return ids;
}

async function post(form: URLSearchParams, { at, cookie } = alice): Promise<string> {
  const answer = await fetch(`${at}/console/bulk`, {
    method: 'POST',
    body: form,
    headers: { cookie, origin: at, 'hx-request': 'true' },
  });
  return await answer.text();
}

function picked(session: Session, what: string, ids: readonly string[]): URLSearchParams {
  const fields = ids.map((id): [string, string] => [`pick.${id}`, 'yes']);
  return new URLSearchParams([['csrf', session.csrf], ['scope', 'picked'], ['what', what], ['for', '1h'], ...fields]);
}

const ask = (q: string) => post(new URLSearchParams({ csrf: alice.csrf, scope: 'ask', q }));

async function entriesOf(kind: string) {
  return (await app.journal()).filter(entry => entry.fact.kind === kind);
}

it('acknowledges and silences what is selected, one entry for each alert, and a second press adds none', async () => {
  const ids = await send(['A', 'B', 'C']);
  expect(await post(picked(alice, 'acknowledge', ids))).toContain('Acknowledge: 3 done.');
  const entries = await entriesOf('alert.acknowledged');
  expect(entries.map(entry => entry.stream).sort()).toEqual(ids.map(id => `alert/${id}`).sort());
  expect(entries.map(entry => entry.actor)).toEqual(ids.map(() => expect.objectContaining({ id: 'alice' })));
  expect(await post(picked(alice, 'silence', ids))).toContain('Silence for 1h: 3 done.');
  await Promise.all([post(picked(alice, 'acknowledge', ids)), post(picked(alice, 'silence', ids))]);
  expect(await entriesOf('alert.acknowledged')).toHaveLength(3);
  expect(await entriesOf('alert.silenced')).toHaveLength(3);
});

it('tells which were refused and why: one that is over, one that is not there, and all to whom may not', async () => {
  const ids = await send(['A', 'B', 'C']);
  await send(['B'], 'resolved');
  const answer = plainText(await post(picked(alice, 'acknowledge', [...ids, 'alt_nothing'])));
  expect(answer).toContain('Acknowledge: 2 done, 2 refused.');
  expect(answer).toContain('alt_nothing');
  expect(await entriesOf('alert.acknowledged')).toHaveLength(2);
  const rita = await openSession(app.app.url, tokens['RITA'] ?? '');
  expect(await post(picked(rita, 'silence', ids), rita)).toContain('Silence for 1h: 0 done, 3 refused.');
  expect(await entriesOf('alert.silenced')).toEqual([]);
});

it('acts on exactly those that were counted, and a second press changes nothing', async () => {
  const ids = await send(['A', 'B', 'C']);
  const asked = await ask('cluster=eu');
  const form = formOf(asked, 'Acknowledge all 3', true);
  const [late] = await send(['Late']);
  // One that was counted is over by now: no later one takes its place.
  await send(['A'], 'resolved');
  expect(await post(form)).toContain('Acknowledge: 2 done.');
  expect((await entriesOf('alert.acknowledged')).map(entry => entry.stream).sort()).toEqual(
    ids
      .slice(1)
      .map(id => `alert/${id}`)
      .sort(),
  );
  expect((await app.app.store.alert(late ?? ''))?.acknowledgedBy).toBeNull();
  expect(await post(form)).toContain('Nothing of these is left');
  const silence = formOf(asked, 'Silence all 3', true);
  silence.set('for', '2h');
  await Promise.all([post(silence), post(silence)]);
  expect((await entriesOf('alert.silenced')).map(entry => entry.stream).sort()).toEqual(
    ids
      .slice(1)
      .map(id => `alert/${id}`)
      .sort(),
  );
  expect(await entriesOf('alert.acknowledged')).toHaveLength(2);
});

it('tells before that it acts on 1,000 of more, and takes no more ids than that', async () => {
  const first = await app.app.store.alert((await send(['A']))[0] ?? '');
  if (first === null) throw new Error('no alert');
  const rows = Array.from({ length: 1001 }, (_, n) => ({
    table: 'alert' as const,
    doc: { ...first, id: `alt_many${n}`, fingerprint: `many${n}`, version: 1, firstSeen: first.firstSeen + 1 + n },
  }));
  await app.app.store.commit({ rows });
  const form = formOf(await ask('cluster=eu'), 'Acknowledge the oldest 1,000 of 1,002', true);
  const ids = form.get('ids')?.split(' ') ?? [];
  expect([ids.length, ids[0], ids.at(-1)]).toEqual([1000, first.id, 'alt_many998']);
  form.set('ids', [...ids, 'alt_many999'].join(' '));
  expect(await post(form)).toContain('At most 1,000 at a time; these are 1,001.');
  expect(await post(picked(alice, 'acknowledge', [...ids, 'alt_many999']))).toContain('At most 1,000 at a time');
  expect(await entriesOf('alert.acknowledged')).toEqual([]);
});
