import { afterEach, describe, expect, it } from 'vitest';
import type { Actor } from '../../../src/model/actor.ts';
import { type Alert, foldAlert } from '../../../src/model/alert.ts';
import { foldAct } from '../../../src/model/alert-acts.ts';
import type { Entry } from '../../../src/model/journal.ts';
import { basicConfig, startTestApp, type TestApp, type tokens } from '../../doubles/app.ts';

let test: TestApp;
afterEach(() => test.stop());

const open = async (files: Record<string, string> = {}) => {
  test = await startTestApp(files);
  const { alert } = await test.alert({ alertname: 'Other' });
  return alert;
};
const ask = (method: string, id: string, what: string, as: keyof typeof tokens, body?: unknown) =>
  test.call(method, `/api/v1/alerts/${id}/${what}`, { as, ...(body === undefined ? {} : { body }) });
const facts = async (kind: string) => (await test.journal()).filter(({ fact }) => fact.kind === kind);

function refold(known: Alert | null, { fact, at, actor }: Entry): Alert | null {
  if (known !== null && fact.kind !== 'event.accepted') return foldAct(known, fact, at, actor);
  if (fact.kind !== 'event.accepted' || fact.effect === null || fact.event.body.kind !== 'alert') return known;
  return foldAlert(known, { ...fact.event, body: fact.event.body }, fact.effect, fact.alert ?? '', fact);
}

describe('alerts', () => {
  it('are acknowledged by anybody known, for a time or not, and that is taken back', async () => {
    const id = await open();
    expect((await ask('POST', id, 'acknowledge', 'RITA')).body).toMatchObject({
      acknowledgedBy: 'rita',
      acknowledgedUntil: null,
    });
    const timed = await ask('POST', id, 'acknowledge', 'CI', { for: '2h', reason: 'it retries' });
    expect(timed.body).toMatchObject({ acknowledgedBy: 'service ci', acknowledgedUntil: expect.stringMatching(/Z$/) });
    expect((await ask('DELETE', id, 'acknowledge', 'RITA')).body).toMatchObject({
      acknowledgedBy: null,
      acknowledgedUntil: null,
    });
    expect((await ask('DELETE', id, 'acknowledge', 'RITA')).status).toBe(200);
    expect((await facts('alert.unacknowledged')).map(({ actor }) => actor.id)).toEqual(['rita']);
    expect((await facts('alert.acknowledged')).map(({ fact }) => fact)).toEqual([
      { kind: 'alert.acknowledged', alert: id },
      { kind: 'alert.acknowledged', alert: id, until: expect.any(Number), reason: 'it retries' },
    ]);
  });

  it('are silenced and closed by operators only; who may not is journalled', async () => {
    const id = await open();
    for (const as of ['RITA', 'CI'] as const) {
      expect((await ask('POST', id, 'silence', as, { for: '1h' })).status).toBe(403);
      expect((await ask('DELETE', id, 'silence', as)).status).toBe(403);
      expect((await ask('POST', id, 'close', as, { reason: 'it is gone' })).status).toBe(403);
    }
    expect((await facts('act.refused')).map(({ actor, fact }) => [actor.id, 'act' in fact && fact.act])).toEqual(
      ['rita', 'ci'].flatMap(who => ['silence', 'unsilence', 'close'].map(act => [who, act])),
    );
    expect((await ask('POST', id, 'silence', 'BOB', { for: '1h', reason: 'a test' })).body).toMatchObject({
      state: 'silenced',
      silencedBy: 'bob',
    });
    expect((await ask('DELETE', id, 'silence', 'ALICE')).body).toMatchObject({
      state: 'firing',
      silencedBy: null,
      silencedUntil: null,
    });
    expect((await ask('POST', id, 'close', 'ALICE', { reason: ' it is gone ' })).body).toMatchObject({
      state: 'resolved',
      end: { how: 'closed', because: 'alice: it is gone' },
      resolvedAt: expect.any(String),
    });
  });

  it('are closed by a service only where there are no operators and its token names close', async () => {
    const config = basicConfig
      .replace('operators: [sre]\n', '')
      .replace(
        '{ env: CI, service: ci }',
        '{ env: CI, service: ci, may: [close] }\n  - { env: ROBOT, service: robot }',
      );
    test = await startTestApp({ 'tocsin.yaml': config }, { env: { ROBOT: 'token-of-robot' } });
    const { alert: id } = await test.alert({ alertname: 'Other' });
    const close = (token: string) =>
      test.call('POST', `/api/v1/alerts/${id}/close`, {
        as: null,
        headers: { authorization: `Bearer ${token}` },
        body: { reason: 'the machine is gone' },
      });
    const refused = await close('token-of-robot');
    expect([refused.status, refused.body.error.message]).toEqual([403, expect.stringContaining('names close')]);
    expect((await ask('POST', id, 'silence', 'CI', { for: '1h' })).body.error.message).toBe(
      'This token may only close.',
    );
    expect((await close('token-of-ci')).body).toMatchObject({ end: { because: 'service ci: the machine is gone' } });
  });

  it('change once for a press that comes twice, or twenty times at once', async () => {
    const id = await open();
    const twenty = (method: string, what: string, body?: unknown) =>
      Promise.all(Array.from({ length: 20 }, () => ask(method, id, what, 'ALICE', body)));
    const all = [
      ...(await twenty('POST', 'acknowledge', {})),
      ...(await twenty('DELETE', 'acknowledge')),
      ...(await twenty('POST', 'acknowledge', { for: '2h' })),
      ...(await twenty('POST', 'silence', { for: '1h' })),
      ...(await twenty('DELETE', 'silence')),
      ...(await twenty('POST', 'close', { reason: 'it is gone' })),
    ];
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]));
    const kinds = (await test.journal()).map(({ fact }) => fact.kind).filter(kind => kind.startsWith('alert.'));
    expect(kinds).toEqual([
      'alert.acknowledged',
      'alert.unacknowledged',
      'alert.acknowledged',
      'alert.silenced',
      'alert.unsilenced',
      'alert.closed',
    ]);
  });

  it('take another time in place of the first', async () => {
    const id = await open();
    await ask('POST', id, 'silence', 'ALICE', { for: '4h' });
    const shorter = await ask('POST', id, 'silence', 'BOB', { for: '1h' });
    expect(shorter.body.silencedBy).toBe('bob');
    expect(await facts('alert.silenced')).toHaveLength(2);
  });

  it('refuse what makes no sense, and say what does', async () => {
    const id = await open();
    const refused = async (method: string, what: string, body?: unknown) => {
      const { status, body: said } = await ask(method, id, what, 'ALICE', body);
      return [status, said.error.code, said.error.message] as const;
    };
    expect(await refused('POST', 'silence', {})).toEqual([400, 'bad-request', expect.stringContaining('body.for')]);
    expect(await refused('POST', 'silence', { for: '60' })).toEqual([
      400,
      'bad-request',
      expect.stringContaining('60 has no unit'),
    ]);
    expect(await refused('POST', 'silence', { for: '31d' })).toEqual([
      400,
      'bad-request',
      expect.stringContaining('30 days'),
    ]);
    expect((await refused('POST', 'acknowledge', { for: '0s' }))[0]).toBe(400);
    expect(await refused('POST', 'close', { reason: ' ' })).toEqual([
      400,
      'bad-request',
      expect.stringContaining('body.reason'),
    ]);
    expect((await ask('POST', 'alt_00000', 'close', 'ALICE', { reason: 'x' })).status).toBe(404);
    const { host } = test.app;
    const alice: Actor = { kind: 'person', id: 'alice', via: 'test', account: null };
    // A form that lets an empty reason through is no way around it, and neither is a button of an earlier episode.
    expect(await host.act(alice, { kind: 'close', alert: id, reason: ' ' })).toMatchObject({ code: 'bad-request' });
    expect(await host.act(alice, { kind: 'close', alert: id, reason: 'x', episode: 2 })).toMatchObject({
      ok: false,
      status: 409,
      text: expect.stringContaining('episode 2'),
    });
    await test.alert({ alertname: 'Other' }, { status: 'resolved' });
    for (const what of ['acknowledge', 'silence']) {
      expect((await refused('POST', what, { for: '1h' }))[0]).toBe(409);
      expect((await refused('DELETE', what))[0]).toBe(409);
    }
    expect((await refused('POST', 'close', { reason: 'x' }))[0]).toBe(409);
  });

  it('fire again after a close: the same start goes on in the same episode', async () => {
    const id = await open();
    await ask('POST', id, 'close', 'ALICE', { reason: 'it is gone' });
    await test.alert({ alertname: 'Other' });
    const after = await test.app.store.alert(id);
    expect(after).toMatchObject({ state: 'firing', episode: 1, end: null, resolvedAt: null });
    expect((await test.app.store.stream(`alert/${id}`)).reduce(refold, null)).toEqual(after);
  });
});

