import { afterEach, describe, expect, it } from 'vitest';
import { held, openPlace, type Place } from './place.ts';

const auto = `
rules:
  - { name: all by itself, decide: auto }
`;
const ask = `
rules:
  - { name: ask, decide: approve, by: on-call, expires: 30m }
`;
const fix = (steps: string, source = 'pagerduty') => `
title: Fix it
risk: low
on: [{ source: ${source} }]
params: {}
target: '"db-prod-3"'
steps:
${steps}
`;
const works = `  - { id: fix, exec: ${held(0)} }\n  - { id: gone, verify: { exec: ["true"], within: 1m } }`;
const breaks = `  - { id: fix, exec: ${held(1)} }`;

let place: Place;
afterEach(() => place.close());

describe('an incident of PagerDuty', () => {
  it('opens a thread, is acknowledged when the run begins, gets a note with the outcome and the link, and stays open', async () => {
    place = await openPlace(() => ({ 'policy.yaml': auto, 'runbooks/fix.yaml': fix(works) }));
    await place.incident('Q1');
    await place.untilTold('acknowledge');
    await place.letGo();
    const [note] = await place.untilTold('note');
    const [run] = await place.app.runs();
    expect(run).toMatchObject({ state: 'succeeded' });
    expect(place.pagerduty.incidents.get('Q1')).toMatchObject({ status: 'acknowledged', notes: [expect.any(String)] });
    const [written = ''] = place.pagerduty.incidents.get('Q1')?.notes ?? [];
    expect(written).toContain('Tocsin: Fix it succeeded');
    expect(written).toContain(`${place.app.app.url}/runs/${run?.id}`);
    expect(note).toMatchObject({ ok: true, source: 'pagerduty', run: run?.id });
    expect((await place.told()).map(fact => fact.what)).toEqual(['acknowledge', 'note']);
    expect([...place.pagerduty.calls]).toEqual([]);
  });

  it('shows who is on call in the thread, also those whom tocsin.yaml does not know', async () => {
    place = await openPlace(() => ({ 'policy.yaml': auto }));
    await place.incident('Q1');
    const [fact] = await place.untilTold('on-call');
    expect(fact?.text).toBe(
      "On call for DB on-call: Mina Okafor (mina), Eve External (PEXT is in nobody's accounts in tocsin.yaml, and cannot approve)",
    );
    const post = await place.app.until(async () =>
      (await place.app.app.store.posts({ platform: 'console', limit: 100 })).find(one => one.card.title === fact?.text),
    );
    expect(post.thread).toMatch(/^alert\//);
  });

  it('is not acknowledged for a look that changes nothing', async () => {
    const look = fix('  - { id: look, exec: ["true"] }').replace('risk: low', 'risk: none');
    place = await openPlace(() => ({ 'policy.yaml': auto, 'runbooks/look.yaml': look }));
    await place.incident('Q1');
    await place.untilTold('note');
    expect(place.pagerduty.incidents.get('Q1')).toMatchObject({ status: 'triggered' });
  });

  it('is resolved where the rule allows it and the run verified that it is gone', async () => {
    const policy = auto.replace('decide: auto', 'decide: auto, resolve: origin');
    place = await openPlace(() => ({ 'policy.yaml': policy, 'runbooks/fix.yaml': fix(works) }));
    await place.incident('Q1');
    await place.untilTold('acknowledge');
    await place.letGo();
    await place.untilTold('resolve');
    expect(place.pagerduty.incidents.get('Q1')).toMatchObject({ status: 'resolved' });
  });

  it.each([
    ['nothing was verified', `  - { id: fix, exec: ${held(0)} }`],
    ['something was changed after it', `${works}\n  - { id: more, exec: ["true"] }`],
  ])('is not resolved when %s', async (_why, steps) => {
    const policy = auto.replace('decide: auto', 'decide: auto, resolve: origin');
    place = await openPlace(() => ({ 'policy.yaml': policy, 'runbooks/fix.yaml': fix(steps) }));
    await place.incident('Q1');
    await place.untilTold('acknowledge');
    await place.letGo();
    await place.untilTold('note');
    expect((await place.told()).map(fact => fact.what)).toEqual(['acknowledge', 'note']);
    expect(place.pagerduty.incidents.get('Q1')).toMatchObject({ status: 'acknowledged' });
  });

  it('is handed back to the people on call when the run does not help, and nobody is paged twice', async () => {
    place = await openPlace(() => ({ 'policy.yaml': auto, 'runbooks/fix.yaml': fix(breaks) }));
    await place.incident('Q1');
    await place.untilTold('acknowledge');
    await place.letGo();
    await place.untilTold('recall');
    expect(place.pagerduty.incidents.get('Q1')).toMatchObject({ status: 'triggered', escalations: [1] });
    expect([...place.pagerduty.calls]).toEqual([]);
  });

  it('is paged about when PagerDuty will not take it back: incidents of low urgency cannot be escalated', async () => {
    place = await openPlace(pagerduty => {
      pagerduty.add({ id: 'Q1', urgency: 'low' });
      return { 'policy.yaml': auto, 'runbooks/fix.yaml': fix(breaks) };
    });
    await place.incident('Q1');
    await place.untilTold('acknowledge');
    await place.letGo();
    const [told] = await place.untilTold('recall');
    expect(told?.text).toContain('Cannot Escalate');
    expect([...place.pagerduty.calls.values()]).toMatchObject([{ open: true, triggers: 1 }]);
  });

  it('is acknowledged when somebody presses Acknowledge, in their name; what PagerDuty takes back is taken back here', async () => {
    place = await openPlace(() => ({ 'policy.yaml': auto }));
    await place.incident('Q1');
    const [alert] = await place.app.app.store.alerts({});
    if (alert === undefined) throw new Error('there is no alert');
    const { host, store } = place.app.app;
    const alice = { kind: 'person', id: 'alice', via: 'test', account: null } as const;
    const act = { kind: 'acknowledge', alert: alert.id, duration: 7_200_000, reason: 'the vendor looks' } as const;
    expect(await host.act(alice, act)).toMatchObject({ ok: true });
    await place.untilTold('note');
    expect(place.pagerduty.incidents.get('Q1')).toMatchObject({
      status: 'acknowledged',
      notes: [expect.stringContaining('acknowledged by alice: the vendor looks')],
    });
    await place.incident('Q1', 'acknowledged');
    expect((await store.alert(alert.id))?.acknowledgedBy).toBe('alice');
    await place.incident('Q1', 'escalated');
    expect((await store.alert(alert.id))?.acknowledgedBy).toBeNull();
  });

  it('gets the notes of people, also when it is over, and once', async () => {
    place = await openPlace(() => ({ 'policy.yaml': auto }));
    await place.incident('Q1');
    const [alert] = await place.app.app.store.alerts({});
    if (alert === undefined) throw new Error('there is no alert');
    const { host } = place.app.app;
    const alice = { kind: 'person', id: 'alice', via: 'test', account: null } as const;
    const write = (text: string) => host.act(alice, { kind: 'note', alert: alert.id, run: null, gate: null, text });
    expect(await write('the vendor looks')).toMatchObject({ ok: true });
    await place.untilTold('note');
    await place.incident('Q1', 'resolved');
    await write('it was the power supply');
    await place.untilTold('note', 2);
    expect(place.pagerduty.incidents.get('Q1')?.notes).toEqual([
      expect.stringContaining('note by alice: the vendor looks'),
      expect.stringContaining('note by alice: it was the power supply'),
    ]);
    expect(await write('  ')).toMatchObject({ ok: false, code: 'bad-request' });
    expect(await write('x'.repeat(1501))).toMatchObject({ ok: false, code: 'bad-request' });
    expect(await host.act(alice, { kind: 'note', alert: 'alt_0', run: null, gate: null, text: 'x' })).toMatchObject({
      ok: false,
      status: 404,
    });
  });

  it('may be decided by the person on call, and by nobody further up', async () => {
    place = await openPlace(() => ({ 'policy.yaml': ask, 'runbooks/fix.yaml': fix(works) }));
    await place.incident('Q1');
    const approval = await place.app.until(
      async () => (await place.app.call('GET', '/api/v1/approvals?state=open')).body[0],
    );
    const vote = (as: 'ALICE' | 'RITA') =>
      place.app.call('POST', `/api/v1/approvals/${approval.id}/votes`, { as, body: { vote: 'approve' } });
    expect(await vote('ALICE')).toMatchObject({ status: 403 });
    expect(await vote('RITA')).toMatchObject({ status: 200 });
    await place.letGo();
    const ended = await place.app.ended(approval.run);
    expect(ended.state).toBe('succeeded');
    const votes = (await place.app.journal()).map(entry => entry.fact).filter(fact => fact.kind === 'approval.voted');
    expect(votes[0]?.vote).toMatchObject({
      person: 'mina',
      standing: { group: 'on-call', how: 'live', from: 'pagerduty' },
    });
  });
});

describe('an alert from elsewhere', () => {
  it('pages when the run fails, with what people need to know', async () => {
    place = await openPlace(() => ({ 'policy.yaml': auto, 'runbooks/fix.yaml': fix(breaks, 'alertmanager') }));
    await place.letGo();
    await place.app.alert({ severity: 'critical' });
    await place.untilTold('page');
    const [run] = await place.app.runs();
    expect([...place.pagerduty.calls.keys()]).toEqual([`tocsin/${run?.id}`]);
    expect(place.pagerduty.calls.get(`tocsin/${run?.id}`)).toMatchObject({
      open: true,
      triggers: 1,
      last: {
        payload: {
          severity: 'critical',
          source: 'db-prod-3',
          component: 'fix',
          summary: expect.stringContaining('Fix it failed'),
        },
        client_url: `${place.app.app.url}/runs/${run?.id}`,
      },
    });
  });

  it('pages when nobody approved in time', async () => {
    const policy = ask.replace('on-call', 'sre').replace('30m', '300ms');
    place = await openPlace(() => ({ 'policy.yaml': policy, 'runbooks/fix.yaml': fix(works, 'alertmanager') }));
    await place.letGo();
    await place.app.alert({});
    await place.untilTold('page');
    expect([...place.pagerduty.calls.values()]).toMatchObject([
      { last: { payload: { summary: expect.stringContaining('expired') } } },
    ]);
  });

  it('pages when it still fires after the run, and takes the page back when it is gone after all', async () => {
    const steps = '  - { id: fix, exec: ["true"] }\n  - { id: gone, verify: { resolved: true, within: 100ms } }';
    place = await openPlace(() => ({ 'policy.yaml': auto, 'runbooks/fix.yaml': fix(steps, 'alertmanager') }));
    await place.letGo();
    await place.app.alert({});
    await place.untilTold('page');
    expect((await place.app.runs())[0]?.state).toBe('unconfirmed');
    await place.app.alert({}, { status: 'resolved' });
    await place.untilTold('unpage');
    expect([...place.pagerduty.calls.values()]).toMatchObject([{ open: false, triggers: 1 }]);
  });

  it('pages nobody when the run helped', async () => {
    place = await openPlace(() => ({ 'policy.yaml': auto, 'runbooks/fix.yaml': fix(works, 'alertmanager') }));
    await place.letGo();
    await place.app.alert({});
    await place.app.until(async () => (await place.app.runs()).some(run => run.state === 'succeeded'));
    await place.incident('Q9');
    await place.untilTold('on-call');
    expect(place.pagerduty.calls.size).toBe(0);
  });
});
