import { get } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { startTestApp, type TestApp, tokens } from '../doubles/app.ts';
import { createClock, type HandClock } from '../doubles/clock.ts';

const clocks = { step: 1000, wait: 45_000, silence: 10_000 };
const files = {
  'gates.yaml': 'gates: { deploy: { ask: [ci] } }\n',
  'policy.yaml': 'rules: [{ name: ask, decide: approve, by: sre, expires: 10m }]\n',
};
const headers = { authorization: `Bearer ${tokens['CI']}` };
let app: TestApp;
let clock: HandClock & { waiting(): number };
afterEach(() => app.stop());

/** Much sleeps by this clock; `waiting` counts those alone who wait for a decision, told by where they fell asleep. */
function watchedClock(): typeof clock {
  const hand = createClock();
  let waiting = 0;
  return {
    ...hand,
    waiting: () => waiting,
    sleep(ms, signal) {
      const slept = hand.sleep(ms, signal);
      if (new Error('asleep').stack?.includes('/http/api/gates.ts') !== true) return slept;
      waiting += 1;
      return slept.finally(() => {
        waiting -= 1;
      });
    },
  };
}

async function asked(): Promise<string> {
  clock = watchedClock();
  app = await startTestApp(files, { clock });
  const body = { gate: 'deploy', subject: { service: 'checkout' } };
  return (await app.call('POST', '/gates', { as: 'CI', body })).body.id;
}

it('a wait says a space each 10 s of its clock, and pending after 45 s', async () => {
  const id = await asked();
  let text = '';
  let ended = false;
  get(`${app.app.url}/gates/${id}?wait=45s`, { headers, agent: false }, answer => {
    answer.setEncoding('utf8');
    answer.on('data', chunk => {
      text += chunk;
    });
    answer.on('end', () => {
      ended = true;
    });
  });
  await app.until(async () => text === ' ' && clock.waiting() === 1);
  const spokeAt = [clock.monotonic()];
  const end = clock.monotonic() + clocks.wait;
  while (clock.monotonic() < end) {
    await clock.advance(clocks.step);
    // The waiting one looks at the store, says something or not, and sleeps again.
    await app.until(async () => ended || clock.waiting() === 1);
    const due = clock.monotonic() - (spokeAt.at(-1) ?? 0) >= clocks.silence;
    if (due) await app.until(async () => ended || text.length > spokeAt.length);
    if (!ended && text.length > spokeAt.length) spokeAt.push(clock.monotonic());
  }
  await app.until(async () => ended);
  const gaps = spokeAt.slice(1).map((at, index) => at - (spokeAt[index] ?? 0));
  expect(gaps).toEqual([clocks.silence, clocks.silence, clocks.silence, clocks.silence]);
  expect(text).toMatch(/^ {5}\{/);
  expect(JSON.parse(text)).toMatchObject({ id, verdict: 'pending' });
});

it('a HEAD with ?wait is answered at once, without a body, and leaves nobody waiting', async () => {
  const id = await asked();
  // The clock stands still: what waited would wait for ever.
  const head = await fetch(`${app.app.url}/gates/${id}?wait=45s`, { method: 'HEAD', headers });
  expect([head.status, await head.text()]).toEqual([200, '']);
  expect(head.headers.get('content-type')).toMatch(/^application\/json/);
  const reads = await app.call('GET', `/gates/${id}`, { as: 'CI' });
  expect(reads.body.verdict).toBe('pending');
  expect(clock.waiting()).toBe(0);
});
