import { afterEach, describe, expect, it } from 'vitest';
import type { Store } from '../../../src/ports/store.ts';
import { type PagerDutyDouble, startPagerDuty } from '../../doubles/pagerduty.ts';
import { config, held, openPlace, type Place, populate } from './place.ts';

const auto = 'rules: [{ name: all by itself, decide: auto }]';
const fix = (exit: 0 | 1, source = 'pagerduty') => `
title: Fix it
risk: low
on: [{ source: ${source} }]
params: {}
steps: [{ id: fix, exec: ${held(exit)} }]
`;

let place: Place;
let pagerduty: PagerDutyDouble | null = null;
afterEach(async () => {
  await place.close();
  await pagerduty?.close();
  pagerduty = null;
});

const count = (on: RegExp) => place.pagerduty.requests.filter(name => on.test(name)).length;

describe('what goes wrong on the way', () => {
  it('a note whose answer was lost is found again, and not written twice', async () => {
    place = await openPlace(double => {
      double.fail({ on: /^POST .*notes$/, times: 1, how: 'lost' });
      return { 'policy.yaml': auto, 'runbooks/fix.yaml': fix(0) };
    });
    await place.incident('Q1');
    await place.app.until(async () => place.pagerduty.requests.some(name => name.startsWith('PUT')));
    await place.letGo();
    const [fact] = await place.untilTold('note');
    expect(fact).toMatchObject({ ok: true, text: 'The note is in PagerDuty already' });
    expect(place.pagerduty.incidents.get('Q1')?.notes).toHaveLength(1);
    expect(count(/^POST .*notes$/)).toBe(1);
  });

  it('an acknowledgement and a page whose answers were lost are repeated without a second effect', async () => {
    place = await openPlace(double => {
      double.fail({ on: /^POST .*enqueue$/, times: 2, how: 'lost' });
      return { 'policy.yaml': auto, 'runbooks/fix.yaml': fix(1, 'alertmanager') };
    });
    await place.letGo();
    await place.app.alert({});
    await place.untilTold('page');
    expect(count(/enqueue$/)).toBe(3);
    expect([...place.pagerduty.calls.keys()]).toHaveLength(1);
    expect((await place.told()).filter(fact => fact.what === 'page')).toHaveLength(1);
  });

  it('an origin that is down holds nothing back: the run ends, the order is kept, readiness says what is wrong', async () => {
    place = await openPlace(double => {
      double.fail({ on: /^(PUT|POST|GET) \/incidents/, times: 3, how: { status: 503 } });
      return { 'policy.yaml': auto, 'runbooks/fix.yaml': fix(0) };
    });
    await place.incident('Q1');
    await place.app.until(async () => place.pagerduty.requests.some(name => name.startsWith('PUT')));
    await place.letGo();
    await place.app.until(async () => (await place.app.runs())[0]?.state === 'succeeded');
    const ready = await place.app.until(async () => {
      const { body, status } = await place.app.call('GET', '/readyz', { as: null });
      expect(status).toBe(200);
      return body.parts['origin pagerduty'] === null ? null : body.parts['origin pagerduty'];
    });
    expect(ready).toContain('PagerDuty answered 503');
    await place.untilTold('note');
    expect((await place.told()).map(fact => fact.what)).toEqual(['acknowledge', 'note']);
    const { body } = await place.app.call('GET', '/readyz', { as: null });
    expect(body.parts['origin pagerduty']).toBeNull();
    const metrics = await (await fetch(`${place.app.app.url}/metrics`)).text();
    expect(metrics).toContain('tocsin_origin_told_total{source="pagerduty",what="acknowledge",outcome="failed"} 3');
    expect(metrics).toContain('tocsin_origin_told_total{source="pagerduty",what="note",outcome="ok"} 1');
  });

  it('a limit is waited for as long as it says', async () => {
    place = await openPlace(double => {
      double.fail({ on: /enqueue$/, times: 1, how: { status: 429, headers: { 'retry-after': '1' } } });
      return { 'policy.yaml': auto, 'runbooks/fix.yaml': fix(1, 'alertmanager') };
    });
    await place.letGo();
    await place.app.alert({});
    await place.untilTold('page');
    expect(count(/enqueue$/)).toBe(2);
  });

  it('a refusal is told in the thread and holds up nothing behind it', async () => {
    place = await openPlace(double => {
      double.fail({ on: /^PUT/, times: 1, how: { status: 403 } });
      return { 'policy.yaml': auto, 'runbooks/fix.yaml': fix(0) };
    });
    await place.incident('Q1');
    await place.app.until(async () => place.pagerduty.requests.some(name => name.startsWith('PUT')));
    await place.letGo();
    await place.untilTold('note');
    const refused = (await place.told()).find(fact => fact.what === 'acknowledge');
    expect(refused).toMatchObject({ ok: false, text: expect.stringContaining('PagerDuty answered 403') });
    const posts = await place.app.until(async () => {
      const all = await place.app.app.store.posts({ platform: 'console', limit: 100 });
      return all.some(post => post.card.title.startsWith('pagerduty was not told')) ? all : null;
    });
    expect(posts.length).toBeGreaterThan(0);
  });

  it('a wrong key is no reason to give up: with the right one everything is told', async () => {
    place = await openPlace(double => {
      const right = double.apiToken;
      double.apiToken = 'another';
      return {
        'tocsin.yaml': config({ ...double, apiToken: right }),
        'policy.yaml': auto,
        'runbooks/fix.yaml': fix(0),
      };
    });
    await place.incident('Q1');
    await place.app.until(async () => place.pagerduty.requests.some(name => name.startsWith('PUT')));
    await place.letGo();
    const trouble = await place.app.until(async () => {
      const { body } = await place.app.call('GET', '/readyz', { as: null });
      return body.parts['origin pagerduty'];
    });
    expect(trouble).toContain('The key is not valid');
    place.pagerduty.apiToken = 'a-rest-api-key';
    await place.untilTold('note');
    expect(place.pagerduty.incidents.get('Q1')?.notes).toHaveLength(1);
  });
});