describe('what is for a time', () => {
  it('ends by itself, once, and the documents are what the entries make', async () => {
    const id = await open();
    await ask('POST', id, 'acknowledge', 'RITA', { for: '1s' });
    await ask('POST', id, 'silence', 'ALICE', { for: '1s' });
    const after = await test.until(async () => {
      const alert = await test.app.store.alert(id);
      return alert?.acknowledgedBy === null && alert.state === 'firing' ? alert : null;
    });
    expect(after).toMatchObject({ silencedUntil: null, silencedBy: null, acknowledgedUntil: null });
    for (const kind of ['alert.unacknowledged', 'alert.unsilenced'])
      expect((await facts(kind)).map(({ actor }) => actor.kind)).toEqual(['system']);
    expect((await test.app.store.stream(`alert/${id}`)).reduce(refold, null)).toEqual(after);
  });

  it('ends after a restart too, also where an earlier build left it for ever', async () => {
    const id = await open();
    const { folder } = test;
    const known = (await test.app.store.alert(id)) as Alert;
    const stream = `alert/${id}`;
    const who: Actor = { kind: 'person', id: 'alice', via: 'test', account: null };
    const at = Date.now() - 7_200_000;
    const fact = { kind: 'alert.silenced', alert: id, until: at + 3_600_000 } as const;
    await test.app.store.commit({
      guards: [{ kind: 'stream', stream, version: known.version }],
      entries: [{ stream, actor: who, at, fact }],
      rows: [{ table: 'alert', doc: foldAct(known, fact, at, who) }],
    });
    await test.app.stop('a restart');
    test = await startTestApp({}, { folder });
    await test.until(async () => (await test.app.store.alert(id))?.state === 'firing');
    expect((await facts('alert.unsilenced')).map(({ actor }) => actor.kind)).toEqual(['system']);
  });
});
