import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lastTime } from '../../../src/flow/statistics/digest.ts';
import { startTestApp, type TestApp } from '../../doubles/app.ts';
import { createClock, type HandClock } from '../../doubles/clock.ts';

const config = (digest: string) => `
timezone: Europe/London
${digest}
sources:
  probe: { type: webhook, auth: { bearer: secret }, map: { fingerprint: body.name, state: body.state, title: body.name } }
people: { alice: {} }
operators: [alice]
tokens: [{ env: ALICE, person: alice }]
`;

const hour = 3_600_000;
/** A Friday. */
const friday = Date.UTC(2026, 10, 27, 12);
let clock: HandClock;
let app: TestApp;
let folder = '';

beforeEach(async () => {
  clock = createClock(friday);
  folder = await mkdtemp(join(tmpdir(), 'tocsin-digest-'));
});
afterEach(async () => {
  await app.stop();
  await rm(folder, { recursive: true, force: true });
});

async function start(digest = 'digest: { to: ["console:alerts"] }'): Promise<void> {
  app = await startTestApp({ 'tocsin.yaml': config(digest) }, { clock, folder, keep: true });
}

async function deliver(name: string, state: 'firing' | 'resolved'): Promise<void> {
  const headers = { authorization: 'Bearer secret' };
  const answer = await app.call('POST', '/events/probe', { as: null, headers, body: { name, state } });
  expect(answer.status).toBe(202);
}

const digests = async () => (await app.journal()).filter(entry => entry.fact.kind === 'digest.made');
const posts = async () =>
  (await app.app.store.posts({ platform: 'console' })).filter(post => post.key.startsWith('digest/'));

/** Lets the rounds go on; time moves so little that nothing else becomes due. */
async function rounds(): Promise<void> {
  for (let index = 0; index < 40; index++) {
    await clock.advance(1000);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

describe('the digest of a week', () => {
  test('is posted on Monday at nine by the clock of the deployment, once, and says what the week was like', async () => {
    await start();
    await deliver('disk', 'firing');
    await clock.advance(hour);
    await deliver('disk', 'resolved');
    clock.jump(Date.UTC(2026, 10, 30, 8, 58));
    await rounds();
    expect(await digests()).toEqual([]);
    await clock.advance(3 * 60_000);
    const [post] = await app.until(async () => {
      await clock.advance(1000);
      const found = await posts();
      return found.length > 0 ? found : null;
    });
    expect(post).toMatchObject({ key: 'digest/2026-11-23', channel: 'alerts', thread: null });
    expect(post?.card.title).toBe('Week of 2026-11-23: 1 alert, 0 fixed by runbooks, 0 without people');
    expect(JSON.stringify(post?.card.blocks)).toContain('"label":"Over after, without one","value":"');
    expect(JSON.stringify(post?.card.blocks)).toContain('"label":"Noisiest","value":"disk (1)"');
    await app.stop();
    await start();
    await rounds();
    expect(await digests()).toHaveLength(1);
  });

  test('is left out when nobody wants it, when there was no week, and when it would be two days late', async () => {
    await start('');
    await deliver('disk', 'firing');
    clock.jump(Date.UTC(2026, 10, 30, 9, 1));
    await rounds();
    expect(await digests()).toEqual([]);
    await app.stop();
    clock.jump(Date.UTC(2026, 11, 3, 9, 1));
    await start();
    await rounds();
    expect(await digests()).toEqual([]);
    clock.jump(Date.UTC(2026, 11, 14, 9, 1));
    await rounds();
    expect(await digests()).toEqual([]);
  });

  test('knows the time of the week over a change of the clocks', () => {
    const monday = Date.UTC(2026, 2, 30, 8);
    expect(lastTime('Mon 09:00', monday, 'Europe/London')).toBe(monday);
    expect(lastTime('Mon 09:00', monday - 1, 'Europe/London')).toBe(Date.UTC(2026, 2, 23, 9));
    expect(lastTime('fri 16:30', monday, 'UTC')).toBe(Date.UTC(2026, 2, 27, 16, 30));
  });

  test('refuses a time that is none, and a channel that is none', async () => {
    app = await startTestApp({ 'tocsin.yaml': config('') }, { clock, folder, keep: true });
    for (const [digest, said] of [
      ['digest: { to: ["console:alerts"], at: Montag 9 }', 'a day and a time, for example Mon 09:00'],
      ['digest: { to: ["alerts"] }', 'platform:channel'],
      ['digest: { to: [] }', 'to'],
    ] as const) {
      await writeFile(join(folder, 'tocsin.yaml'), config(digest));
      const problems = await app.until(async () => {
        await clock.advance(1000);
        const { body } = await app.call('GET', '/readyz', { as: null });
        return body.problems?.length > 0 && JSON.stringify(body.problems).includes(said) ? body.problems : null;
      });
      expect(problems[0].file).toMatch(/tocsin\.yaml$/);
    }
  });
});
