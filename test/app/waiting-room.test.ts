import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { openPatiently } from '../../src/app/waiting-room.ts';
import { TocsinError } from '../../src/kernel/errors.ts';
import { silentLog } from '../../src/kernel/log.ts';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));
  const address = server.address();
  await new Promise(resolve => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

test('while the database is not there, a browser gets a page and everybody else JSON', async () => {
  const port = await freePort();
  const ask = async (path: string, accept: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { accept } });
    return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
  };
  let tries = 0;
  const seen = await openPatiently(
    async () => {
      tries++;
      if (tries === 1) throw new TocsinError('store-unreachable', { at: 'db:5432', given: 'refused' });
      const html = 'text/html,application/xhtml+xml,*/*;q=0.8';
      return { page: await ask('/runs', html), json: await ask('/runs', '*/*'), api: await ask('/api/v1/runs', html) };
    },
    { listen: { host: '127.0.0.1', port }, log: silentLog, version: 'test' },
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
