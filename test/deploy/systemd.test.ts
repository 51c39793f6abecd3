import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readSettings } from '../../src/cli/environment.ts';

const root = join(import.meta.dirname, '../..');
const path = join(root, 'deploy/systemd/tocsin.service');
const unit = readFileSync(path, 'utf8');
const valuesOf = (key: string) => [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(match => match[1] ?? '');
const analyse = spawnSync('systemd-analyze', ['--version']).status === 0;

describe('the unit of systemd', () => {
  test('starts a file that exists with an environment that is taken', () => {
    const [command = ''] = valuesOf('ExecStart');
    const main = command.split(' ').at(-1) ?? '';
    expect(existsSync(join(root, main.replace('/opt/tocsin/', '')))).toBe(true);
    const env = Object.fromEntries(valuesOf('Environment').map(pair => pair.split('=', 2)));
    expect(readSettings(env, '/etc/tocsin')).toMatchObject({
      configPath: '/etc/tocsin/tocsin.yaml',
      dataFolder: '/var/lib/tocsin',
      role: 'all',
    });
  });

  test('lets steps finish and runs without rights', () => {
    expect(valuesOf('KillMode')).toEqual(['mixed']);
    expect(Number(valuesOf('TimeoutStopSec')[0])).toBeGreaterThan(10);
    expect([valuesOf('User'), valuesOf('NoNewPrivileges'), valuesOf('ProtectSystem')]).toEqual([
      ['tocsin'],
      ['yes'],
      ['strict'],
    ]);
  });

  test.skipIf(!analyse)('systemd knows every line of it, and finds little exposed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tocsin-unit-'));
    try {
      // Whether its program and folder are on this machine is another matter.
      const here = unit
        .replace(/^ExecStart=.*$/m, 'ExecStart=/bin/true')
        .replace(/^(User|Group)=tocsin$/gm, '$1=daemon');
      const copy = join(folder, 'tocsin.service');
      await writeFile(copy, here);
      const checked = spawnSync('systemd-analyze', ['verify', '--man=no', copy], { encoding: 'utf8' });
      const about = checked.stderr.split('\n').filter(line => line.includes('tocsin.service'));
      expect(about).toEqual([]);
      const rated = spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=30', copy], {
        encoding: 'utf8',
      });
      expect(rated.status, rated.stdout + rated.stderr).toBe(0);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
