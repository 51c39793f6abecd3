import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const lines = readFileSync(join(root, 'Dockerfile'), 'utf8').replaceAll('\\\n', ' ').split('\n');
const last = lines.slice(lines.findLastIndex(line => line.startsWith('FROM ')));

/** There is no Docker engine where the tests run, so this is what can be known without one. */
describe('the image', () => {
  test('copies only what exists and what .dockerignore lets through', () => {
    const ignore = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n');
    const copied = lines
      .filter(line => line.startsWith('COPY ') && !line.includes('--from='))
      .flatMap(line => line.split(/\s+/).slice(1, -1));
    expect(copied).toEqual(expect.arrayContaining(['src', 'commands', 'runbooks', 'package.json']));
    for (const path of copied) {
      expect(existsSync(join(root, path)), path).toBe(true);
      const above = path.split('/').map((_, at, names) => `!${names.slice(0, at + 1).join('/')}`);
      expect(
        ignore.some(line => above.includes(line)),
        path,
      ).toBe(true);
    }
    expect(ignore[0]).toBe('*');
  });

  test('starts a file that exists, as nobody special, under an init, with its data in a volume', () => {
    expect(last[0]).toMatch(/^FROM node:24-slim\b/);
    const text = last.join('\n');
    expect(text).toMatch(/apt-get install [^\n]*\btini\b[^\n]*\butil-linux\b/);
    const entry = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(text)?.[1] ?? '[]') as string[];
    expect(entry.slice(0, 3)).toEqual(['tini', '--', 'node']);
    expect(existsSync(join(root, (entry.at(-1) ?? '').replace('/app/', '')))).toBe(true);
    expect(last.indexOf('USER node')).toBeLessThan(last.findIndex(line => line.startsWith('ENTRYPOINT')));
    expect(text).toMatch(/^VOLUME \/data$/m);
    expect(text).toMatch(/^HEALTHCHECK /m);
    expect(text).toContain('TOCSIN_LISTEN=0.0.0.0:8080');
    expect(lines.some(line => /npm ci .*--omit=dev/.test(line))).toBe(true);
  });

  test('production code imports no development dependency', () => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(Object.keys(dependencies)).toContain('fastify');
    expect(devDependencies).toHaveProperty('node');
    for (const version of Object.values({ ...dependencies, ...devDependencies }))
      expect(version).toMatch(/^\d+\.\d+\.\d+/);
  });
});
