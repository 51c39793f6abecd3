import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { root } from './process.ts';

/** A copy of the command beside a command line of the tests, which tells what reaches it. */
const folder = mkdtempSync(join(tmpdir(), 'tocsin-older-node-'));
for (const name of ['bin', 'src', 'node_modules/.bin']) mkdirSync(join(folder, name), { recursive: true });
copyFileSync(join(root, 'bin/tocsin.js'), join(folder, 'bin/tocsin.js'));
writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
symlinkSync(process.execPath, join(folder, 'node_modules/.bin/node'));
writeFileSync(
  join(folder, 'src/cli.ts'),
  `const [what = '', ...rest]: string[] = process.argv.slice(2);
   if (what === 'echo') {
     console.log(JSON.stringify({ version: process.versions.node, rest }));
     process.stdin.pipe(process.stdout);
     process.stdin.on('end', () => { process.exitCode = 5; });
   } else if (what === 'die') {
     process.kill(process.pid, rest[0]);
     setInterval(() => {}, 1000);
   } else if (what === 'wait') {
     for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']) {
       process.on(name, () => { console.log('got ' + name); process.exit(7); });
     }
     setInterval(() => {}, 1000);
     console.log('ready ' + process.pid);
   } else console.log('over');`,
);
/** Run before the command: this Node says that it is an older one. */
const older = join(folder, 'older.mjs');
writeFileSync(
  older,
  `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.19.0' } });`,
);

const started: ChildProcess[] = [];
const inner: number[] = [];

afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
  for (const pid of inner.splice(0)) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ');
  } catch {
    return false;
  }
}

function run(args: string[], input = '') {
  const child = spawn(process.execPath, ['--import', older, join(folder, 'bin/tocsin.js'), ...args], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  started.push(child);
  child.stdin.end(input);
  let out = '';
  const ready = Promise.withResolvers<number>();
  child.stdout.on('data', chunk => {
    out += chunk;
    const pid = Number(/ready (\d+)/.exec(out)?.[1]);
    if (pid > 0) ready.resolve(pid);
  });
  // All that holds its output is gone then, the inner process too.
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, out }));
  return {
    child,
    ended,
    async ready() {
      const pid = await ready.promise;
      inner.push(pid);
      return pid;
    },
  };
}

describe('the command under an older Node', () => {
  it('hands arguments and input over to the pinned one, and ends with its code', async () => {
    const { code, out } = await run(['echo', 'a b', '--c'], 'from stdin\n').ended;
    expect(code).toBe(5);
    const [first, second] = out.split('\n');
    expect(JSON.parse(first ?? '')).toEqual({ version: process.versions.node, rest: ['a b', '--c'] });
    expect(second).toBe('from stdin');
  });

  it('ends when the pinned one has nothing left to do', async () => {
    expect(await run(['nothing']).ended).toEqual({ code: 0, signal: null, out: 'over\n' });
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const)(
    'passes %s on, and ends as it ends',
    async signal => {
      const command = run(['wait']);
      const pid = await command.ready();
      command.child.kill(signal);
      const { code, out } = await command.ended;
      expect(out).toContain(`got ${signal}\n`);
      expect(code).toBe(7);
      expect(isAlive(pid)).toBe(false);
    },
  );

  it.each(['SIGTERM', 'SIGKILL', 'SIGINT'] as const)('ends by %s when the pinned one was ended by it', async signal => {
    expect(await run(['die', signal]).ended).toMatchObject({ code: null, signal });
  });

  it('takes the pinned one with it when it is killed itself', async () => {
    const command = run(['wait']);
    const pid = await command.ready();
    command.child.kill('SIGKILL');
    const { signal, out } = await command.ended;
    expect(signal).toBe('SIGKILL');
    expect(out).toContain('got SIGTERM\n');
    // It lets go of its output a moment before it is gone.
    await expect.poll(() => isAlive(pid)).toBe(false);
  });
});
