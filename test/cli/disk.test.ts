import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { delivery, endAll, ready, root, start } from './process.ts';

/** strace makes the real process's fsync fail; containers without ptrace cannot. */
const traces = spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0;

let folder: string;
afterEach(async () => {
  endAll();
  await rm(folder, { recursive: true, force: true });
});

describe.skipIf(!traces)('a disk whose fsync fails', () => {
  test('nothing more is accepted, the process ends, and all that was accepted is there afterwards', async () => {
    folder = await mkdtemp(join(tmpdir(), 'tocsin-disk-'));
    await writeFile(join(folder, 'tocsin.yaml'), 'sources:\n  alertmanager: {}\n');
    const failing = ['strace', '-f', '-o', '/dev/null', '-e', 'inject=fdatasync:error=EIO:when=4+'];
    const command = [...failing, join(root, 'node_modules/.bin/node'), join(root, 'src/main.ts')];
    const tocsin = start(folder, { command });
    const { url } = await ready(tocsin);
    const accepted: string[] = [];
    const statuses = new Set<number>();
    // Each of node's threads counts its own calls, so the failure comes somewhere within these.
    for (let number = 0; number < 200 && !statuses.has(503); number++) {
      const body = delivery
        .replaceAll('"Test"', `"Test${number}"`)
        .replaceAll('"fingerprint":"', `"fingerprint":"${number}`);
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${url}/events/alertmanager`, { method: 'POST', headers, body });
      statuses.add(answer.status);
      const { accepted: [one] = [] } = (await answer.json()) as { accepted?: { alert: string }[] };
      if (one !== undefined) accepted.push(one.alert);
    }
    expect([...statuses]).toEqual([202, 503]);
    expect(await tocsin.ended).toBe(1);
    expect(tocsin.err()).toContain('The disk failed while it was written');
    const again = await ready(start(folder));
    for (const alert of new Set(accepted))
      expect((await fetch(`${again.url}/api/v1/alerts/${alert}`)).status, alert).toBe(200);
    expect(new Set(accepted).size).toBeGreaterThan(0);
  }, 60_000);
});
