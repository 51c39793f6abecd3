import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { role } from '../../src/model/node.ts';
import { cli } from '../cli/terminal.ts';
import { hasRedis, startRedis } from '../real/redis.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const has = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

/** What compose files look like, as far as this one uses it. */
const service = z.object({
  image: z.string().regex(/:[\w.-]+$/),
  restart: z.literal('unless-stopped'),
  security_opt: z.array(z.literal('no-new-privileges:true')).min(1),
  healthcheck: z
    .object({ test: z.array(z.string()).min(2), interval: z.string(), timeout: z.string(), retries: z.number() })
    .optional(),
  environment: z.record(z.string(), z.string()).optional(),
  ports: z.array(z.string()).optional(),
  volumes: z.array(z.string()).optional(),
  depends_on: z.record(z.string(), z.object({ condition: z.literal('service_healthy') })).optional(),
  secrets: z.array(z.string()).optional(),
  command: z.array(z.string()).optional(),
});
const text = read('compose.yaml');
const compose = z
  .object({
    services: z.record(z.string(), service),
    volumes: z.record(z.string(), z.unknown()),
    secrets: z.record(z.string(), z.object({ environment: z.string() })),
  })
  .parse(parse(text, { merge: true }));
const services = Object.entries(compose.services);
const bot = compose.services['bot'];

/** There is no Docker engine where the tests run, so this is what can be known without one. */
describe('compose.yaml', () => {
  test('has two nodes, their servers, and what sends them alerts', () => {
    expect(Object.keys(compose.services)).toEqual(['bot', 'postgres', 'redis', 'prometheus', 'alertmanager']);
    expect(parse(text, { merge: true }).services.bot.deploy).toEqual({ replicas: 2 });
    expect(bot?.depends_on).toMatchObject({ postgres: {}, redis: {} });
  });

  test('everything is looked at for health; the image of the nodes does it itself', () => {
    for (const [name, { healthcheck }] of services)
      expect(name === 'bot' || healthcheck !== undefined, name).toBe(true);
    expect(read('Dockerfile')).toMatch(/^HEALTHCHECK /m);
  });

  test.skipIf(!hasRedis)('a Redis that answers with an error is not healthy', async () => {
    const [, program = '', ...words] = compose.services['redis']?.healthcheck?.test ?? [];
    const well = await startRedis();
    const locked = await startRedis({ requirepass: 'a-password' });
    const codes = [well, locked].map(({ port }) => spawnSync(program, ['-p', `${port}`, ...words]).status);
    await Promise.all([well.stop(), locked.stop()]);
    expect(codes).toEqual([0, 1]);
  });

  test('a node is given names that it reads, and a Redis that drops nothing', () => {
    const names = Object.keys(bot?.environment ?? {});
    const known = sourcesOf('src').concat(read('deploy/compose/tocsin/tocsin.yaml'));
    for (const name of names) expect(known.includes(name), name).toBe(true);
    expect(names).toEqual(expect.arrayContaining(['DATABASE_URL', 'REDIS_URL']));
    expect(compose.services['redis']?.command?.join(' ')).toContain('--maxmemory-policy noeviction');
    expect(role.options).toContain('all');
    const url = new URL((bot?.environment?.['DATABASE_URL'] ?? '').replace(/\$\{[^}]*\}/g, 'secret'));
    expect([url.hostname, url.pathname]).toEqual(['postgres', '/tocsin']);
  });

  test('every value that must be set is in the example, and none is set there', () => {
    const example = read('deploy/compose/env.example');
    const needed = [...text.matchAll(/\$\{(\w+):\?/g)].map(match => match[1] ?? '');
    expect(new Set(needed)).toEqual(new Set(['POSTGRES_PASSWORD', 'TOCSIN_TOKEN', 'ALERTMANAGER_TOKEN']));
    for (const name of needed) expect(example).toMatch(new RegExp(`^${name}=$`, 'm'));
    const optional = [...text.matchAll(/\$\{(\w+):-/g)].map(match => match[1] ?? '');
    for (const name of optional.filter(one => one !== 'TOCSIN_ROLE')) expect(example, name).toContain(`#${name}=`);
    expect(Object.values(compose.secrets).map(one => one.environment)).toEqual(['ALERTMANAGER_TOKEN']);
  });

  test('nothing is published beyond this machine, and what is mounted exists', () => {
    for (const [name, { ports = [], volumes = [] }] of services) {
      for (const port of ports) expect(port, name).toMatch(/^127\.0\.0\.1:/);
      for (const volume of volumes) {
        const [from = ''] = volume.split(':');
        if (from.startsWith('.')) expect(existsSync(join(root, from)), volume).toBe(true);
        else expect(Object.keys(compose.volumes)).toContain(from);
      }
    }
  });

  test('the files of the nodes pass tocsin check', async () => {
    const env = {
      TOCSIN_CONFIG: join(root, 'deploy/compose/tocsin/tocsin.yaml'),
      ALERTMANAGER_TOKEN: 'a-token-for-alerts',
      TOCSIN_TOKEN: 'a-token-for-you',
    };
    const checked = await cli(['check', '--strict'], { env, cwd: root });
    expect([checked.code, checked.out], checked.err).toEqual([0, '']);
  });

  test.skipIf(!has('promtool'))('Prometheus takes its files', () => {
    expect(run('promtool', 'check', 'rules', 'deploy/compose/rules.yml')).toBe(0);
    const folder = mkdtempSync(join(tmpdir(), 'tocsin-prometheus-'));
    try {
      const rules = join(root, 'deploy/compose/rules.yml');
      const config = read('deploy/compose/prometheus.yml')
        .replace('/etc/prometheus/rules.yml', rules)
        .replace('/etc/prometheus/tocsin-rules.yaml', join(root, 'deploy/prometheus/tocsin-rules.yaml'));
      writeFileSync(join(folder, 'prometheus.yml'), config);
      expect(run('promtool', 'check', 'config', join(folder, 'prometheus.yml'))).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test.skipIf(!has('amtool'))('Alertmanager takes its file', () => {
    expect(run('amtool', 'check-config', 'deploy/compose/alertmanager.yml')).toBe(0);
  });
});

function run(program: string, ...args: string[]): number | null {
  return spawnSync(program, args, { cwd: root }).status;
}

function sourcesOf(folder: string): string {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.ts'))
    .map(path => read(join(folder, path)))
    .join('\n');
}
