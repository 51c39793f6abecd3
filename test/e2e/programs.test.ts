import { afterEach, expect, test, vi } from 'vitest';
import { findPrograms, startProgram } from './programs.ts';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

test('what is missing is printed, so that tests which did not run are seen', () => {
  vi.stubEnv('PATH', '/nowhere');
  vi.stubEnv('CI', '');
  const printed = vi.spyOn(console, 'warn').mockImplementation(() => {});
  expect(findPrograms().missing).toMatch(/did not run: prometheus, alertmanager, chromium not in PATH/);
  expect(printed).toHaveBeenCalledOnce();
});

test('with CI=true it is a failure', () => {
  vi.stubEnv('PATH', '/nowhere');
  vi.stubEnv('CI', 'true');
  expect(() => findPrograms()).toThrow(/did not run/);
});

test('a program that ends before it says what is waited for is told of with its output', async () => {
  const program = startProgram('/bin/sh', ['-c', 'echo oh; exit 3'], { env: {}, cwd: '/' });
  await expect(program.says(/ready/)).rejects.toThrow(/ended with 3 before.*\noh/s);
});

test('a program is stopped by its id, and its end is told', async () => {
  const program = startProgram('/bin/sh', ['-c', 'echo ready; exec sleep 100'], { env: {}, cwd: '/' });
  await program.says(/ready/);
  expect(await program.stop()).toBe('SIGTERM');
});

test('one that is not there is told of too', async () => {
  const program = startProgram('/nowhere/program', [], { env: {}, cwd: '/' });
  await expect(program.says(/ready/)).rejects.toThrow(/ENOENT/);
});
