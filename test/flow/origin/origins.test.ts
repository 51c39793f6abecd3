import { afterEach, beforeEach, expect, test } from 'vitest';
import { createOrigins, type Origins } from '../../../src/flow/origin/origins.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import driver from '../../../src/sources/gitlab/index.ts';
import { sampleAlert } from '../../contracts/samples.ts';
import { createClock } from '../../doubles/clock.ts';
import { type OriginServer, startOriginServer } from '../../doubles/origin-server.ts';

let server: OriginServer;
let origins: Origins;
const comments = Array.from({ length: 100 }, () => ({ note: 'x'.repeat(64 * 1024) }));
beforeEach(async () => {
  server = await startOriginServer(({ method, query }) =>
    method === 'GET' ? { status: 200, body: query.get('page') === '1' ? comments : [] } : { status: 201, body: {} },
  );
});
afterEach(async () => {
  await origins.close();
  server.close();
});

test('a page of comments as long as strangers may write them keeps nothing from being written', async () => {
  const options = driver.options.parse({ url: server.url, token: 't', apiToken: 'a', comment: true });
  const gitlab = { name: 'gitlab', driver, options };
  const current = () => ({ sources: new Map([['gitlab', gitlab]]) }) as never;
  origins = createOrigins({ catalogue: { current }, clock: createClock(), log: silentLog });
  const labels = { project: 'acme/shop', sha: 'a'.repeat(40) };
  const note = origins.of('gitlab')?.connection.note;
  const text = await note?.(sampleAlert({ labels }), { text: 'words', marker: 'note/run_1/1' });
  expect(text).toBe('Wrote a comment on the commit at GitLab');
});
