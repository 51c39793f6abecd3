import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it, test } from 'vitest';
import { parseWindow } from '../../../src/model/expression/window.ts';
import { checkClocks, digestOf } from './clocks.ts';

const run = promisify(execFile);

test('windows and schedules say of any moment what its clocks say', () => {
  expect(checkClocks({ runs: 2000 }).length).toBeGreaterThan(2000);
});

const [seed, runs] = [11, 400];
const here = digestOf(checkClocks({ seed, runs }));

test.each([
  ['UTC', '2026-07-01', 0],
  ['America/St_Johns', '2026-07-01', 150],
  ['Asia/Kathmandu', '2026-07-01', -345],
  ['Australia/Lord_Howe', '2026-07-01', -630],
  ['Pacific/Apia', '2026-07-01', -780],
  ['America/Santiago', '2026-07-01', 240],
])('and the same on a host in %s', async (TZ, day, offset) => {
  const program = new URL('clocks.ts', import.meta.url).pathname;
  const { stdout } = await run(process.execPath, [program, String(seed), String(runs), day], {
    env: { ...process.env, TZ },
  });
  const told: unknown = JSON.parse(stdout);
  // The child has other clocks indeed, and saw the same.
  expect(told).toEqual({ offset, digest: here });
});

describe('refused', () => {
  it.each([
    '24:30 - 06:00',
    '22:00 - 24:01',
    '25:00 - 06:00',
    '08:60 - 09:00',
    '8 - 17',
    '08:00',
    '08:00 - 17:00 - 18:00',
    '-08:00 - 17:00',
    '0x8:00 - 17:00',
    '8:5 - 17:00',
    '08:00 - 17:00 Mon',
    'Mo 08:00 - 17:00',
    'Mon- 08:00 - 17:00',
    'Fri 24:30 - Mon 08:00',
    'Fri 16:00 - 08:00 Mon',
    '٠٨:٠٠ - ١٧:٠٠',
  ])('the window %j', text => {
    expect(() => parseWindow(text, 'UTC')).toThrow(`"${text}" is not a time window; write "Fri 16:00 - Mon 08:00"`);
  });

  it.each([
    ['BST', 'Europe/London'],
    ['EST', 'America/New_York'],
    ['GMT+1', 'Etc/GMT-1'],
    ['+02:00', 'Etc/GMT-2'],
    ['Europe/Londn', 'Europe/London'],
  ])('the zone %s', (zone, near) => {
    expect(() => parseWindow('08:00 - 17:00', zone)).toThrow(`did you mean "${near}"?`);
  });
});
