import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endAll, ready, start } from '../../cli/process.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-records-'));
});
afterEach(async () => {
  endAll();
  await rm(folder, { recursive: true, force: true });
});

test('what a window had counted is there after kill -9, and a batch that is sent again counts once', async () => {
  await writeFile(
    join(folder, 'tocsin.yaml'),
    `sources:
  records:
    token: log-secret
    detect:
      - { name: failed, where: record.ok == false, by: [record.user], count: { atLeast: 4, within: 10m } }
`,
  );
  const post = async (url: string, lines: readonly object[]) => {
    const answer = await fetch(`${url}/events/records`, {
      method: 'POST',
      headers: { authorization: 'Bearer log-secret', 'content-encoding': 'gzip' },
      body: new Uint8Array(gzipSync(lines.map(one => JSON.stringify(one)).join('\n'))),
    });
    expect(answer.status).toBe(202);
    return await answer.json();
  };
  const batch = (id: number) => [
    { user: 'ann', ok: false, id },
    { user: 'ann', ok: false, id: -id },
  ];
  const first = start(folder);
  await post((await ready(first)).url, batch(1));
  first.child.kill('SIGKILL');
  await first.ended;
  const second = start(folder);
  const { url } = await ready(second);
  // The sender lost its answer.
  expect(await post(url, batch(1))).toMatchObject({ duplicate: true, alerts: 0 });
  expect(await post(url, batch(2))).toMatchObject({ duplicate: false, alerts: 1 });
  const alerts = (await (await fetch(`${url}/api/v1/alerts`)).json()) as { title: string }[];
  expect(alerts.map(one => one.title)).toEqual(['failed: ann']);
});
