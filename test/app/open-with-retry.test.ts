import { expect, test } from 'vitest';
import { openWithRetry } from '../../src/app/open-with-retry.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { TocsinError } from '../../src/kernel/errors.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { createClock } from '../doubles/clock.ts';
import { freePort } from '../real/free-port.ts';

test('while the database is not there, a browser gets a page and everybody else JSON', async () => {
  const port = await freePort();
  const ask = async (path: string, accept: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { accept } });
    return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
  };
  let tries = 0;
  const seen = await openWithRetry(
    async () => {
      tries++;
      if (tries === 1) throw new TocsinError('store-unreachable', { at: 'db:5432', given: 'refused' });
      const html = 'text/html,application/xhtml+xml,*/*;q=0.8';
      return { page: await ask('/runs', html), json: await ask('/runs', '*/*'), api: await ask('/api/v1/runs', html) };
    },
    { listen: { host: '127.0.0.1', port }, clock: systemClock, log: silentLog, version: 'test' },
  );
  expect(seen.page).toMatchObject({ status: 503, type: 'text/html; charset=utf-8' });
  expect(seen.page.text).toContain('Tocsin waits for its database.');
  for (const { status, type, text } of [seen.json, seen.api]) {
    expect([status, type]).toEqual([503, 'application/json']);
    expect(JSON.parse(text)).toEqual({
      error: {
        code: 'overloaded',
        message: 'Not accepted: Tocsin waits for its database.',
        remedy: 'Send it again after the time in Retry-After.',
      },
    });
  }
});

test('says on /readyz what is waited for, in one line, and logs each cause once and then once a minute', async () => {
  const port = await freePort();
  const clock = createClock();
  const logged: unknown[] = [];
  const log = {
    ...silentLog,
    warn: (facts: object) => logged.push(facts),
    info: (_: object, text = '') => logged.push(text),
  };
  const causes = [...Array(20).fill('connection refused'), 'no such host'];
  let ready: unknown;
  const opening = openWithRetry(
    async () => {
      const given = causes.shift();
      if (given !== undefined) throw new TocsinError('store-unreachable', { at: 'db:5432', given });
      ready = await (await fetch(`http://127.0.0.1:${port}/readyz`)).json();
      return 'open';
    },
    { listen: { host: '127.0.0.1', port }, clock, log, version: 'test' },
  );
  let opened = false;
  void opening.then(() => {
    opened = true;
  });
  while (!opened) {
    if (clock.sleepers() > 0) await clock.advance(10_000);
    await new Promise(resolve => setImmediate(resolve));
  }
  // Twenty tries are about 155 seconds.
  const refused = { at: 'db:5432', because: 'connection refused' };
  expect(logged).toEqual([
    refused,
    refused,
    refused,
    { at: 'db:5432', because: 'no such host' },
    'the database answers',
  ]);
  expect(ready).toMatchObject({ ready: false, well: false, fleet: { nodes: [], problems: [] } });
  expect(ready).toMatchObject({
    parts: { store: expect.stringMatching(/^The database server .*\(no such host, db:5432\) See that/) },
  });
});