describe('a process that ends', () => {
  it('after the effect and before it was recorded: nothing is done twice after the next start', async () => {
    pagerduty = await startPagerDuty();
    populate(pagerduty);
    const double = pagerduty;
    const files = () => ({ 'policy.yaml': auto, 'runbooks/fix.yaml': fix(1) });
    let broken = true;
    const failing = (store: Store): Store => ({
      ...store,
      commit: change =>
        broken && change.entries?.some(entry => entry.fact.kind === 'origin.told')
          ? Promise.reject(new Error('the disk went away'))
          : store.commit(change),
    });
    place = await openPlace(files, { pagerduty: double, wrapStore: failing, keep: true });
    const { folder } = place.app;
    await place.incident('Q1');
    await place.app.until(async () => place.pagerduty.requests.some(name => name.startsWith('PUT')));
    await place.letGo();
    await place.app.until(async () => double.incidents.get('Q1')?.status === 'acknowledged');
    await place.app.until(async () => (await place.app.runs())[0]?.state === 'failed');
    await place.close();
    broken = false;
    place = await openPlace(files, { pagerduty: double, folder });
    await place.untilTold('recall');
    expect((await place.told()).map(fact => fact.what)).toEqual(['acknowledge', 'note', 'recall']);
    expect(double.incidents.get('Q1')).toMatchObject({ escalations: [1], notes: [expect.any(String)] });
  });

  it('tells after the next start what it had not told, and nothing of before there was a way', async () => {
    pagerduty = await startPagerDuty();
    populate(pagerduty);
    const double = pagerduty;
    const silent = config(double).replace(/^ {4}(apiToken|routingKey|from):.*\n/gm, '');
    place = await openPlace(
      () => ({ 'tocsin.yaml': silent, 'policy.yaml': auto, 'runbooks/fix.yaml': fix(1, 'alertmanager') }),
      {
        pagerduty: double,
        keep: true,
      },
    );
    const { folder } = place.app;
    await place.letGo();
    await place.app.alert({});
    await place.app.until(async () => (await place.app.runs())[0]?.state === 'failed');
    await place.close();

    double.fail({ on: /enqueue$/, times: 100, how: { status: 500 } });
    place = await openPlace(() => ({}), { pagerduty: double, folder, keep: true });
    await place.letGo();
    await place.app.alert({}, { fingerprint: 'another' });
    await place.app.until(async () => double.requests.some(name => name.endsWith('enqueue')));
    const second = (await place.app.runs()).map(run => run.id)[0];
    await place.close();
    expect(double.calls.size).toBe(0);

    double.heal();
    place = await openPlace(() => ({}), { pagerduty: double, folder });
    await place.untilTold('page');
    expect([...double.calls.keys()]).toEqual([`tocsin/${second}`]);
  });
});
