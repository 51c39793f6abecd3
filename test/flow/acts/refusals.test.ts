import { afterEach, expect, test } from 'vitest';
import { createRefusals, mostOfStrangers } from '../../../src/flow/acts/refusals.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import type { Act } from '../../../src/model/act.ts';
import type { Actor } from '../../../src/model/actor.ts';
import { startTestApp, type TestApp } from '../../doubles/app.ts';
import { createClock } from '../../doubles/clock.ts';

const stranger = (id: string): Actor => ({ kind: 'stranger', id: `slack:${id}`, via: 'slack', because: 'nobody' });
const rita: Actor = { kind: 'person', id: 'rita', via: 'slack', account: 'slack:R' };

test('the same refusal of a stranger counts as journalled once a minute; another subject, act or stranger is another one', async () => {
  const clock = createClock();
  const { admit } = createRefusals(clock);
  const all = () => [
    admit(stranger('A'), 'vote', 'apv_1'),
    admit(stranger('A'), 'vote', 'apv_1'),
    admit(stranger('A'), 'vote', 'apv_2'),
    admit(stranger('A'), 'cancel', 'apv_1'),
    admit(stranger('B'), 'vote', 'apv_1'),
  ];
  expect(all()).toEqual([true, false, true, true, true]);
  await clock.advance(59_999);
  expect(all()).toEqual([false, false, false, false, false]);
  // What was not journalled does not put the next one off.
  await clock.advance(1);
  expect(all()).toEqual([true, false, true, true, true]);
});

test('all strangers together are journalled so often a minute and no more; people always', async () => {
  const clock = createClock();
  const { admit } = createRefusals(clock);
  const crowd = () => Array.from({ length: 1000 }, (_, n) => admit(stranger(`S${n}`), 'vote', 'apv_1')).filter(Boolean);
  expect(crowd()).toHaveLength(mostOfStrangers);
  expect([admit(rita, 'vote', 'apv_1'), admit(rita, 'vote', 'apv_1')]).toEqual([true, true]);
  await clock.advance(60_000);
  expect(crowd()).toHaveLength(mostOfStrangers);
});

let app: TestApp | null = null;
afterEach(async () => await app?.stop());

test('strangers do not flood the journal: each is refused, and what is not journalled is counted', async () => {
  let later = 0;
  const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + later };
  app = await startTestApp({}, { clock });
  const { app: running, journal } = app;
  const refusals = async (kind: Actor['kind']) =>
    (await journal()).filter(entry => entry.fact.kind === 'act.refused' && entry.actor.kind === kind);
  const press = (who: Actor, subject: string) => {
    const act: Act = { kind: 'acknowledge', alert: subject };
    return running.host.act(who, act);
  };
  const answers = await Promise.all(
    Array.from({ length: 300 }, (_, n) => press(stranger(`S${n % 100}`), `alt_${n % 100}`)),
  );
  expect(answers.every(answer => !answer.ok && answer.status === 403)).toBe(true);
  expect(await refusals('stranger')).toHaveLength(mostOfStrangers);
  const metrics = await (await fetch(`${running.url}/metrics`)).text();
  expect(metrics).toContain('tocsin_acts_refused_total{act="acknowledge"} 300');
  expect(metrics).toContain(`tocsin_acts_unjournalled_total{act="acknowledge"} ${300 - mostOfStrangers}`);
  later = 60_000;
  await press(stranger('S1'), 'alt_1');
  expect(await refusals('stranger')).toHaveLength(mostOfStrangers + 1);
});
