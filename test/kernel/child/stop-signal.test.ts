import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createChildren } from '../../../src/kernel/child/child.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { silentLog } from '../../../src/kernel/log.ts';

const folder = mkdtempSync(join(tmpdir(), 'tocsin-signal-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const path = process.env['PATH'] ?? '/usr/bin:/bin';
const children = createChildren({ clock: systemClock, log: silentLog, path, home: folder, tmp: folder });

/** Handles INT as psql does: it says so and ends well. */
const program = `exec node -e "process.on('SIGINT', () => { console.log('cancelled'); process.exit(0); }); setInterval(() => {}, 1000); console.log('ready')"`;

async function stopWithInterrupt(argv: (next: string) => string[], name: string) {
  const next = join(folder, name);
  const stop = new AbortController();
  let output = '';
  const end = await children.spawn(
    { argv: argv(next), stopSignal: 'INT' },
    {
      marker: `signal-${process.pid}-${Date.now()}/${name}/1`,
      signal: stop.signal,
      grace: 20_000,
      onOutput(chunk) {
        output += chunk.toString();
        if (output.includes('ready')) stop.abort();
      },
    },
  );
  return { end, output, wentOn: existsSync(next) };
}

describe('a step that is stopped with INT', () => {
  it.each([
    [
      'the next line of a bash script',
      (next: string) => ['bash', '-e', '-o', 'pipefail', '-c', `(${program})\ntouch ${next}`],
    ],
    ['what stands behind ||', (next: string) => ['bash', '-e', '-c', `(${program}) || true; touch ${next}`]],
    [
      'the next line of an inner shell',
      (next: string) => ['sh', '-c', `bash -c '(sh -c "$0"); touch ${next}' "$0"; touch ${next}`, program],
    ],
  ])('lets its program cancel, and does not run %s', async (what, argv) => {
    const { output, wentOn } = await stopWithInterrupt(argv, what.replaceAll(/[^a-z]/g, '-'));
    expect(output).toBe('ready\ncancelled\n');
    expect(wentOn).toBe(false);
  });
});
